package recovery

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/seed-2837c37b/holdfast/queue"
)

// content is every bucket and value of a file by its path of names.
func content(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(prefix string, b *bbolt.Bucket) error
	walk = func(prefix string, b *bbolt.Bucket) error {
		all[prefix] = "bucket"
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(prefix+"/"+string(k), b.Bucket(k))
			}
			all[prefix+"/"+string(k)] = string(v)
			return nil
		})
	}
	err := withFile(path, func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return walk(string(name), b) })
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCompactKeepsEverythingButTheSize(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 3000)
	truncate(t, path, 300<<20)
	before := content(t, path)
	var done, total int64
	report, err := Compact(context.Background(), dir, CompactOptions{Progress: func(d, t int64) { done, total = d, t }})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, content(t, path)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(path)
	if err != nil || report.Path != path || report.Before != 300<<20 || report.After != info.Size() || report.After > 100<<20 {
		t.Errorf("%+v, %v", report, err)
	}
	if total == 0 || done != total {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	wantJobs(t, dir, 3000)
}

func TestCompactToAnotherDirectory(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 50)
	o := mustOpen(t, options(dir))
	if err := o.NoteFailure(syscall.EIO); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)
	before := readFile(t, path)

	to := filepath.Join(t.TempDir(), "b")
	if _, err := Compact(context.Background(), dir, CompactOptions{To: to}); err != nil {
		t.Fatal(err)
	}
	if string(readFile(t, path)) != string(before) {
		t.Error("the old file changed")
	}
	target := filepath.Join(to, queue.FileName)
	copied, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	wantJobs(t, to, 50)
	if after, err := os.Stat(target); err != nil || !os.SameFile(copied, after) {
		t.Errorf("the copy was in doubt too, %v", err)
	}
}

func TestCompactClearsTheFailure(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	o := mustOpen(t, options(dir))
	if err := o.NoteFailure(syscall.EIO); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)
	if _, err := Compact(context.Background(), dir, CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	compacted, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	wantJobs(t, dir, 5)
	if after, err := os.Stat(path); err != nil || !os.SameFile(compacted, after) {
		t.Errorf("the file was copied again, %v", err)
	}
}

func TestCompactRefuses(t *testing.T) {
	t.Parallel()
	dir, _ := newStore(t, 5)
	other, _ := newStore(t, 5)
	if _, err := Compact(context.Background(), dir, CompactOptions{To: other}); !errors.Is(err, ErrOccupied) {
		t.Errorf("over another store: %v", err)
	}
	if _, err := Compact(context.Background(), dir, CompactOptions{To: dir}); err == nil || !strings.Contains(err.Error(), "itself") {
		t.Errorf("to itself: %v", err)
	}
	if _, err := Compact(context.Background(), t.TempDir(), CompactOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a store: %v", err)
	}
	if _, err := Compact(context.Background(), filepath.Join(dir, "no"), CompactOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
	wantJobs(t, dir, 5)
	wantJobs(t, other, 5)
}

func TestFailedCopyLeavesTheStore(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	full := copier{free: fullDisk}
	if _, err := full.rewrite(context.Background(), path, path); !errors.Is(err, ErrNoRoom) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	enough := copier{free: func(string) (int64, error) { cancel(); return 1 << 40, nil }}
	if _, err := enough.rewrite(ctx, path, filepath.Join(dir, "no", "such")); err == nil {
		t.Error("copied to nowhere")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("left-overs: %v, %v", entries, err)
	}
	wantJobs(t, dir, 5)
}

func TestDamagedStoreIsNotCopied(t *testing.T) {
	t.Parallel()
	_, path := newStore(t, 2000)
	truncate(t, path, 20<<10)
	if _, err := CompactFile(context.Background(), path, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
