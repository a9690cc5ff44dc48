package recovery

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// rewrites are what makes a new store of one: to is empty where that takes the
// place of the old one.
var rewrites = map[string]func(t *testing.T, dir, to string, note func(*queue.Store) error) error{
	"compact": func(t *testing.T, dir, to string, note func(*queue.Store) error) error {
		_, err := Compact(t.Context(), dir, CompactOptions{To: to, Note: note})
		return err
	},
	"repair": func(t *testing.T, dir, to string, note func(*queue.Store) error) error {
		_, err := Repair(t.Context(), dir, RepairOptions{To: to, Note: note})
		return err
	},
}

func noted(t *testing.T, path string) (texts []string) {
	t.Helper()
	store, err := queue.Open(path, queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range store.Audit(t.Context(), false) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(e.Data))
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return texts
}

// A new store is never in its place without the note: whatever ends the process
// before leaves the old one.
func TestANewStoreIsNotedBeforeItIsInUse(t *testing.T) {
	t.Parallel()
	for name, rewrite := range rewrites {
		for _, elsewhere := range []bool{false, true} {
			dir, path := newStore(t, 20)
			to, target := "", path
			if elsewhere {
				to = filepath.Join(t.TempDir(), "b")
				target = filepath.Join(to, queue.FileName)
			}
			before := readFile(t, path)
			err := rewrite(t, dir, to, func(store *queue.Store) error {
				if _, err := os.Stat(target); elsewhere != errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: the new store is in use already, %v", name, err)
				}
				if string(readFile(t, path)) != string(before) {
					t.Errorf("%s: the old store has changed already", name)
				}
				_, err := store.PutAudit(queue.AuditEntry{At: time.Now(), Data: []byte(name)})
				return err
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := noted(t, target); len(got) != 1 || got[0] != name {
				t.Errorf("%s, elsewhere %v: the audit trail is %q", name, elsewhere, got)
			}
			wantJobs(t, filepath.Dir(target), 20)
		}
	}
}

func TestAStoreThatCannotBeNotedStays(t *testing.T) {
	t.Parallel()
	for name, rewrite := range rewrites {
		dir, path := newStore(t, 20)
		before, broken := readFile(t, path), errors.New("no ink")
		if err := rewrite(t, dir, "", func(*queue.Store) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if string(readFile(t, path)) != string(before) {
			t.Errorf("%s: the store has changed", name)
		}
		if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
		wantJobs(t, dir, 20)
	}
}
