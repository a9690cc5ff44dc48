package queue

import (
	"bytes"
	"encoding/binary"

	"go.etcd.io/bbolt"
)

// deadTable is the dead letters of one partition in a transaction. Its buckets
// exist as long as there is a letter.
type deadTable struct {
	tp    TopicPartition
	part  *bbolt.Bucket
	tally tallyValue
	back  []asideBack // letters that are jobs again with this transaction
}

// readDeadTable returns nil for a partition without dead letters.
func readDeadTable(tx *bbolt.Tx, tp TopicPartition) *deadTable {
	b := partitionBucket(tx, tp)
	if b == nil || b.Bucket(bucketDead) == nil {
		return nil
	}
	t := &deadTable{tp: tp, part: b}
	t.load()
	return t
}

// writeDeadTable is readDeadTable for a transaction that writes. With create it
// makes what is missing.
func writeDeadTable(tx *bbolt.Tx, tp TopicPartition, create bool) (*deadTable, error) {
	if !create && readDeadTable(tx, tp) == nil {
		return nil, nil
	}
	b, err := makePartitionBucket(tx, tp)
	if err != nil {
		return nil, err
	}
	for _, name := range deadBuckets() {
		if _, err := b.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	t := &deadTable{tp: tp, part: b}
	for _, bucket := range []*bbolt.Bucket{t.dead(), t.burials(), t.outbox()} {
		bucket.FillPercent = 0.9 // keys mostly ascend: a split need not leave room on the left
	}
	t.load()
	return t, nil
}

// load reads the tally. One that is damaged is made anew.
func (t *deadTable) load() {
	if value := t.part.Get(keyTally); value != nil && decodeValue(value, &t.tally) != nil {
		t.recount()
	}
	t.tally.oldest = t.oldest()
}

func (t *deadTable) recount() {
	t.tally = tallyValue{}
	_ = t.dead().ForEach(func(key, value []byte) error {
		t.tally.Letters++
		t.tally.Bytes += int64(len(value))
		if len(key) == deadKeySize {
			t.tally.Burials = max(t.tally.Burials, deadKeyNumber(key))
		}
		return nil
	})
	if b := t.outbox(); b != nil {
		t.tally.Unsent = b.Stats().KeyN
	}
}

func (t *deadTable) dead() *bbolt.Bucket    { return t.part.Bucket(bucketDead) }
func (t *deadTable) burials() *bbolt.Bucket { return t.part.Bucket(bucketBurials) }
func (t *deadTable) outbox() *bbolt.Bucket  { return t.part.Bucket(bucketOutbox) }

func (t *deadTable) oldest() int64 {
	b := t.burials()
	if b == nil {
		return 0
	}
	key, _ := b.Cursor().First()
	if len(key) != deadKeySize {
		return 0
	}
	return mustOffset(key[:8])
}

// put adds a letter.
func (t *deadTable) put(offset int64, v *deadValue, body []byte, outbox bool) error {
	value, err := v.letter(body)
	if err != nil {
		return err
	}
	t.tally.Burials++
	number := t.tally.Burials
	if err := t.dead().Put(deadKey(offset, number), value); err != nil {
		return err
	}
	at := appendFrame(nil, offsetKey(offset))
	if err := t.burials().Put(deadKey(v.Buried, number), at); err != nil {
		return err
	}
	if outbox {
		if err := t.outbox().Put(offsetKey(int64(number)), at); err != nil {
			return err
		}
		t.tally.Unsent++
	}
	t.tally.Letters++
	t.tally.Bytes += int64(len(value))
	return nil
}

// remove takes a letter out of the file, if it is there.
func (t *deadTable) remove(a *deadAct) error {
	key := deadKey(a.ref.Offset, a.ref.Number)
	value := t.dead().Get(key)
	if value == nil {
		return nil
	}
	size := int64(len(value))
	v, body, err := openLetter(value)
	if err := t.forgetLane(a.ref.Offset, body); err != nil {
		return err
	}
	burial := deadKey(v.Buried, a.ref.Number)
	if err != nil {
		burial = t.findBurial(a.ref.Number)
	}
	if err := t.sent(a); err != nil {
		return err
	}
	if burial != nil {
		if err := t.burials().Delete(burial); err != nil {
			return err
		}
	}
	t.tally.Letters--
	t.tally.Bytes -= size
	a.done, a.attempts = true, v.Note.Attempts
	return t.dead().Delete(key)
}

// findBurial looks for the line of a letter that does not tell its time any more.
func (t *deadTable) findBurial(number uint64) (found []byte) {
	_ = t.burials().ForEach(func(key, _ []byte) error {
		if len(key) == deadKeySize && deadKeyNumber(key) == number {
			found = bytes.Clone(key)
		}
		return nil
	})
	return found
}

// first returns the letter that was buried first. It reports false where the
// line of it is about none.
func (t *deadTable) first() (ref DeadRef, stored bool) {
	ref.TopicPartition = t.tp
	key, value := t.burials().Cursor().First()
	if len(key) != deadKeySize {
		return ref, false
	}
	ref.Number = deadKeyNumber(key)
	if payload, err := openWhole(value); err == nil && len(payload) == 8 {
		ref.Offset = mustOffset(payload)
	} else {
		ref.Offset = t.findOffset(ref.Number)
	}
	return ref, t.dead().Get(deadKey(ref.Offset, ref.Number)) != nil
}

// dropFirst removes a line that is about no letter.
func (t *deadTable) dropFirst() error {
	key, _ := t.burials().Cursor().First()
	return t.burials().Delete(bytes.Clone(key))
}

// findOffset looks for the letter of a line that does not tell it any more.
func (t *deadTable) findOffset(number uint64) (offset int64) {
	_ = t.dead().ForEach(func(key, _ []byte) error {
		if len(key) == deadKeySize && deadKeyNumber(key) == number {
			offset = mustOffset(key[:8])
		}
		return nil
	})
	return offset
}

func (t *deadTable) unsent(number uint64) bool {
	return t.outbox().Get(offsetKey(int64(number))) != nil
}

// sent takes a letter out of the outbox.
func (t *deadTable) sent(a *deadAct) error {
	if !t.unsent(a.ref.Number) {
		return nil
	}
	t.tally.Unsent--
	return t.outbox().Delete(offsetKey(int64(a.ref.Number)))
}

// close writes the tally. Buckets without a letter go, and with them a partition
// of which the file holds nothing else; of any other the number of the last burial
// stays, so that none is given twice.
func (t *deadTable) close(tx *bbolt.Tx) error {
	t.tally.oldest = t.oldest()
	value, err := encodeValue(&t.tally)
	if err != nil {
		return err
	}
	if err := t.part.Put(keyTally, value); err != nil || t.tally.Letters > 0 {
		return err
	}
	names := deadBuckets()
	if t.part.Bucket(bucketOvertaken) != nil {
		names = append(names, bucketOvertaken)
	}
	for _, name := range names {
		if err := t.part.DeleteBucket(name); err != nil {
			return err
		}
	}
	var state stateValue
	if decodeValue(t.part.Get(keyState), &state) != nil || state.Next >= 0 {
		return nil
	}
	_, err = forget(tx, t.tp, t.part)
	return err
}

const deadKeySize = 16

// deadKey orders letters by an offset or a time, and equal ones by their number.
func deadKey(at int64, number uint64) []byte {
	return binary.BigEndian.AppendUint64(offsetKey(at), number)
}

func deadKeyNumber(key []byte) uint64 { return binary.BigEndian.Uint64(key[8:]) }
