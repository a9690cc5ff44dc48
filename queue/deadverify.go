package queue

import (
	"bytes"
	"errors"
	"fmt"
)

// dead checks the dead letters, and that they and the lines about them agree.
func (v verifier) dead(deep bool) {
	t := deadTable{tp: v.tp, part: v.b}
	if t.dead() == nil {
		return
	}
	for _, name := range deadBuckets() {
		if v.b.Bucket(name) == nil {
			v.report(&DamageError{fmt.Sprintf("%s %s", v.tp, name), errBucketMissing})
			return
		}
	}
	v.value("tally", v.b.Get(keyTally), &tallyValue{})
	_ = t.dead().ForEach(func(key, value []byte) error {
		if len(key) != deadKeySize {
			v.report(&DamageError{fmt.Sprintf("%s dead letter %x", v.tp, key), errKeySize})
			return nil
		}
		ref := DeadRef{v.tp, mustOffset(key[:8]), deadKeyNumber(key)}
		l, _ := t.letter(ref, value)
		if deep && l.Damaged == nil {
			l, _ = t.read(ref)
		}
		var damage *DamageError
		if errors.As(l.Damaged, &damage) {
			v.report(damage)
		} else if t.burials().Get(deadKey(l.Buried.UnixNano(), ref.Number)) == nil {
			v.report(&DamageError{fmt.Sprintf("%s burials", v.tp), fmt.Errorf("offset %d is missing", ref.Offset)})
		}
		return nil
	})
	v.deadLines(&t, bucketBurials, deadKeySize)
	v.deadLines(&t, bucketOutbox, deadKeySize/2)
}

// deadLines checks lines that name a letter by the number that ends their keys
// and by its offset.
func (v verifier) deadLines(t *deadTable, bucket []byte, keySize int) {
	_ = v.b.Bucket(bucket).ForEach(func(key, value []byte) error {
		payload, err := openWhole(value)
		switch {
		case len(key) != keySize:
			err = errKeySize
		case err == nil && len(payload) != 8:
			err = errKeySize
		case err == nil && t.dead().Get(append(bytes.Clone(payload), key[keySize-8:]...)) == nil:
			err = errNoLetter
		}
		if err != nil {
			v.report(&DamageError{fmt.Sprintf("%s %s %x", v.tp, bucket, key), err})
		}
		return nil
	})
}
