package queue

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

const (
	compactEvery = time.Minute
	compactTx    = 16 << 20 // bytes of one transaction of the copy
)

func (s *Store) fileSize() int64 {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// compactDrained gives the room of a drained backlog back to the disk. It runs
// on the committer, between flushes.
func (s *Store) compactDrained() error {
	u := s.Usage()
	if u.File < s.layout.drainedFile || u.InUse > min(u.File/4, s.layout.drainedInUse) || s.clock.Now().Before(s.nextCompact) {
		return nil
	}
	if !s.copying.TryLock() {
		return nil
	}
	defer s.copying.Unlock()
	s.nextCompact = s.clock.Now().Add(compactEvery)
	temp := s.path + TempSuffix
	if err := CompactTo(s.db, temp); err != nil {
		s.opt.Logger.Warn("the drained file was not compacted; it is tried again in a minute", "file", s.path, "error", err)
		os.Remove(temp)
		return nil
	}
	if err := s.swap(temp); err != nil {
		return fmt.Errorf("compact %s: %w", s.path, err)
	}
	s.measure()
	s.opt.Logger.Info("compacted the drained file", "file", s.path, "before_bytes", u.File, "after_bytes", s.Usage().File)
	return nil
}

// swap puts the compacted file in the place of the open one. Failing half-way
// leaves no file open, which is the store's end.
func (s *Store) swap(temp string) error {
	s.dbMu.Lock()
	defer s.dbMu.Unlock()
	if err := s.db.Close(); err != nil {
		return err
	}
	if err := Replace(temp, s.path); err != nil {
		return err
	}
	db, err := OpenFile(s.path, false)
	if err != nil {
		return err
	}
	s.db = db
	return nil
}

// CompactTo copies the content of src to a new file at path and fsyncs it.
func CompactTo(src *bbolt.DB, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dst, err := OpenFile(path, false)
	if err != nil {
		return err
	}
	dst.NoSync = true // one fsync at the end is enough for a file nobody uses yet
	err = bbolt.Compact(dst, src, compactTx)
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}
