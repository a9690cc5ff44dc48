package recovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func mustSlots(t *testing.T, dir string) *slots {
	t.Helper()
	s, err := openSlots(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s
}

func wantFailure(t *testing.T, s *slots, want string) {
	t.Helper()
	got, err := s.failure()
	if err != nil || (want == "") != (got == "") || !strings.Contains(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestFailureIsNotedAndCleared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustSlots(t, dir)
	wantFailure(t, s, "")
	if err := s.noteFailure(time.Unix(0, 0), syscall.EIO); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, mustSlots(t, dir), "1970-01-01T00:00:00Z input/output error")
	if err := s.noteFailure(time.Unix(0, 0), errors.New(strings.Repeat("long ", 1000))); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, mustSlots(t, dir), "long long")
	if err := s.clearFailure(); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, mustSlots(t, dir), "")
}

func TestNotesTakeNoNewRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustSlots(t, dir)
	blocks := func() int64 {
		info, err := s.file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Blocks
	}
	before := blocks()
	if before*512 < slotsSize {
		t.Skipf("this file system shows %d blocks for %d bytes", before, slotsSize)
	}
	if err := s.noteFailure(time.Now(), syscall.EIO); err != nil {
		t.Fatal(err)
	}
	if after := blocks(); after != before {
		t.Errorf("%d blocks became %d", before, after)
	}
}

func TestTornNoteCounts(t *testing.T) {
	t.Parallel()
	for _, at := range []int{0, 5, noteHeader, 20} {
		note := encodeNote("2026-01-01T00:00:00Z input/output error")
		note[at] ^= 0xff
		if got := decodeNote(note); got != "the note about it is unreadable" {
			t.Errorf("byte %d flipped: %q", at, got)
		}
	}
}

func TestSlotFileThatWasCutOffIsCompleted(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"empty":          nil,
		"head only":      []byte(slotsMagic),
		"zeroes only":    make([]byte, slotsSize),
		"half of zeroes": make([]byte, slotsSize/2),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, slotsName)
			writeFile(t, path, content)
			wantFailure(t, mustSlots(t, dir), "")
			if got := readFile(t, path); len(got) != slotsSize || string(got[:len(slotsMagic)]) != slotsMagic {
				t.Errorf("%d bytes, %q", len(got), got[:8])
			}
		})
	}
}

func TestForeignSlotFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, slotsName)
	writeFile(t, path, []byte("my slots"))
	if _, err := openSlots(dir); err == nil || !strings.Contains(err.Error(), `begins with "my slots"`) {
		t.Error(err)
	}
	if got := string(readFile(t, path)); got != "my slots" {
		t.Errorf("became %q", got)
	}
}

// TestOnlyPlainWritesAreHarmless takes its errors from commits of bbolt, so
// that a change of theirs shows here.
func TestOnlyPlainWritesAreHarmless(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"write": 1 << 20, "resize": 0} {
		err := fmt.Errorf("flush: %w", failingCommit(t, size))
		if !strings.Contains(err.Error(), name) || !plainWrite(err) {
			t.Errorf("%s counts as a failed fsync: %v", name, err)
		}
	}
	for _, err := range []error{
		syscall.EIO, syscall.ENOSPC, &os.PathError{Op: "sync", Err: syscall.EIO}, errors.New("file sync error: input/output error"),
	} {
		if plainWrite(err) {
			t.Errorf("%#v counts as harmless", err)
		}
	}
}

// failingCommit commits to a file of the given size at least that is open for
// reading only.
func failingCommit(t *testing.T, size int64) error {
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if size > 0 {
		truncate(t, path, size)
	}
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: func(name string, _ int, mode os.FileMode) (*os.File, error) {
		return os.OpenFile(name, os.O_RDONLY, mode)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	})
	if err == nil {
		t.Fatal("the commit succeeded")
	}
	return err
}
