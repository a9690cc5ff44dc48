package admin

import (
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// abandon leaves the socket of a process that was killed.
func abandon(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	l.SetUnlinkOnClose(false)
	must(t, l.Close())
}

func TestASocketOfAKilledBridgeIsReplacedAndALiveOneRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	abandon(t, path)
	first, err := Listen(path, ListenOptions{})
	must(t, err)
	if _, err := Listen(path, ListenOptions{}); !errors.Is(err, ErrServed) {
		t.Errorf("a second listener: %v", err)
	}
	must(t, first.Close())
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there after Close: %v", err)
	}
}

func TestAFileThatIsNoSocketStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	if l, err := Listen(path, ListenOptions{}); err == nil {
		l.Close()
		t.Error("a file was replaced")
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "mine" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestCloseLeavesTheSocketOfASuccessor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	first, err := Listen(path, ListenOptions{})
	must(t, err)
	must(t, os.Remove(path))
	second, err := Listen(path, ListenOptions{})
	must(t, err)
	defer second.Close()
	must(t, first.Close())
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the successor's socket was removed: %v", err)
	}
}

func TestTheSocketIsItsOwnersUnlessAGroupIsLetIn(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	must(t, err)
	for group, want := range map[string]os.FileMode{"": 0o600, me.Gid: 0o660} {
		path := filepath.Join(shortDir(t), SocketName)
		l, err := Listen(path, ListenOptions{Group: group})
		must(t, err)
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("with the group %q the mode is %v, want %v", group, info.Mode().Perm(), want)
		}
		if stat := info.Sys().(*syscall.Stat_t); group != "" && group != formatID(stat.Gid) {
			t.Errorf("the group is %d, want %s", stat.Gid, group)
		}
		must(t, l.Close())
	}
	if _, err := Listen(filepath.Join(shortDir(t), SocketName), ListenOptions{Group: "no-such-group"}); err == nil || !strings.Contains(err.Error(), `no group "no-such-group"`) {
		t.Errorf("an unknown group: %v", err)
	}
}

func TestALongPathLeadsToAShortOne(t *testing.T) {
	t.Parallel()
	runtime := shortDir(t)
	dir := filepath.Join(shortDir(t), strings.Repeat("long", 40))
	must(t, os.Mkdir(dir, 0o700))
	path := SocketPath(dir)
	for range 2 { // the second finds what a killed bridge has left
		listener, err := Listen(path, ListenOptions{RuntimeDir: runtime})
		must(t, err)
		stop := serveOn(t, Config{Inspector: stub{}}, listener)
		if _, err := Dial(t.Context(), path); err != nil {
			t.Errorf("dial: %v", err)
		}
		if _, err := Listen(path, ListenOptions{RuntimeDir: runtime}); !errors.Is(err, ErrServed) {
			t.Errorf("a second listener: %v", err)
		}
		must(t, stop())
		left, err := os.ReadDir(runtime)
		must(t, err)
		if _, linked := os.Lstat(path); linked == nil || len(left) > 0 {
			t.Errorf("after the end there are a link (%v) and %v", linked, left)
		}
		at, err := place(path, runtime)
		must(t, err)
		abandon(t, at)
	}
}

func TestThePeerIsWhoTheKernelSays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	l, err := Listen(path, ListenOptions{})
	must(t, err)
	defer l.Close()
	near, err := net.Dial("unix", path)
	must(t, err)
	defer near.Close()
	far, err := limit(l).Accept()
	must(t, err)
	defer far.Close()
	if got, want := peerOf(far), userOf(uint32(os.Getuid())); got != want || !strings.Contains(got, "uid "+formatID(uint32(os.Getuid()))) {
		t.Errorf("the peer is %q, want %q", got, want)
	}
}

func TestWhoHoldsTheDirectoryKeepsTheBridgeNotForEver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	release, err := holdDirectory(path)
	must(t, err)
	defer release()
	if l, err := Listen(path, ListenOptions{}); err == nil {
		l.Close()
		t.Error("two processes replace the socket at once")
	}
}

func TestALinkToWhatIsNotOursLosesOnlyItself(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	theirs, path := filepath.Join(dir, "theirs"), filepath.Join(dir, SocketName)
	abandon(t, theirs)
	must(t, os.Symlink(theirs, path))
	l, err := Listen(path, ListenOptions{})
	must(t, err)
	defer l.Close()
	if _, err := os.Lstat(theirs); err != nil {
		t.Errorf("what a link led to was removed: %v", err)
	}
}
