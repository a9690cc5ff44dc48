package queue

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Verify checks every frame of a store and calls report for each that is
// damaged. Without deep the bodies are left out. It returns an error where the
// file as a whole cannot be read.
func Verify(db *bbolt.DB, deep bool, report func(*DamageError)) error {
	return db.View(func(tx *bbolt.Tx) error {
		if _, err := readIdentity(tx); err != nil {
			return err
		}
		err := eachPause(tx, func(_ Pause, damage *DamageError) {
			if damage != nil {
				report(damage)
			}
		})
		if err != nil {
			return err
		}
		if err := verifyGuards(tx, report); err != nil {
			return err
		}
		if err := verifyLedger(tx, report); err != nil {
			return err
		}
		return eachPartition(tx, func(tp TopicPartition, b *bbolt.Bucket) error {
			var missing *DamageError
			if errors.As(checkBuckets(tp, b), &missing) {
				report(missing)
				return nil
			}
			v := verifier{tp, b, report}
			v.value("state", b.Get(keyState), &stateValue{})
			if _, err := openRanges(b.Get(keyElsewhere)); err != nil {
				v.report(&DamageError{fmt.Sprintf("%s elsewhere", tp), err})
			}
			v.notes()
			v.checkpoints(false)
			v.checkpoints(true)
			v.blocks(deep)
			v.aside(deep)
			v.dead(deep)
			v.overtaken()
			return nil
		})
	})
}

type verifier struct {
	tp     TopicPartition
	b      *bbolt.Bucket
	report func(*DamageError)
}

func (v verifier) value(where string, value []byte, into any) {
	if err := decodeValue(value, into); err != nil {
		v.report(&DamageError{fmt.Sprintf("%s %s", v.tp, where), err})
	}
}

func (v verifier) notes() {
	_ = v.b.Bucket(bucketNotes).ForEach(func(key, value []byte) error {
		v.value(fmt.Sprintf("note %x", key), value, &noteValue{})
		return nil
	})
}

func (v verifier) checkpoints(aside bool) {
	kept := checkpointsOf(v.b, aside)
	if kept == nil {
		return
	}
	_ = kept.ForEach(func(key, value []byte) error {
		if _, err := openWhole(value); err != nil {
			v.report(&DamageError{fmt.Sprintf("%s checkpoint %x", v.tp, key), err})
		}
		return nil
	})
}

func (v verifier) blocks(deep bool) {
	_ = v.b.Bucket(bucketIndex).ForEach(func(key, value []byte) error {
		where := fmt.Sprintf("%s block %x", v.tp, key)
		rs, err := openRows(value)
		if err != nil {
			v.report(&DamageError{where + " index", err})
			return nil
		}
		done, err := openBitmap(v.b.Bucket(bucketDone).Get(key))
		if err != nil {
			v.report(&DamageError{where + " completions", err})
		}
		if deep {
			v.bodies(rs, done, blockValue(v.b.Bucket(bucketBlocks), key))
		}
		return nil
	})
}

// bodies checks those of open jobs: the others are never read again.
func (v verifier) bodies(rs rows, done bitmap, bodies []byte) {
	for i := range rs.len() {
		if done.has(i) {
			continue
		}
		r := rs.at(i)
		err := errFrameShort
		if int64(r.pos)+int64(r.length) <= int64(len(bodies)) {
			var rec Record
			rec, _, err = decodeBody(bytes.Clone(bodies[r.pos : r.pos+r.length]))
			if err == nil && rec.Offset != r.offset {
				err = fmt.Errorf("body of offset %d in its place", rec.Offset)
			}
		}
		if err != nil {
			v.report(&DamageError{fmt.Sprintf("%s@%d", v.tp, r.offset), err})
		}
	}
}

// aside checks the jobs that were set aside, in each of the places that they
// are told in.
func (v verifier) aside(deep bool) {
	t, ok := openAside(v.b)
	if !ok {
		if err := checkAside(v.tp, v.b); err != nil {
			v.report(err)
		}
		return
	}
	_ = t.index.ForEach(func(key, value []byte) error {
		where := fmt.Sprintf("%s aside %x", v.tp, key)
		r, err := openAsideRow(value)
		if err == nil && (mustOffset(key) != r.offset || !t.has(r.aside())) {
			err = fmt.Errorf("the row of offset %d is not in its place", r.offset)
		}
		if err != nil {
			v.report(&DamageError{where + " index", err})
		}
		if !deep {
			return nil
		}
		if rec, err := t.body(mustOffset(key)); err != nil {
			v.report(&DamageError{fmt.Sprintf("%s@%d", v.tp, mustOffset(key)), err})
		} else if rec.Lane.Own != r.aside().lane.Own || rec.Lane.ID != r.lane {
			v.report(&DamageError{where + " index", fmt.Errorf("lane %x, and %x in the body", r.lane, rec.Lane.ID)})
		}
		return nil
	})
	_ = t.notes.ForEach(func(key, value []byte) error {
		v.value(fmt.Sprintf("aside note %x", key), value, &noteValue{})
		return nil
	})
	_ = t.parked.ForEach(func(key, value []byte) error {
		v.value(fmt.Sprintf("parked lane %x", key), value, &parkedValue{})
		return nil
	})
}
