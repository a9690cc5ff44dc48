package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// SocketName is the file in a data directory that a bridge serves on.
const SocketName = "admin.sock"

// ErrServed means that a living process serves on the socket.
var ErrServed = errors.New("another process serves on the socket")

// SocketPath is where a bridge serves unless it was told otherwise. Where the
// path is too long for a socket, the file is a symbolic link to it; [Listen] and
// [Dial] know that.
func SocketPath(dataDir string) string {
	if whole, err := filepath.Abs(dataDir); err == nil {
		dataDir = whole
	}
	return filepath.Join(dataDir, SocketName)
}

// ListenOptions tunes a socket. The zero value is useful.
type ListenOptions struct {
	// Group is the name or the number of a group whose members may connect, too.
	// Empty: only the owner may, and root.
	Group string
	// RuntimeDir is where a socket goes whose path would be too long. Empty: the
	// environment's RUNTIME_DIRECTORY or XDG_RUNTIME_DIR, else the directory for
	// temporary files.
	RuntimeDir string
}

// Listen makes the socket. What a killed process has left there is replaced; a
// socket that somebody serves on is refused ([ErrServed]). Close removes it.
func Listen(path string, opt ListenOptions) (net.Listener, error) {
	mode, group, err := permissions(opt.Group)
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	release, err := holdDirectory(path)
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	defer release()
	l, err := listen(path, opt)
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	if err := errors.Join(open(l.at, mode, group), l.identify()); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket %s: %w", path, err), l.Close())
	}
	return l, nil
}

// permissions are those of the socket file; group -1: as it is made.
func permissions(name string) (mode os.FileMode, group int, err error) {
	if name == "" {
		return 0o600, -1, nil
	}
	id := name
	if g, err := user.LookupGroup(name); err == nil {
		id = g.Gid
	}
	group, err = strconv.Atoi(id)
	if err != nil || group < 0 {
		return 0, 0, fmt.Errorf("there is no group %q", name)
	}
	return 0o660, group, nil
}

// open lets the group in. Until then the file is its owner's alone.
func open(path string, mode os.FileMode, group int) error {
	if group < 0 {
		return nil
	}
	if err := os.Chown(path, -1, group); err != nil {
		return fmt.Errorf("give it to group %d: %w", group, err)
	}
	return os.Chmod(path, mode)
}

// holdWithin is how long another process may hold a directory. Whoever can read
// it can.
const holdWithin = 2 * time.Second

// holdDirectory keeps other processes from replacing the socket meanwhile.
func holdDirectory(path string) (release func(), err error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(holdWithin); ; time.Sleep(10 * time.Millisecond) {
		err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { dir.Close() }, nil
		case !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(deadline):
			return nil, errors.Join(fmt.Errorf("lock its directory: %w", err), dir.Close())
		}
	}
}

// listener is a socket that removes itself, and only itself.
type listener struct {
	*net.UnixListener
	path  string // that clients are told of
	at    string // of the socket: path, or what it links to
	inode uint64 // of at
	once  sync.Once
	err   error // of the first Close
}

func listen(path string, opt ListenOptions) (*listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	at, err := place(path, opt.RuntimeDir)
	if err != nil {
		return nil, err
	}
	l, err := bind(at)
	if err != nil {
		return nil, errors.Join(err, removeLink(path, at))
	}
	return &listener{UnixListener: l, path: path, at: at}, nil
}

// bind makes a socket that is its owner's alone from the beginning: Linux takes
// the mode of the file from that of the socket.
func bind(at string) (*net.UnixListener, error) {
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if failed := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); failed != nil {
			return failed
		}
		return err
	}}
	l, err := private.Listen(context.Background(), "unix", at)
	if err != nil {
		return nil, err
	}
	unixListener := l.(*net.UnixListener)
	unixListener.SetUnlinkOnClose(false) // by then it may be another's
	return unixListener, nil
}

func (l *listener) identify() (err error) {
	l.inode, err = inodeOf(l.at)
	return err
}

func inodeOf(path string) (uint64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
}

// Close removes the file, unless it is another process's by now.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.err = l.UnixListener.Close()
		release, err := holdDirectory(l.path)
		if err != nil {
			return // the directory is gone
		}
		defer release()
		if inode, err := inodeOf(l.at); err == nil && inode == l.inode {
			l.err = errors.Join(l.err, os.Remove(l.at), removeLink(l.path, l.at))
		}
	})
	return l.err
}
