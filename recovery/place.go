package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
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

// CheckDir tells whether this process may keep a store in dir, or may make it
// where it does not exist yet: the error is [ErrNotMade] where only this user may
// not make it, and others may. It makes nothing.
func CheckDir(dir string) error { return checkDir(dir, mayWrite) }

// ErrNotMade: the directory does not exist, and this user may not make it.
// Whatever starts the bridge may make it before, as systemd does.
var ErrNotMade = errors.New("the directory is not there yet")

func mayWrite(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

func checkDir(dir string, mayWrite func(dir string) error) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	at := dir
	info, err := os.Stat(at)
	for errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		if _, there := os.Lstat(at); there == nil {
			return fmt.Errorf("%w: %s is a symbolic link to what does not exist; make that, or remove the link", ErrUnfitPlace, at)
		}
		at = filepath.Dir(at) // where it would be made; the root exists
		info, err = os.Stat(at)
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %s is in the way, which is no directory; move it, or name another directory", ErrUnfitPlace, at)
	}
	switch err := mayWrite(at); {
	case err != nil && at == dir:
		return fmt.Errorf("%w: this user may not write to %s: %w; give it to the user of the bridge, and check as that one", ErrUnfitPlace, dir, err)
	case err != nil:
		return fmt.Errorf("%w: this user may not make %s in %s: %w; unless the service makes it, as systemd does, make it for the user of the bridge", ErrNotMade, dir, at, err)
	}
	return nil
}
