package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// maxPath is how long the path of a socket may be: sun_path ends with a zero.
const maxPath = 107

// privatePrefix begins the names of directories that place makes.
const privatePrefix = "holdfast-"

// place is where the socket of a path goes: there, or where that is too long
// into a directory of its own, to which path becomes a link.
func place(path, runtimeDir string) (at string, err error) {
	if len(path) <= maxPath {
		return path, nil
	}
	// systemd gives several directories separated by colons.
	first, _, _ := strings.Cut(cmp.Or(runtimeDir, os.Getenv("RUNTIME_DIRECTORY"), os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()), ":")
	dir, err := os.MkdirTemp(first, privatePrefix)
	if err != nil {
		return "", fmt.Errorf("its path has %d bytes and a socket's at most %d, and there is no other place for it: %w", len(path), maxPath, err)
	}
	at = filepath.Join(dir, SocketName)
	if err = os.Chmod(dir, 0o711); err == nil { // the socket's own mode says who may connect
		err = os.Symlink(at, path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return at, nil
}

// removeLink removes what place has made.
func removeLink(path, at string) error {
	if at == path {
		return nil
	}
	err := os.Remove(filepath.Dir(at))
	if to, linked := os.Readlink(path); linked == nil && to == at {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// resolve is where the socket of a path is.
func resolve(path string) (at string) {
	if to, err := os.Readlink(path); err == nil && filepath.IsAbs(to) {
		return to
	}
	return path
}

// aliveWithin is how long a living process may take to accept a connection.
const aliveWithin = 2 * time.Second

// removeStale makes room for a socket, unless somebody serves on it or it is
// something else.
func removeStale(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	at := resolve(path)
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist): // a link to nothing: the machine was restarted
		return os.Remove(path)
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("there is something else than a socket: %s", info.Mode().Type())
	}
	ctx, cancel := context.WithTimeout(context.Background(), aliveWithin)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", at)
	if err == nil {
		return errors.Join(ErrServed, conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("it cannot be told whether another process serves on it: %w", err)
	}
	if dir := filepath.Dir(at); at != path && filepath.Base(at) == SocketName && strings.HasPrefix(filepath.Base(dir), privatePrefix) {
		err = errors.Join(os.Remove(at), os.Remove(dir)) // of ours: anybody could have made another link
		if err != nil {
			return err
		}
	}
	return os.Remove(path)
}
