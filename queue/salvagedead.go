package queue

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
)

// salvagedDead is what the lines about the dead letters of a partition tell.
type salvagedDead struct {
	buried map[uint64]int64 // by number
	unsent map[uint64]bool
	tally  tallyValue
	some   bool // the file has, or had, letters
}

// deadLetters reads and writes the letters. The lines about them, and how many
// they are, are made anew.
func (p *partSalvage) deadLetters() error {
	d := &salvagedDead{buried: map[uint64]int64{}, unsent: map[uint64]bool{}}
	if err := p.deadLines(d); err != nil {
		return err
	}
	if value := p.values[string(keyTally)]; value != nil {
		d.some = decodeValue(value, &d.tally) == nil // else it is counted anew
	}
	d.tally = tallyValue{Burials: d.tally.Burials}
	from := p.parts[string(bucketDead)]
	if from != nil {
		err := from.Each(func(key, value []byte, _ SalvageSource) error { return p.deadLetter(d, key, value) },
			p.gaps(p.tp.String()+" dead letters", "they are lost"))
		if err != nil {
			return err
		}
	}
	if !d.some {
		return nil
	}
	value, err := encodeValue(&d.tally)
	if err != nil {
		return err
	}
	return p.put(keyTally, value, p.path...)
}

// deadLines reads when which letter was buried, and of which no copy was sent.
func (p *partSalvage) deadLines(d *salvagedDead) error {
	if from := p.parts[string(bucketBurials)]; from != nil {
		err := from.Each(func(key, _ []byte, _ SalvageSource) error {
			if len(key) == deadKeySize {
				d.buried[deadKeyNumber(key)] = mustOffset(key[:8])
			}
			return nil
		}, func(SalvageGap) {}) // the letters say the same
		if err != nil {
			return err
		}
	}
	if from := p.parts[string(bucketOutbox)]; from != nil {
		return from.Each(func(key, _ []byte, _ SalvageSource) error {
			if len(key) == deadKeySize/2 {
				d.unsent[binary.BigEndian.Uint64(key)] = true
			}
			return nil
		}, p.gaps(p.tp.String()+" outbox", "of these dead letters no copy is sent any more"))
	}
	return nil
}

func (p *partSalvage) deadLetter(d *salvagedDead, key, value []byte) error {
	if len(key) != deadKeySize {
		p.lose(fmt.Sprintf("%s dead letter %x", p.tp, key), errKeySize, "it is left out")
		return nil
	}
	offset, number := mustOffset(key[:8]), deadKeyNumber(key)
	name := fmt.Sprintf("dead letter %s@%d", p.tp, offset)
	v, body, err := openLetter(value)
	if err != nil {
		if v, body = p.withoutHistory(d, number, offset, value); body == nil {
			p.lose(name, err, isLost)
			return nil
		}
		p.lose(name, err, "its record is kept, what was known of its runs is lost")
		if value, err = v.letter(body); err != nil {
			return err
		}
	} else if r, _, err := bodyRow(body); err != nil || r.offset != offset {
		p.lose(name+" body", cmp.Or(err, errNotInPlace), "what was known of it is kept, its record is lost")
	}
	if v.TopicID == p.state.TopicID || v.TopicID == "" || p.state.TopicID == "" {
		p.dead[offset] = true
	}
	return p.putLetter(d, offset, number, v.Buried, value)
}

// withoutHistory is a letter of which only the record can be read; nil: it
// cannot.
func (p *partSalvage) withoutHistory(d *salvagedDead, number uint64, offset int64, stored []byte) (deadValue, []byte) {
	if len(stored) < frameHeader {
		return deadValue{}, nil
	}
	at := int64(frameHeader) + int64(binary.BigEndian.Uint32(stored[5:9]))
	if at >= int64(len(stored)) {
		return deadValue{}, nil
	}
	if r, _, err := bodyRow(stored[at:]); err != nil || r.offset != offset {
		return deadValue{}, nil
	}
	v := deadValue{Buried: p.now.UnixNano(), TopicID: p.state.TopicID, Reason: "what was known of this dead letter was damaged"}
	if at, ok := d.buried[number]; ok {
		v.Buried = at
	}
	return v, stored[at:]
}

// putLetter writes a letter and the lines about it.
func (p *partSalvage) putLetter(d *salvagedDead, offset int64, number uint64, buried int64, value []byte) error {
	d.some = true
	p.report.Dead++
	d.tally.Letters++
	d.tally.Bytes += int64(len(value))
	d.tally.Burials = max(d.tally.Burials, number)
	at := appendFrame(nil, offsetKey(offset))
	err := errors.Join(
		p.put(deadKey(offset, number), value, p.under(bucketDead)...),
		p.put(deadKey(buried, number), at, p.under(bucketBurials)...),
		p.bucket(p.under(bucketOutbox)...),
	)
	if err == nil && d.unsent[number] {
		d.tally.Unsent++
		err = p.put(offsetKey(int64(number)), at, p.under(bucketOutbox)...)
	}
	return err
}
