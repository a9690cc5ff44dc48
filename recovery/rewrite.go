package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery/internal/pages"
)

// Progress is told how far long work has come. It is called now and then, by
// one goroutine at a time; total may be an estimate.
type Progress func(done, total int64)

// copySlack is what a copy needs beyond the live bytes: the file grows in
// steps, and each transaction of the copy leaves a few pages unused.
const copySlack = 32 << 20

// checkPages checks the page tree of the file at path.
func checkPages(ctx context.Context, path string, progress Progress) (pages.Summary, error) {
	file, err := os.Open(path)
	if err != nil {
		return pages.Summary{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return pages.Summary{}, err
	}
	if !info.Mode().IsRegular() {
		return pages.Summary{}, errors.New("it is not a regular file")
	}
	return pages.Check(ctx, file, info.Size(), progress)
}

// copier copies stores that nobody has open.
type copier struct {
	free     func(dir string) (int64, error) // bytes free on the disk of dir
	progress Progress                        // may be nil
	note     func(*queue.Store) error        // likewise
}

// rewrite copies the store at path to target, which may be path itself: a
// temporary file, fsync, check, rename, fsync of the directory. Whatever
// interrupts it, both names stand for a whole store or none.
func (c copier) rewrite(ctx context.Context, path, target string) (CompactReport, error) {
	summary, err := checkPages(ctx, path, nil)
	if err != nil {
		return CompactReport{}, explainPages(ctx, path, err)
	}
	if err := c.room(filepath.Dir(target), summary.Live+copySlack); err != nil {
		return CompactReport{}, err
	}
	temp := target + queue.TempSuffix
	after, err := c.copy(ctx, path, temp, summary.Live)
	if err == nil {
		err = queue.Replace(temp, target)
	}
	if err != nil {
		os.Remove(temp)
		if outOfSpace(err) {
			err = fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
		return CompactReport{}, fmt.Errorf("copy %s to %s: %w", path, target, err)
	}
	return CompactReport{Path: target, Before: summary.Size, After: after}, nil
}

// copy returns the size of the copy once it is on disk and found sound.
func (c copier) copy(ctx context.Context, path, temp string, live int64) (int64, error) {
	stop := watchGrowth(temp, live, c.progress)
	err := withFile(path, func(src *bbolt.DB) error { return queue.CompactTo(src, temp) })
	stop()
	if err != nil {
		return 0, explain(path, err)
	}
	if err := c.noteIn(temp); err != nil {
		return 0, err
	}
	// The copy cannot be interrupted; what follows can.
	copied, err := checkPages(ctx, temp, nil)
	return copied.Size, err
}

// noteIn opens the finished copy for what is to be noted in it, so that it never is
// in use without.
func (c copier) noteIn(temp string) error {
	if c.note == nil {
		return nil
	}
	store, err := queue.Open(temp, queue.Options{})
	if err != nil {
		return err
	}
	return errors.Join(c.note(store), store.Close())
}

// watchGrowth reports the size of a file that is being written, until the
// returned function is called.
func watchGrowth(path string, total int64, progress Progress) (stop func()) {
	if progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				progress(total, total)
				return
			case <-ticker.C:
				if info, err := os.Stat(path); err == nil {
					progress(min(info.Size(), total), total)
				}
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// room returns ErrNoRoom where the disk of dir has less than need bytes free.
func (c copier) room(dir string, need int64) error {
	free, err := c.free(dir)
	if err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	if free < need {
		return fmt.Errorf("%w: %s has %d MiB free, %d MiB are needed; free some, or run holdfast compact --to with a directory on another disk",
			ErrNoRoom, dir, free>>20, need>>20)
	}
	return nil
}

func diskFree(dir string) (int64, error) {
	var fs unix.Statfs_t
	err := unix.Statfs(dir, &fs)
	return int64(fs.Bavail) * int64(fs.Bsize), err
}
