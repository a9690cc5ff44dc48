package recovery

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const holdEnv = "HOLDFAST_TEST_HOLD"

// holdLock is the other process of TestLockOfAnotherProcess.
func holdLock(dir string) {
	if _, err := LockDir(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is done, however it ends
	os.Exit(0)
}

func TestLockOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), holdEnv+"="+dir)
	other.Stderr = os.Stderr
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}

	_, err = LockDir(dir)
	want := fmt.Sprintf("data directory %s is held by process %d; stop it", dir, other.Process.Pid)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}

	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed: an error is due
	lock, err := LockDir(dir)
	if err != nil {
		t.Fatalf("a killed process still holds the directory: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestLockStaysTheSameFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var before os.FileInfo
	for range 3 {
		lock, err := LockDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LockDir(dir); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "this very process") {
			t.Errorf("second lock: %v", err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, lockName))
		if err != nil || before != nil && !os.SameFile(before, info) {
			t.Fatalf("the lock file was replaced: %v", err)
		}
		before = info
	}
}

// A lock is given back even while a child that is being started has a copy of
// its file, as every child has for a moment.
func TestReleaseWhileAChildIsStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	held, err := unix.Dup(int(lock.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(held)
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := LockDir(dir)
	if err != nil {
		t.Fatalf("the lock is still held: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}
