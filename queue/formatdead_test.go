package queue

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// dead lists the dead letters by their numbers.
func (r formatReader) dead(b *bbolt.Bucket) (list []modelDead, err error) {
	dead := b.Bucket([]byte("dead"))
	if dead == nil {
		return nil, nil
	}
	size := int64(0)
	offsets := map[string]string{} // what stands behind the number of each
	err = dead.ForEach(func(key, value []byte) error {
		l, err := r.letter(key, value)
		list = append(list, l)
		size += int64(len(value))
		offsets[string(key[8:])] = string(key[:8])
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b modelDead) int { return cmp.Compare(a.number, b.number) })
	unsent := 0
	err = b.Bucket([]byte("outbox")).ForEach(func(key, value []byte) error {
		unsent++
		at := slices.IndexFunc(list, func(l modelDead) bool { return l.number == binary.BigEndian.Uint64(key) })
		if payload, err := frame(value); err != nil || at < 0 || string(payload) != offsets[string(key)] {
			return fmt.Errorf("outbox %x says %x: %v", key, payload, err)
		}
		list[at].unsent = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = b.Bucket([]byte("burials")).ForEach(func(key, value []byte) error {
		at := slices.IndexFunc(list, func(l modelDead) bool { return l.number == binary.BigEndian.Uint64(key[8:]) })
		if payload, err := frame(value); err != nil || at < 0 || string(payload) != offsets[string(key[8:])] ||
			list[at].buried.UnixNano() != int64(binary.BigEndian.Uint64(key)) {
			return fmt.Errorf("burial %x says %x: %v", key, payload, err)
		}
		delete(offsets, string(key[8:]))
		return nil
	})
	if err != nil || len(offsets) > 0 {
		return nil, fmt.Errorf("%d letters without a burial: %v", len(offsets), err)
	}
	tally, err := framedMap(b.Get([]byte("tally")))
	if err != nil || number(tally["letters"]) != int64(len(list)) || number(tally["bytes"]) != size ||
		number(tally["unsent"]) != int64(unsent) || uint64(number(tally["burials"])) < list[len(list)-1].number {
		return nil, fmt.Errorf("tally %v of %d letters, %d bytes, %d unsent: %v", tally, len(list), size, unsent, err)
	}
	return list, nil
}

// overtaken reads the lines about lanes that have letters.
func (r formatReader) overtaken(b *bbolt.Bucket) (list []overtaking, err error) {
	lanes := b.Bucket([]byte("overtaken"))
	if lanes == nil {
		return nil, nil
	}
	if b.Bucket([]byte("dead")) == nil {
		return nil, errors.New("there are no letters")
	}
	err = lanes.ForEach(func(key, value []byte) error {
		payload, err := frame(value)
		if err != nil || len(key) != 10 || len(payload) != 16 {
			return fmt.Errorf("%x says %x: %v", key, payload, err)
		}
		list = append(list, overtaking{int64(binary.BigEndian.Uint64(payload)), int64(binary.BigEndian.Uint64(payload[8:]))})
		return nil
	})
	return list, err
}

// sameOvertaken compares what was read of lanes that have letters with the
// offsets that were done and buried. One that was done may be open again: after
// a reset.
func sameOvertaken(got []overtaking, done, buried map[int64]bool) error {
	for _, o := range got {
		if !buried[o.last] {
			return fmt.Errorf("overtaken: %d is said to be buried, which never was", o.last)
		}
		if o.done >= 0 && !done[o.done] {
			return fmt.Errorf("overtaken: %d is said to be done, which never was", o.done)
		}
	}
	return nil
}

func (r formatReader) letter(key, value []byte) (l modelDead, err error) {
	n := 9 + int(binary.BigEndian.Uint32(value[5:]))
	m, err := framedMap(value[:n])
	if err != nil {
		return l, err
	}
	job, err := body(value[n:], nil)
	if err != nil {
		return l, err
	}
	if uint64(job.rec.Offset) != binary.BigEndian.Uint64(key) {
		return l, fmt.Errorf("letter %x has the job of offset %d", key, job.rec.Offset)
	}
	note, _ := m["note"].(map[string]any)
	l = modelDead{
		rec: job.rec, number: binary.BigEndian.Uint64(key[8:]), buried: time.Unix(0, number(m["buried"])),
		reason: text(m["reason"]), topicID: text(m["topic_id"]), attempts: int(number(note["attempts"])), err: text(note["error"]),
	}
	l.operator, _ = m["operator"].(bool)
	return l, nil
}
