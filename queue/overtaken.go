package queue

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"
)

// Of each lane that has dead letters it is kept whether a later job of it is done:
// who requeues a letter then runs jobs of a key out of their order. A job that is
// done is compared with the letters of its lane only until the last of them is
// overtaken, so that nothing is written for the others.

var bucketOvertaken = []byte("overtaken")

// maxMourned bounds the lanes that memory watches, of all partitions together. Of
// others it is not known that they go on.
const maxMourned = 1 << 18

// overtaking is what the file knows of a lane with dead letters.
type overtaking struct {
	last int64 // the highest offset that was buried
	done int64 // the highest offset that was done when it was above a letter; -1: none
}

// mourners are lanes whose last letter is not overtaken, by their ids, with the
// offset of that letter. The zero value is empty.
type mourners struct {
	scheme uint16 // that the ids are of
	last   map[uint64]int64
}

// mourn notes that a job of l is buried.
func (p *Partition) mourn(l *lane, offset int64) {
	if l == nil || l.own {
		return
	}
	p.heedScheme()
	before, known := p.mourners.last[l.id]
	if !known {
		if p.store.mourned >= maxMourned {
			return
		}
		p.store.mourned++
		before = -1
	}
	put(&p.mourners.last, l.id, max(before, offset))
	p.overtake(l.id, overtaking{offset, -1})
}

// overtakes notes that a job of l is done. It is called where some lane mourns.
func (p *Partition) overtakes(l *lane, offset int64) {
	if l == nil || l.own {
		return
	}
	p.heedScheme()
	if last, mourns := p.mourners.last[l.id]; mourns && offset > last {
		delete(p.mourners.last, l.id)
		p.store.mourned--
		p.overtake(l.id, overtaking{-1, offset})
	}
}

// heedScheme lets lanes of another scheme go: their ids mean others now.
func (p *Partition) heedScheme() {
	if p.mourners.scheme != p.active {
		p.store.mourned -= len(p.mourners.last)
		p.mourners = mourners{scheme: p.active}
	}
}

func (p *Partition) overtake(lane uint64, o overtaking) {
	key := laneOfScheme{p.active, lane}
	if before, some := p.overtaken[key]; some {
		o = before.with(o)
	}
	put(&p.overtaken, key, o)
}

func (o overtaking) with(other overtaking) overtaking {
	return overtaking{max(o.last, other.last), max(o.done, other.done)}
}

type laneOfScheme struct {
	scheme uint16
	lane   uint64
}

const laneOfSchemeSize = 10

func (l laneOfScheme) key() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(nil, l.scheme), l.lane)
}

func (o overtaking) encode() []byte {
	return appendFrame(nil, append(offsetKey(o.last), offsetKey(o.done)...))
}

func openOvertaking(value []byte) (o overtaking, err error) {
	payload, err := openWhole(value)
	if err == nil && len(payload) != 16 {
		err = errKeySize
	}
	if err != nil {
		return overtaking{}, err
	}
	return overtaking{int64(binary.BigEndian.Uint64(payload)), int64(binary.BigEndian.Uint64(payload[8:]))}, nil
}

// writeOvertaken adds to what the file knows of lanes that have letters.
func (f *partFlush) writeOvertaken(b *bbolt.Bucket) error {
	if len(f.overtaken) == 0 || b.Bucket(bucketDead) == nil {
		return nil
	}
	lanes, err := b.CreateBucketIfNotExists(bucketOvertaken)
	if err != nil {
		return err
	}
	for lane, o := range f.overtaken {
		key := lane.key()
		before, err := openOvertaking(lanes.Get(key))
		if err == nil {
			o = before.with(o)
		} else if o.last < 0 {
			continue // its letters have gone
		}
		if err := lanes.Put(key, o.encode()); err != nil {
			return err
		}
	}
	return nil
}

// loadOvertaken watches the lanes whose last letter is not overtaken. The ids of
// lanes are of the active scheme.
func (p *Partition) loadOvertaken(b *bbolt.Bucket) {
	p.mourners.scheme = p.active
	lanes := b.Bucket(bucketOvertaken)
	if lanes == nil {
		return
	}
	first := laneOfScheme{p.active, 0}.key()
	c := lanes.Cursor()
	for key, value := c.Seek(first); len(key) == laneOfSchemeSize && key[0] == first[0] && key[1] == first[1]; key, value = c.Next() {
		o, err := openOvertaking(value)
		if err == nil && o.last > o.done && len(p.mourners.last) < maxMourned {
			put(&p.mourners.last, binary.BigEndian.Uint64(key[2:]), o.last)
		}
	}
}

// isOvertaken reports whether a later job of the letter's lane is known to be done.
func (t *deadTable) isOvertaken(rec Record, scheme uint16) bool {
	lanes := t.part.Bucket(bucketOvertaken)
	if lanes == nil || rec.Lane.Own {
		return false
	}
	o, err := openOvertaking(lanes.Get(laneOfScheme{scheme, rec.Lane.ID}.key()))
	return err == nil && o.done > rec.Offset
}

// forgetLane forgets the lane of a letter that goes, where that was its last one.
// Of earlier ones it is then not known any more.
func (t *deadTable) forgetLane(offset int64, body []byte) error {
	lanes := t.part.Bucket(bucketOvertaken)
	if lanes == nil {
		return nil
	}
	r, err := rowOfBody(body)
	if err != nil {
		return nil // it stays until the last letter of the partition goes
	}
	key := laneOfScheme{r.scheme, r.lane}.key()
	if o, err := openOvertaking(lanes.Get(key)); err != nil || o.last != offset {
		return nil
	}
	return lanes.Delete(key)
}

// overtaken checks the lines about lanes that have letters.
func (v verifier) overtaken() {
	lanes := v.b.Bucket(bucketOvertaken)
	if lanes == nil {
		return
	}
	_ = lanes.ForEach(func(key, value []byte) error {
		_, err := openOvertaking(value)
		if len(key) != laneOfSchemeSize {
			err = errors.Join(err, errKeySize)
		}
		if err != nil {
			v.report(&DamageError{v.tp.String() + " overtaken", err})
		}
		return nil
	})
}
