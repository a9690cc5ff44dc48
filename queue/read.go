package queue

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// view runs f in a read transaction. A store that is closed, or has failed, is no
// damage: who names damage by the error goes through damageIn.
func (s *Store) view(f func(*bbolt.Tx) error) error {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	err := s.db.View(f)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return cmp.Or(s.Err(), ErrClosed)
	}
	return err
}

// damageIn is the error of a view that found damage.
func damageIn(where string, err error) error {
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrStoreFailed) {
		return err
	}
	return &DamageError{where, err}
}

var errNotStored = errors.New("no block holds it")

// readBody reads the record of a job from the file.
func (s *Store) readBody(tp TopicPartition, offset int64, aside bool) (rec Record, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, tp)
		if aside {
			rec, err = findAside(b, offset)
		} else {
			rec, err = findBody(b, offset)
		}
		return err
	})
	if err != nil {
		return Record{}, damageIn(fmt.Sprintf("%s@%d", tp, offset), err)
	}
	return rec, nil
}

// findBody returns the record of offset, copied out of the file.
func findBody(b *bbolt.Bucket, offset int64) (Record, error) {
	if b == nil {
		return Record{}, errNotStored
	}
	key, index := seekBlock(b.Bucket(bucketIndex), offset)
	if key == nil {
		return Record{}, errNotStored
	}
	bodies := blockValue(b.Bucket(bucketBlocks), key)
	rec, err := bodyAt(bodies, peekRows(index), offset)
	if err == nil {
		return rec, nil
	}
	if _, damage := openRows(index); damage == nil {
		return Record{}, err
	}
	rebuilt, damage := rebuildRows(bodies)
	if damage != nil {
		return Record{}, err
	}
	return bodyAt(bodies, rebuilt, offset)
}

// findAside is findBody for a job of the bucket aside.
func findAside(b *bbolt.Bucket, offset int64) (Record, error) {
	if b == nil {
		return Record{}, errNotStored
	}
	t, ok := openAside(b)
	if !ok {
		return Record{}, errNotStored
	}
	return t.body(offset)
}

func bodyAt(bodies []byte, rs rows, offset int64) (Record, error) {
	i, ok := rs.find(offset)
	if !ok {
		return Record{}, errNotStored
	}
	r := rs.at(i)
	if int64(r.pos)+int64(r.length) > int64(len(bodies)) {
		return Record{}, errFrameShort
	}
	rec, _, err := decodeBody(bytes.Clone(bodies[r.pos : r.pos+r.length]))
	if err == nil && rec.Offset != offset {
		err = fmt.Errorf("body of offset %d in its place", rec.Offset)
	}
	return rec, err
}

// seekBlock returns the key and index of the last block that begins at or
// below offset.
func seekBlock(index *bbolt.Bucket, offset int64) (key, value []byte) {
	c := index.Cursor()
	key, value = c.Seek(offsetKey(offset))
	if key == nil {
		key, value = c.Last()
	}
	if key != nil && mustOffset(key) > offset {
		key, value = c.Prev()
	}
	return key, value
}
