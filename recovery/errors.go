package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Errors of [Open], [Verify] and [Compact]. Each arrives wrapped in a sentence
// that names the directory, what was found and the remedy.
var (
	// ErrInUse means that another process holds the data directory.
	ErrInUse = errors.New("store in use")
	// ErrDamaged means that the file as a whole cannot be used.
	ErrDamaged = errors.New("store damaged")
	// ErrForeign means that the store belongs to another group or cluster.
	ErrForeign = errors.New("store of another group or cluster")
	// ErrNewer means that a newer version of holdfast wrote the store.
	ErrNewer = errors.New("store has a newer format")
	// ErrNoRoom means that the disk has no room for a copy of the store.
	ErrNoRoom = errors.New("no room for a copy of the store")
)

func damaged(path string, err error) error {
	return fmt.Errorf("%w: %s: %w; see what holdfast repair can save of it, restore it from a backup, or move its directory away to start from the committed offsets, "+
		"which runs again what was finished above them", ErrDamaged, path, err)
}

// explain turns an error of queue or bbolt into one of this package's. Errors
// that say nothing about the store, such as a missing permission, stay as they are.
func explain(path string, err error) error {
	var damage *queue.DamageError
	var fault *faultError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrNewerFormat):
		return fmt.Errorf("%w: %s: %w; start the version of holdfast that wrote it, or a later one", ErrNewer, path, err)
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: another process has %s open; stop it first", ErrInUse, path)
	case errors.As(err, &damage), errors.As(err, &fault), errors.Is(err, queue.ErrNotStore),
		errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return damaged(path, err)
	}
	return err
}

// explainPages does the same for the check of the page tree, where any error
// but these two is about the file.
func explainPages(ctx context.Context, path string, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return damaged(path, err)
}

// faultError is a panic or a memory fault inside bbolt.
type faultError struct{ panicked any }

func (e *faultError) Error() string { return fmt.Sprintf("reading it failed: %v", e.panicked) }

// contain runs op, which reads through bbolt's memory map, and turns a panic
// into an error: bbolt panics on pages that it does not understand, and a page
// beyond the end of the file raises a fault. It reaches this goroutine only.
func contain(op func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &faultError{p}
		}
	}()
	return op()
}

// outOfSpace reports that a disk or a quota is full.
func outOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
