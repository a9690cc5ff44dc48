package queue

import (
	"errors"
	"fmt"
)

var (
	// ErrStoreFailed is returned by every call after a commit to the file has
	// failed: its outcome on disk is unknown, so nothing may build on it.
	ErrStoreFailed = errors.New("store write failed")
	// ErrDetached is returned by calls on a partition that was detached.
	ErrDetached = errors.New("it was detached; attach it again")
	// ErrClosed is returned by calls on a closed store.
	ErrClosed = errors.New("store is closed")
	// ErrNewerFormat means that a newer version wrote the file.
	ErrNewerFormat = errors.New("store has a newer format")
	// ErrNotStore means that the file is not a holdfast store.
	ErrNotStore = errors.New("not a holdfast store")
)

// DamageError names a stored value whose frame or checksum is wrong.
type DamageError struct {
	Where string // for example orders/3@1042 or orders/3 state
	Err   error
}

func (e *DamageError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Where, e.Err) }

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }
