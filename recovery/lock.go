package recovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockName is the file in a data directory whose lock stands for the whole
// directory. It is never renamed or removed: a lock follows the file and not
// its name, so a process that waits for a renamed one would get the old file.
const lockName = "LOCK"

// Lock is the right to use a data directory. Whoever opens a file in one holds
// it from before to after.
type Lock struct{ file *os.File }

// LockDir takes the lock of dir without waiting. The error is [ErrInUse] where
// another process, or another part of this one, holds it.
func LockDir(dir string) (*Lock, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := holder(file)
		file.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w; data_dir must be on a local disk", file.Name(), err)
		}
		return nil, fmt.Errorf("%w: data directory %s is held by %s; stop it, or use another data_dir", ErrInUse, dir, holder)
	}
	if err := writePID(file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
	}
	return &Lock{file}, nil
}

// writePID leaves the process id for people; the lock does not depend on it.
// On a full disk it is left out, because recovery must work there too.
func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	if outOfSpace(err) {
		return nil
	}
	return err
}

func holder(file *os.File) string {
	buf := make([]byte, 32)
	n, _ := file.ReadAt(buf, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	switch {
	case err != nil:
		return "another process"
	case pid == os.Getpid():
		return "this very process"
	}
	return fmt.Sprintf("process %d", pid)
}

// Release gives the directory back. Closing alone would not: a child that this
// process is just starting still has the file open.
func (l *Lock) Release() error {
	return errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}
