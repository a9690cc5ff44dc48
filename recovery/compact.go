package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-2837c37b/holdfast/queue"
)

// ErrOccupied means that the directory for a copy holds a store already, or is the
// one that is to be copied.
var ErrOccupied = errors.New("it holds a store already; name an empty directory")

// CompactOptions tunes [Compact]. The zero value compacts in place.
type CompactOptions struct {
	// To is a directory, made if missing, that receives the compacted store.
	// The old directory is left as it is and must not be used any more.
	To       string
	Progress Progress
	// Note adds to the new store what is to be known of this, before the store takes
	// its place. An error keeps everything as it was. Nil: nothing is added.
	Note func(*queue.Store) error
}

func (o CompactOptions) copier() copier { return copier{diskFree, o.Progress, o.Note} }

// CompactReport is what a compaction did.
type CompactReport struct {
	Path          string // of the compacted file
	Before, After int64  // bytes of the file
}

// Compact copies the store in dir to a new file without its unused pages and
// puts that in its place, while no bridge runs. The copy also mends a store
// whose last write failed: nothing of it is in doubt any more.
func Compact(ctx context.Context, dir string, opt CompactOptions) (report CompactReport, err error) {
	lock, err := LockDir(dir)
	if err != nil {
		return CompactReport{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if opt.To != "" {
		return compactTo(ctx, dir, opt)
	}
	path := filepath.Join(dir, queue.FileName)
	if err := removeTemporaries(dir); err != nil {
		return CompactReport{}, err
	}
	report, err = opt.copier().rewrite(ctx, path, path)
	if err != nil {
		return CompactReport{}, err
	}
	slots, err := openSlots(dir)
	if err != nil {
		return report, err
	}
	return report, errors.Join(slots.clearFailure(), slots.close())
}

// compactTo makes opt.To a data directory of its own.
func compactTo(ctx context.Context, dir string, opt CompactOptions) (report CompactReport, err error) {
	lock, err := claimDir("compact", dir, opt.To)
	if err != nil {
		return CompactReport{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return opt.copier().rewrite(ctx, filepath.Join(dir, queue.FileName), filepath.Join(opt.To, queue.FileName))
}

// claimDir makes to a data directory that a store can be copied to from dir, and
// takes its lock.
func claimDir(op, dir, to string) (*Lock, error) {
	if err := makeDir(to); err != nil {
		return nil, err
	}
	if sameFile(dir, to) {
		return nil, occupied(op, dir, to)
	}
	lock, err := LockDir(to)
	if err != nil {
		return nil, err
	}
	if err := occupied(op, dir, to); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return lock, nil
}

// occupied is why a store cannot be copied from dir to a directory, which need
// not be there.
func occupied(op, dir, to string) error {
	if sameFile(dir, to) {
		return fmt.Errorf("%s to %s, the data directory itself: %w", op, to, ErrOccupied)
	}
	if _, err := os.Lstat(filepath.Join(to, queue.FileName)); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s to %s: %w", op, to, ErrOccupied)
	}
	return nil
}

// CanCompactTo tells, without changing anything, why [Compact] of dir would refuse
// a directory for the copy; nil: the directory holds no store.
func CanCompactTo(dir, to string) error { return occupied("compact", dir, to) }

// CompactFile compacts the store at path, which nobody has open. The caller
// holds the lock of its directory.
func CompactFile(ctx context.Context, path string, progress Progress) (CompactReport, error) {
	return copier{free: diskFree, progress: progress}.rewrite(ctx, path, path)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
