package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// salvageRows makes the index of a block from its bodies, of which some may be
// damaged. Of the first sure rows the place in the block is known; holes are the
// places, as numbers of the rows behind them, where bodies are missing.
func salvageRows(bodies []byte) (rs rows, sure int, holes []int, damage error) {
	last := int64(-1)
	sure = -1
	for pos := 0; pos < len(bodies); {
		r, err := salvageRow(bodies, pos, last)
		if err == nil {
			rs = rows(appendRow(rs, r))
			last = r.offset
			pos += int(r.length)
			continue
		}
		if sure < 0 {
			sure, damage = rs.len(), err
		}
		holes = append(holes, rs.len())
		for pos++; pos < len(bodies); pos++ {
			if bodies[pos] != frameVersion {
				continue
			}
			if _, err := salvageRow(bodies, pos, last); err == nil {
				break
			}
		}
	}
	if sure < 0 {
		sure = rs.len()
	}
	return rs, sure, holes, damage
}

var errNotAscending = errors.New("its offset is not above the one before")

// salvageRow is what the framed body at pos says of itself.
func salvageRow(bodies []byte, pos int, last int64) (row, error) {
	if left := bodies[pos:]; len(left) < frameHeader || frameHeader+int64(binary.BigEndian.Uint32(left[5:9])) > int64(len(left)) {
		return row{}, errFrameShort
	}
	r, size, err := bodyRow(bodies[pos:])
	if err != nil {
		return row{}, err
	}
	if r.offset <= last {
		return row{}, errNotAscending
	}
	r.pos, r.length = uint32(pos), uint32(size)
	return r, nil
}

// bodyRow is the row of the framed body at the start of b, and its size.
func bodyRow(b []byte) (row, int, error) {
	rec, scheme, err := decodeBody(b)
	if err != nil {
		return row{}, 0, err
	}
	_, size, err := openFrame(b)
	if err != nil {
		return row{}, 0, err
	}
	flags := uint16(0)
	if rec.Lane.Own {
		flags = flagOwn
	}
	return row{offset: rec.Offset, lane: rec.Lane.ID, length: uint32(size), scheme: scheme, flags: flags}, size, nil
}

// salvageBody returns the framed body of a row, and what is wrong with it. In the
// place of one that is not there comes one that is damaged: its job keeps its
// name, and a bridge fetches the record from Kafka again.
func salvageBody(bodies []byte, r row) (body []byte, damage error) {
	from, to := int64(r.pos), int64(r.pos)+int64(r.length)
	if to > int64(len(bodies)) || r.length < frameHeader {
		return make([]byte, frameHeader), errFrameShort
	}
	body = bodies[from:to]
	rec, _, err := decodeBody(body)
	if err == nil && rec.Offset != r.offset {
		err = fmt.Errorf("body of offset %d in its place", rec.Offset)
	}
	return body, err
}
