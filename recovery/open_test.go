package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestFirstOpeningMakesAStore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "data")
	opt := options(dir)
	opt.Verify = func(context.Context, string) error { return errors.New("there is nothing to verify yet") }
	o := mustOpen(t, opt)
	first := o.Store.Identity()
	mustClose(t, o)
	if first.Group != "billing" || first.Cluster != "c1" || first.Epoch != 1 || len(first.StoreID) < 26 {
		t.Errorf("%+v", first)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	o = mustOpen(t, options(dir))
	defer mustClose(t, o)
	if got := o.Store.Identity(); got.StoreID != first.StoreID || got.Epoch != 2 {
		t.Errorf("%+v became %+v", first, got)
	}
}

func TestStoreIDsDiffer(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for range 3 {
		o := mustOpen(t, options(t.TempDir()))
		ids[o.Store.Identity().StoreID] = true
		mustClose(t, o)
	}
	if len(ids) != 3 {
		t.Errorf("%v", ids)
	}
}

func TestOpenDirectoryIsHeld(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 1)
	o := mustOpen(t, options(dir))
	if _, err := Open(context.Background(), options(dir)); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open: %v", err)
	}
	if _, err := Compact(context.Background(), dir, CompactOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("Compact: %v", err)
	}
	if _, err := Verify(context.Background(), path, false); !errors.Is(err, ErrInUse) {
		t.Errorf("Verify: %v", err)
	}
	mustClose(t, o)
	wantJobs(t, dir, 1)
}

func TestOpeningWithoutAGroupTakesTheStoreThatIsThere(t *testing.T) {
	t.Parallel()
	dir, _ := newStore(t, 1)
	opt := options(dir)
	opt.Group = ""
	o := mustOpen(t, opt)
	if id := o.Store.Identity(); id.Group != "billing" {
		t.Errorf("%+v", id)
	}
	mustClose(t, o)
	wantJobs(t, dir, 1)

	for _, missing := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		opt.Dir = missing
		if _, err := Open(context.Background(), opt); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
			t.Errorf("without a store: %v", err)
		}
		if left, _ := os.ReadDir(missing); len(left) != 0 {
			t.Errorf("left behind %v", left)
		}
	}
}

func TestRefusedOpeningChangesNothing(t *testing.T) {
	t.Parallel()
	refusal := errors.New("the child found damage")
	for name, test := range map[string]struct {
		change func(*Options)
		err    error
		text   string
	}{
		"other group":   {func(o *Options) { o.Group = "shipping" }, ErrForeign, `belongs to group "billing", not "shipping"`},
		"other cluster": {func(o *Options) { o.Cluster = "c2" }, ErrForeign, "belongs to Kafka cluster c1, and the brokers are of cluster c2"},
		"verify":        {func(o *Options) { o.Verify = func(context.Context, string) error { return refusal } }, refusal, "verify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := newStore(t, 5)
			before := readFile(t, path)
			opt := options(dir)
			test.change(&opt)
			if _, err := Open(context.Background(), opt); !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
			if string(readFile(t, path)) != string(before) {
				t.Error("the file changed")
			}
			if id := wantJobs(t, dir, 5); id.Epoch != 2 {
				t.Errorf("the refusal counted as an opening: %+v", id)
			}
		})
	}
}

func TestClusterThatIsLearntLater(t *testing.T) {
	t.Parallel()
	opt := options(filepath.Join(t.TempDir(), "data"))
	opt.Cluster = ""
	o := mustOpen(t, opt)
	if err := o.ConfirmCluster("c1"); err != nil {
		t.Error(err)
	}
	mustClose(t, o)
	o = mustOpen(t, opt)
	defer mustClose(t, o)
	if err := o.ConfirmCluster("c2"); !errors.Is(err, ErrForeign) {
		t.Errorf("another cluster: %v", err)
	}
	if err := o.ConfirmCluster(""); err != nil {
		t.Errorf("a broker without a cluster id: %v", err)
	}
}

// A start that never got as far as Kafka leaves no store behind that would
// belong to its group.
func TestAbandonRemovesAStoreThatMetNoCluster(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, opt Options)
		cluster string
		kept    bool
	}{
		"new":                      {nil, "", false},
		"new, and met its cluster": {nil, "c1", true},
		"made by an earlier start": {func(t *testing.T, opt Options) { mustClose(t, mustOpen(t, opt)) }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := options(filepath.Join(t.TempDir(), "data"))
			opt.Cluster = ""
			if test.prepare != nil {
				test.prepare(t, opt)
			}
			o := mustOpen(t, opt)
			if err := o.ConfirmCluster(test.cluster); err != nil {
				t.Fatal(err)
			}
			if err := o.Abandon(); err != nil {
				t.Error(err)
			}
			opt.Group = "shipping"
			o, err := Open(context.Background(), opt)
			if kept := errors.Is(err, ErrForeign); kept != test.kept {
				t.Errorf("kept: %v, want %v: %v", kept, test.kept, err)
			}
			if err == nil {
				mustClose(t, o)
			}
		})
	}
}

func TestVerifyRunsBeforeTheFileIsOpened(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	opt := options(dir)
	verified := ""
	opt.Verify = func(ctx context.Context, path string) error {
		verified = path
		_, err := Verify(ctx, path, true)
		return err
	}
	mustClose(t, mustOpen(t, opt))
	if verified != path {
		t.Errorf("verified %q, want %q", verified, path)
	}
}

func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		damage func(t *testing.T, path string)
		err    error
		text   string
	}{
		"empty":     {func(t *testing.T, path string) { truncate(t, path, 0) }, ErrDamaged, "the file is empty"},
		"one byte":  {func(t *testing.T, path string) { truncate(t, path, 1) }, ErrDamaged, "cut off"},
		"cut off":   {func(t *testing.T, path string) { truncate(t, path, 3*int64(os.Getpagesize())) }, ErrDamaged, "cut off"},
		"text":      {func(t *testing.T, path string) { writeFile(t, path, []byte(strings.Repeat("hello ", 9999))) }, ErrDamaged, "not a bbolt file"},
		"directory": {func(t *testing.T, path string) { os.Remove(path); os.Mkdir(path, 0o700) }, ErrDamaged, "not a regular file"},
		"zeroed pages": {func(t *testing.T, path string) {
			b := readFile(t, path)
			clear(b[2*os.Getpagesize() : 30*os.Getpagesize()])
			writeFile(t, path, b)
		}, ErrDamaged, "page "},
		"no store": {func(t *testing.T, path string) {
			os.Remove(path)
			update(t, path, func(*bbolt.Tx) error { return nil })
		}, ErrDamaged, "not a holdfast store"},
		"damaged identity": {func(t *testing.T, path string) {
			update(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("identity"), []byte("?")) })
		}, ErrDamaged, "identity is damaged"},
		"newer format": {func(t *testing.T, path string) {
			update(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("999")) })
		}, ErrNewer, "version 999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := newStore(t, 2000)
			test.damage(t, path)
			_, err := Open(context.Background(), options(dir))
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
			lock, err := LockDir(dir)
			if err != nil {
				t.Fatalf("the refused opening kept the lock: %v", err)
			}
			lock.Release()
		})
	}
}

func TestLeftOversAreRemoved(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	writeFile(t, path+queue.TempSuffix, []byte("half a copy"))
	writeFile(t, filepath.Join(dir, "notes.tmp"), []byte("somebody else's"))
	wantJobs(t, dir, 5)
	if _, err := os.Lstat(path + queue.TempSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left-over is still there: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "notes.tmp")); err != nil {
		t.Errorf("another file was removed: %v", err)
	}
}

func TestAfterAFailedFsyncTheStoreIsCopiedFirst(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	o := mustOpen(t, options(dir))
	if err := o.NoteFailure(fmt.Errorf("flush: %w", syscall.EIO)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)
	wantJobs(t, dir, 5)
	copied, err := os.Stat(path)
	if err != nil || os.SameFile(before, copied) {
		t.Errorf("the file was not copied, %v", err)
	}
	wantJobs(t, dir, 5)
	if again, err := os.Stat(path); err != nil || !os.SameFile(copied, again) {
		t.Errorf("the file was copied once more, %v", err)
	}
}

func TestAfterAFailedWriteTheFileIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	o := mustOpen(t, options(dir))
	if err := o.NoteFailure(&os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)
	wantJobs(t, dir, 5)
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was copied, %v", err)
	}
}

func fullDisk(string) (int64, error) { return 1 << 20, nil }

func TestWithoutRoomForTheCopyItRefuses(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	o := mustOpen(t, options(dir))
	if err := o.NoteFailure(syscall.EIO); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)

	_, err := open(context.Background(), options(dir), copier{free: fullDisk})
	if !errors.Is(err, ErrNoRoom) || !strings.Contains(err.Error(), "input/output error") || !strings.Contains(err.Error(), "holdfast compact --to") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	wantJobs(t, dir, 5) // the note is still there, and now there is room
}

// TestDrainedFileIsCompacted looks at the file while it is open: a running
// store compacts it too.
func TestDrainedFileIsCompacted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		free func(string) (int64, error)
		want bool
	}{
		"room":    {diskFree, true},
		"no room": {fullDisk, false}, // which must not keep the store from opening
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := newStore(t, 5)
			truncate(t, path, 2*drainedFile)
			o, err := open(context.Background(), options(dir), copier{free: test.free})
			if err != nil {
				t.Fatal(err)
			}
			defer mustClose(t, o)
			if info, err := os.Stat(path); err != nil || (info.Size() < drainedFile) != test.want {
				t.Errorf("%d bytes, %v", info.Size(), err)
			}
			if got := attach(t, o).State(); got.Open != 5 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestFullFileIsNotCompacted(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 5)
	truncate(t, path, drainedFile/2)
	wantJobs(t, dir, 5)
	if info, err := os.Stat(path); err != nil || info.Size() != drainedFile/2 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
}

func TestCancelledOpening(t *testing.T) {
	t.Parallel()
	dir, _ := newStore(t, 5)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, options(dir)); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
	wantJobs(t, dir, 5)
}

func TestFaultsInTheMapBecomeErrors(t *testing.T) {
	t.Parallel()
	_, path := newStore(t, 2000)
	err := withFile(path, func(db *bbolt.DB) error {
		truncate(t, path, int64(os.Getpagesize())) // pages that are mapped vanish
		return queue.Verify(db, true, func(*queue.DamageError) {})
	})
	if err = explain(path, err); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "reading it failed") {
		t.Errorf("got %v", err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, path string, f func(*bbolt.Tx) error) {
	t.Helper()
	db, err := queue.OpenFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(f); err != nil {
		t.Fatal(err)
	}
}
