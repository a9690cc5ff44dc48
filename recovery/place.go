package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// ErrUnfitPlace means that a directory cannot keep what a store promises.
var ErrUnfitPlace = errors.New("not a place for a store")

// CheckPlace tells whether a store in dir, which need not exist yet, would
// outlive what it has to: it refuses file systems that are not on a local disk.
// One that it does not know passes.
func CheckPlace(dir string) error { return checkPlace(dir, fileSystemOf) }

// unfit are file systems by the names that fileSystemOf gives, and why not.
var unfit = map[string]string{
	"nfs":   "locks and fsync of a network file system do not keep two bridges apart, or what was written",
	"smb":   "locks and fsync of a network file system do not keep two bridges apart, or what was written",
	"tmpfs": "it is in memory, and lost with a restart of the machine",
	"ramfs": "it is in memory, and lost with a restart of the machine",
}

func checkPlace(dir string, kindOf func(path string) (string, error)) error {
	at, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	kind, err := kindOf(at)
	for errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at) { // where it would be made
		at = filepath.Dir(at)
		kind, err = kindOf(at)
	}
	if err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if why := unfit[kind]; why != "" {
		return fmt.Errorf("%w: %s is on %s: %s; use a directory on a local disk", ErrUnfitPlace, dir, kind, why)
	}
	return nil
}
