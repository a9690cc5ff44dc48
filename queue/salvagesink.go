package queue

import "go.etcd.io/bbolt"

// sink writes to a new file, in transactions of bounded size. Without a file it
// takes everything and keeps nothing.
type sink struct {
	db   *bbolt.DB
	tx   *bbolt.Tx
	size int // bytes of the transaction
}

// put sets a key of the bucket at path, which is made if need be.
func (s *sink) put(key, value []byte, path ...[]byte) error {
	if s.db == nil {
		return nil
	}
	b, err := s.open(path)
	if err != nil {
		return err
	}
	s.size += len(key) + len(value)
	return b.Put(key, value)
}

// bucket makes an empty bucket, where there is none.
func (s *sink) bucket(path ...[]byte) error {
	if s.db == nil {
		return nil
	}
	_, err := s.open(path)
	return err
}

func (s *sink) open(path [][]byte) (b *bbolt.Bucket, err error) {
	if s.size > compactTx {
		if err := s.commit(); err != nil {
			return nil, err
		}
	}
	if s.tx == nil {
		if s.tx, err = s.db.Begin(true); err != nil {
			return nil, err
		}
	}
	if b, err = s.tx.CreateBucketIfNotExists(path[0]); err != nil {
		return nil, err
	}
	for _, name := range path[1:] {
		if b, err = b.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	b.FillPercent = 0.9 // keys mostly ascend
	return b, nil
}

func (s *sink) commit() error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	s.tx, s.size = nil, 0
	return tx.Commit()
}

func (s *sink) rollback() {
	if s.tx != nil {
		_ = s.tx.Rollback() // what was to be written is given up
		s.tx = nil
	}
}
