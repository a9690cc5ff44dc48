package queue

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// row is a job's line in the index of its block: where its body is, and what
// a start must know without reading it. Rows are fixed-width (28 bytes,
// big-endian) and ascend by offset.
type row struct {
	offset      int64
	lane        uint64
	pos, length uint32 // of the framed body within the block
	scheme      uint16
	flags       uint16
}

const rowSize = 28

func appendRow(dst []byte, r row) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.offset))
	dst = binary.BigEndian.AppendUint64(dst, r.lane)
	dst = binary.BigEndian.AppendUint32(dst, r.pos)
	dst = binary.BigEndian.AppendUint32(dst, r.length)
	dst = binary.BigEndian.AppendUint16(dst, r.scheme)
	return binary.BigEndian.AppendUint16(dst, r.flags)
}

// rows is the payload of an index value.
type rows []byte

func (rs rows) len() int           { return len(rs) / rowSize }
func (rs rows) offset(i int) int64 { return int64(binary.BigEndian.Uint64(rs[i*rowSize:])) }

func (rs rows) at(i int) row {
	b := rs[i*rowSize : (i+1)*rowSize]
	return row{
		offset: int64(binary.BigEndian.Uint64(b)),
		lane:   binary.BigEndian.Uint64(b[8:]),
		pos:    binary.BigEndian.Uint32(b[16:]),
		length: binary.BigEndian.Uint32(b[20:]),
		scheme: binary.BigEndian.Uint16(b[24:]),
		flags:  binary.BigEndian.Uint16(b[26:]),
	}
}

// find returns the place of offset, or false.
func (rs rows) find(offset int64) (int, bool) {
	i := sort.Search(rs.len(), func(i int) bool { return rs.offset(i) >= offset })
	return i, i < rs.len() && rs.offset(i) == offset
}

// openRows checks an index value.
func openRows(value []byte) (rows, error) {
	payload, err := openWhole(value)
	if err != nil {
		return nil, err
	}
	if len(payload)%rowSize != 0 {
		return nil, fmt.Errorf("index of %d bytes is no multiple of %d", len(payload), rowSize)
	}
	rs := rows(payload)
	for i := 1; i < rs.len(); i++ {
		if rs.offset(i-1) >= rs.offset(i) {
			return nil, fmt.Errorf("index rows %d and %d do not ascend", i-1, i)
		}
	}
	return rs, nil
}

// peekRows is openRows without the checks, for the look-up of one body: the
// body has a checksum of its own and repeats the offset.
func peekRows(value []byte) rows {
	if len(value) < frameHeader {
		return nil
	}
	return rows(value[frameHeader : len(value)-(len(value)-frameHeader)%rowSize])
}

// bitmap marks the finished rows of a block: bit i%8 of byte i/8.
type bitmap []byte

func newBitmap(rows int) bitmap { return make(bitmap, (rows+7)/8) }

func (b bitmap) has(i int) bool { return i/8 < len(b) && b[i/8]&(1<<(i%8)) != 0 }
func (b bitmap) set(i int)      { b[i/8] |= 1 << (i % 8) }

// offsetKey is the key of offset in every bucket: ascending as offsets do.
func offsetKey(offset int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(offset)) }

func keyOffset(key []byte) (int64, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("key of %d bytes, 8 expected", len(key))
	}
	return int64(binary.BigEndian.Uint64(key)), nil
}
