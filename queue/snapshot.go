package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// CopyTo writes the store as it is now to a new file at path, fsyncs it, and
// returns its size. Everything handed in before is in it. Jobs and flushes go on
// meanwhile; pages that they free are reused only afterwards, so the file may
// grow by what is written until then. Beyond 16 GiB the file grows only once the
// copy is done, and whoever writes waits for that.
func (s *Store) CopyTo(ctx context.Context, path string) (size int64, err error) {
	if err := s.Sync(ctx); err != nil {
		return 0, fmt.Errorf("copy the store: %w", err)
	}
	s.copying.Lock() // no compacted file takes the place of db, for which the committer would wait
	defer s.copying.Unlock()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, fmt.Errorf("copy the store: %w", err)
	}
	err = s.viewUsable(func(tx *bbolt.Tx) error {
		size, err = tx.WriteTo(heeding{ctx, s.closing, file})
		return err
	})
	if err == nil {
		err = file.Sync()
	} else if ctx.Err() != nil { // bbolt does not wrap it
		err = context.Cause(ctx)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(path)
		return 0, fmt.Errorf("copy the store to %s: %w", path, err)
	}
	return size, nil
}

// heeding is a writer that ends with a context, and with the store: Close waits
// for whoever reads.
type heeding struct {
	ctx     context.Context
	closing <-chan struct{}
	to      io.Writer
}

func (h heeding) Write(b []byte) (int, error) {
	select {
	case <-h.ctx.Done():
		return 0, context.Cause(h.ctx)
	case <-h.closing:
		return 0, ErrClosed
	default:
		return h.to.Write(b)
	}
}
