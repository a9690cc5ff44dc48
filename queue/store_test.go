package queue

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

func TestCreateLeavesAFileAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	must(t, os.WriteFile(path+TempSuffix, []byte("left over"), 0o600))
	must(t, Create(path, Identity{Cluster: "c", Group: "g", StoreID: "first"}))
	wantIs(t, "create", Create(path, Identity{StoreID: "second"}), os.ErrExist)
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("left in the directory: %v", left)
	}
	for epoch := uint64(1); epoch < 4; epoch++ {
		s, err := Open(path, Options{})
		must(t, err)
		want := Identity{Format: FormatVersion, Cluster: "c", Group: "g", StoreID: "first", Epoch: epoch}
		if diff := cmp.Diff(want, s.Identity()); diff != "" {
			t.Error(diff)
		}
		must(t, s.Close())
		must(t, s.Close())
	}
}

func TestTheClusterOfAStoreCanBeRecordedLater(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	must(t, Create(path, Identity{Group: "g", StoreID: "s"}))
	s, err := Open(path, Options{})
	must(t, err)
	must(t, s.SetCluster("c"))
	want := s.Identity()
	if want.Cluster != "c" {
		t.Errorf("identity %+v", want)
	}
	id, err := ReadIdentity(s.db)
	must(t, err)
	if diff := cmp.Diff(want, id); diff != "" {
		t.Errorf("in the file: %s", diff)
	}
	must(t, s.Close())
	wantIs(t, "set the cluster of a closed store", s.SetCluster("d"), ErrClosed)
}

// A store is closed while others look into it: that is not what is wrong with the
// file.
func TestWhatAClosedStoreCannotReadIsNotDamaged(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	must(t, r.Close())
	for name, read := range map[string]func() error{
		"a body":         func() error { _, err := r.readBody(orders, 0, false); return err },
		"a body aside":   func() error { _, err := r.readBody(orders, 0, true); return err },
		"a checkpoint":   func() error { _, err := r.readCheckpoint(orders, 0, false); return err },
		"lanes":          func() error { _, err := p.readLanes([]int64{0}); return err },
		"jobs aside":     func() error { _, err := p.readAside(nil); return err },
		"parked lanes":   func() error { _, err := r.walkParked(orders, nil, nil); return err },
		"other owners":   func() error { _, _, err := r.awayStates(); return err },
		"the partitions": func() error { _, err := r.Partitions(); return err },
		"a guard":        func() error { _, _, err := r.Guard("orders"); return err },
	} {
		err := read()
		wantIs(t, name, err, ErrClosed)
		if damage := new(DamageError); errors.As(err, &damage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStoreIsOpenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	if s, err := Open(r.path, Options{}); err == nil {
		s.Close()
		t.Error("opened twice")
	}
}

func TestAClosedStoreTakesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	job := r.take(2)[0]
	waiting := make(chan error, 1)
	go func() {
		_, err := r.Take(t.Context(), make([]Job, 1))
		waiting <- err
	}()
	r.must(r.Close())
	wantIs(t, "waiting take", <-waiting, ErrClosed)
	wantIs(t, "append", errOf(p.Append(records(2, "a"))), ErrClosed)
	wantIs(t, "finish", r.Finish(Finished{job, Outcome{Kind: Done}}), ErrClosed)
	_, err := r.Attach(TopicPartition{"bills", 0})
	wantIs(t, "attach", err, ErrClosed)
	r.must(r.Sync(t.Context()))
	r.open()
	if s := r.attach(orders).State(); s.Open != 2 {
		t.Errorf("after Close with a job out: %+v", s)
	}
}

func TestSyncMakesDurableWhatWasHandedIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	r.done(r.wantTaken(0)...)
	p.Acknowledge(0)
	r.sync()
	r.must(r.db.View(func(tx *bbolt.Tx) error {
		_, parts, err := readFormat(tx)
		if f := parts[orders]; err == nil && (f.next != 3 || f.frontier() != 1 || len(f.jobs) != 2 || f.acked != 0) {
			t.Errorf("the file holds %+v", f)
		}
		return err
	}))
}

func TestAppendKeepsToTheOrderOfOffsets(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.must(p.SkipTo(10))
	for _, offsets := range [][]int64{{9}, {10, 10}, {12, 11}} {
		var recs []Record
		for _, o := range offsets {
			recs = append(recs, record(o, "a"))
		}
		if _, err := p.Append(recs); err == nil {
			t.Errorf("%v were taken", offsets)
		}
	}
	r.must(errOf(p.Append(nil)))
	r.must(errOf(p.Append([]Record{record(10, "a"), record(15, "b")})))
	if err := p.SetStart(3); err == nil {
		t.Error("a second start was set")
	}
	if s := p.State(); s.Next != 16 || s.Open != 2 {
		t.Errorf("state %+v", s)
	}
}

// TestANewSchemeWaitsForTheOlderOne also across a start.
func TestANewSchemeWaitsForTheOlderOne(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		r := newRig(t, Options{})
		p := r.attach(orders)
		r.append(p, "a", "b")
		r.must(p.Configure("topic-id", "second"))
		r.append(p, "c", "c")
		r.must(p.Configure("topic-id", "third"))
		r.append(p, "d")
		if restart {
			r.reopen()
			r.attach(orders)
		}
		first := r.wantTaken(0, 1)
		r.done(first[0])
		r.nothingStarts()
		r.done(first[1])
		r.done(r.wantTaken(2)...)
		second := r.wantTaken(3)
		r.nothingStarts()
		r.done(second...)
		r.done(r.wantTaken(4)...)
	}
}

func TestErrorsNameWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := error(&DamageError{"orders/3@7", cause})
	if err.Error() != "orders/3@7 is damaged: cause" || !errors.Is(err, cause) {
		t.Error(err)
	}
	for kind, want := range map[Kind]string{Done: "done", Retry: "retry", Release: "release", Halt: "halt", 0: "unknown"} {
		if kind.String() != want {
			t.Errorf("%d is called %s", kind, kind)
		}
	}
}
