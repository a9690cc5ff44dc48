package queue

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// The outbox is the dead letters of which a copy has still to be sent, in the
// order of their burials. Whoever sends them asks for the first ones, sends them
// in that order, and says so once that is acknowledged; a crash between the two
// has them sent again. A letter that is discarded or requeued leaves the outbox.

// Unsent returns the first dead letters of a partition that are in the outbox,
// in the order of their burials, with their records: at most limit, and beyond
// the first no more than maxBytes of the file. It works for partitions that are
// not attached, too; Store.DeadCounts tells which have some. Only what is
// durable is returned.
func (s *Store) Unsent(tp TopicPartition, limit int, maxBytes int64) (letters []DeadLetter, err error) {
	err = s.viewUsable(func(tx *bbolt.Tx) error {
		t := readDeadTable(tx, tp)
		if t == nil || t.outbox() == nil {
			return nil
		}
		c := t.outbox().Cursor()
		for key, value := c.First(); key != nil && len(letters) < limit; key, value = c.Next() {
			l := t.addressed(key, value)
			if maxBytes -= l.Bytes; maxBytes < 0 && len(letters) > 0 {
				return nil
			}
			letters = append(letters, l)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox of %s: %w", tp, err)
	}
	return letters, nil
}

// addressed reads the letter of a line of the outbox. A line without one is a
// damaged letter, so that whoever sends can tell of it and go on.
func (t *deadTable) addressed(key, value []byte) DeadLetter {
	ref := DeadRef{TopicPartition: t.tp, Number: uint64(mustOffset(key))}
	if payload, err := openWhole(value); err == nil && len(payload) == 8 {
		ref.Offset = mustOffset(payload)
	} else {
		ref.Offset = t.findOffset(ref.Number)
	}
	if l, found := t.read(ref); found {
		return l
	}
	return DeadLetter{DeadRef: ref, Unsent: true, Damaged: &DamageError{fmt.Sprintf("%s outbox %d", t.tp, ref.Number), errNoLetter}}
}

var errNoLetter = errors.New("there is no such letter")

// Sent takes dead letters out of the outbox: their copies are acknowledged. It
// is durable on return.
func (s *Store) Sent(ctx context.Context, refs ...DeadRef) error {
	if err := s.act(ctx, nil, newDeadActs(deadAct{do: (*deadTable).sent}, refs)); err != nil {
		return fmt.Errorf("mark %d dead letters as sent: %w", len(refs), err)
	}
	return nil
}
