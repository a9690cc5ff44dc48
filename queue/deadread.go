package queue

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"
)

// DeadLetters lists the dead letters of a partition from an offset on, by
// offset and burial, whether the partition is attached or not, without their
// records. They are read in pages: no read transaction is held while the caller
// works. What was buried before the call is flushed first.
func (s *Store) DeadLetters(ctx context.Context, tp TopicPartition, from int64) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		at := deadKey(max(0, from), 0)
		err := s.Sync(ctx)
		for err == nil && at != nil {
			var page []DeadLetter
			page, at, err = s.deadPage(tp, at)
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			yield(DeadLetter{}, fmt.Errorf("list dead letters of %s: %w", tp, err))
		}
	}
}

// deadPage returns letters from a key on, and the key of the next page, or nil.
func (s *Store) deadPage(tp TopicPartition, from []byte) (page []DeadLetter, next []byte, err error) {
	err = s.viewUsable(func(tx *bbolt.Tx) error {
		t := readDeadTable(tx, tp)
		if t == nil {
			return nil
		}
		c := t.dead().Cursor()
		for key, value := c.Seek(from); key != nil; key, value = c.Next() {
			if len(page) == pageJobs {
				next = bytes.Clone(key)
				return nil
			}
			if len(key) == deadKeySize {
				l, _ := t.letter(DeadRef{tp, mustOffset(key[:8]), deadKeyNumber(key)}, value)
				page = append(page, l)
			}
		}
		return nil
	})
	return page, next, err
}

// DeadLetter reads one dead letter with its record. It reports false where
// there is none.
func (s *Store) DeadLetter(ref DeadRef) (l DeadLetter, found bool, err error) {
	err = s.viewUsable(func(tx *bbolt.Tx) error {
		if t := readDeadTable(tx, ref.TopicPartition); t != nil {
			l, found = t.read(ref)
		}
		return nil
	})
	if err != nil {
		return DeadLetter{}, false, fmt.Errorf("read dead letter %s: %w", ref, err)
	}
	return l, found, nil
}

// viewUsable is view of a store that has not failed.
func (s *Store) viewUsable(f func(*bbolt.Tx) error) error {
	s.mu.Lock()
	err := s.usable()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.view(f)
}

// String returns the job's name.
func (r DeadRef) String() string { return fmt.Sprintf("%s@%d", r.TopicPartition, r.Offset) }

// letter describes a stored letter without its record. The body, which aliases
// it, comes beside.
func (t *deadTable) letter(ref DeadRef, stored []byte) (l DeadLetter, body []byte) {
	l = DeadLetter{DeadRef: ref, Bytes: int64(len(stored)), Record: Record{Offset: ref.Offset, Timestamp: -1}}
	l.Unsent = t.unsent(ref.Number)
	v, body, err := openLetter(stored)
	if err != nil {
		l.Damaged = &DamageError{fmt.Sprintf("dead letter %s", ref), err}
		return l, nil
	}
	l.TopicID, l.Buried, l.Operator, l.Reason = v.TopicID, time.Unix(0, v.Buried), v.Operator, v.Reason
	l.Change = v.Change
	if v.Changed != 0 {
		l.Changed = time.Unix(0, v.Changed)
	}
	l.Error, l.Attempts, l.History = v.Note.Error, v.Note.Attempts, v.Note.History.attempts()
	l.Rerun = v.Note.Rerun
	return l, body
}

// read describes a letter with its record.
func (t *deadTable) read(ref DeadRef) (l DeadLetter, found bool) {
	stored := t.dead().Get(deadKey(ref.Offset, ref.Number))
	if stored == nil {
		return DeadLetter{}, false
	}
	l, body := t.letter(ref, stored)
	if l.Damaged != nil {
		return l, true
	}
	rec, scheme, err := decodeBody(bytes.Clone(body))
	if err == nil && rec.Offset != ref.Offset {
		err = fmt.Errorf("body of offset %d in its place", rec.Offset)
	}
	if err != nil {
		l.Damaged = &DamageError{fmt.Sprintf("dead letter %s body", ref), err}
		return l, true
	}
	l.Record, l.Overtaken = rec, t.isOvertaken(rec, scheme)
	if v, _, err := openLetter(stored); err == nil {
		l.Checkpoint = bytes.Clone(v.Checkpoint)
	}
	return l, true
}
