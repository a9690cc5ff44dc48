package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Snapshot copies an open store, as it is now, to a file in the directory to,
// which is made if missing and must not hold a store. Jobs go on meanwhile. It
// returns the path of the copy, which is on disk and was found sound, and its
// size in bytes.
//
// The directory is a data directory: a bridge that is started on it continues
// from then. What Kafka has acknowledged since is recognised by [Reconcile].
func Snapshot(ctx context.Context, store *queue.Store, to string) (path string, size int64, err error) {
	return copier{free: diskFree}.snapshot(ctx, store, to)
}

func (c copier) snapshot(ctx context.Context, store *queue.Store, to string) (path string, size int64, err error) {
	lock, err := claimDir("snapshot", filepath.Dir(store.Path()), to)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if err := removeTemporaries(to); err != nil {
		return "", 0, err
	}
	if err := c.room(to, store.Usage().File+copySlack); err != nil {
		return "", 0, err
	}
	path = filepath.Join(to, queue.FileName)
	temp := path + queue.TempSuffix
	size, err = store.CopyTo(ctx, temp)
	if err == nil {
		_, err = checkPages(ctx, temp, nil)
	}
	if err == nil {
		err = queue.Replace(temp, path)
	}
	if err != nil {
		os.Remove(temp)
		if outOfSpace(err) {
			err = fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
		return "", 0, fmt.Errorf("snapshot to %s: %w", to, err)
	}
	return path, size, nil
}
