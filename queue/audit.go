package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
)

// auditTally is what the audit trail takes up in the file. It is the committer's.
type auditTally struct {
	entries int
	bytes   int64
}

// Audit lists the audit trail from its oldest entry on, or backwards from the
// newest one, in pages: no read transaction is held while the caller works. What
// was put before the call is flushed first.
func (s *Store) Audit(ctx context.Context, newestFirst bool) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		err := s.Sync(ctx)
		var from []byte
		for more := true; more && err == nil; {
			var page []AuditEntry
			page, from, err = s.auditPage(from, newestFirst)
			more = from != nil
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		if err != nil {
			yield(AuditEntry{}, fmt.Errorf("list the audit trail: %w", err))
		}
	}
}

// auditPage returns entries from a key on, nil for the first one, and the key of
// the next page, or nil.
func (s *Store) auditPage(from []byte, newestFirst bool) (page []AuditEntry, next []byte, err error) {
	err = s.viewUsable(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketAudit)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		key, value := c.First()
		step := c.Next
		if newestFirst {
			key, value = c.Last()
			step = c.Prev
		}
		if from != nil {
			key, value = c.Seek(from)
			if newestFirst && !bytes.Equal(key, from) {
				return nil // it has gone meanwhile, and with it all before it
			}
		}
		for ; key != nil; key, value = step() {
			if len(page) == pageJobs {
				next = bytes.Clone(key)
				return nil
			}
			e, _ := openAudit(key, value)
			page = append(page, e)
		}
		return nil
	})
	return page, next, err
}

func openAudit(key, value []byte) (e AuditEntry, err error) {
	if len(key) == 8 {
		e.Sequence = binary.BigEndian.Uint64(key)
	}
	var v ledgerValue
	if err := v.open("audit", fmt.Sprintf("%x", key), value); err != nil {
		e.Damaged = err
		return e, err
	}
	e.At, e.Data = v.time(), v.Data
	return e, nil
}

// writeAudit adds entries and lets the oldest go.
func (s *Store) writeAudit(tx *bbolt.Tx, entries map[uint64]AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists(bucketAudit)
	if err != nil {
		return err
	}
	if s.audit == nil {
		s.audit = &auditTally{}
		_ = b.ForEach(func(_, value []byte) error { s.audit.add(value, 1); return nil })
	}
	for _, sequence := range slices.Sorted(maps.Keys(entries)) {
		if err := s.audit.put(b, sequence, entries[sequence]); err != nil {
			return err
		}
	}
	for c := b.Cursor(); s.audit.entries > MaxAudit || s.audit.bytes > MaxAuditBytes; {
		key, value := c.First()
		if key == nil {
			break
		}
		s.audit.add(value, -1)
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// put replaces an entry; one that is to be replaced and has gone stays away.
func (t *auditTally) put(b *bbolt.Bucket, sequence uint64, e AuditEntry) error {
	value, err := encodeValue(ledgerValue{At: e.At.UnixNano(), Data: e.Data})
	if err != nil {
		return err
	}
	key := binary.BigEndian.AppendUint64(nil, sequence)
	if first, _ := b.Cursor().First(); first != nil && bytes.Compare(key, first) < 0 {
		return nil
	}
	if before := b.Get(key); before != nil {
		t.add(before, -1)
	}
	t.add(value, 1)
	return b.Put(key, value)
}

func (t *auditTally) add(value []byte, n int) {
	t.entries += n
	t.bytes += int64(n) * int64(len(value))
}
