package queue

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

var errNotStored = errors.New("no block holds it")

// readBody reads the record of an open job from the file.
func (s *Store) readBody(tp TopicPartition, offset int64) (rec Record, err error) {
	s.dbMu.RLock()
	defer s.dbMu.RUnlock()
	err = s.db.View(func(tx *bbolt.Tx) error {
		body, err := findBody(partitionBucket(tx, tp), offset)
		if err != nil {
			return err
		}
		rec, _, err = decodeBody(bytes.Clone(body))
		if err == nil && rec.Offset != offset {
			err = fmt.Errorf("body of offset %d in its place", rec.Offset)
		}
		return err
	})
	if err != nil {
		return Record{}, &DamageError{fmt.Sprintf("%s@%d", tp, offset), err}
	}
	return rec, nil
}

// findBody returns the framed body of offset. It aliases the file.
func findBody(b *bbolt.Bucket, offset int64) ([]byte, error) {
	if b == nil {
		return nil, errNotStored
	}
	key, index := seekBlock(b.Bucket(bucketIndex), offset)
	if key == nil {
		return nil, errNotStored
	}
	bodies := blockValue(b.Bucket(bucketBlocks), key)
	rs := peekRows(index)
	i, ok := rs.find(offset)
	if !ok {
		rebuilt, err := rebuildRows(bodies) // the index may be what is damaged
		if err != nil {
			return nil, err
		}
		if i, ok = rebuilt.find(offset); !ok {
			return nil, errNotStored
		}
		rs = rebuilt
	}
	r := rs.at(i)
	if int64(r.pos)+int64(r.length) > int64(len(bodies)) {
		return nil, errFrameShort
	}
	return bodies[r.pos : r.pos+r.length], nil
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
