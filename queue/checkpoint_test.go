package queue

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// wantCheckpoint compares what the next run of a job would find.
func (r *rig) wantCheckpoint(j *Job, want string) {
	r.t.Helper()
	got, err := r.Checkpoint(j)
	if err != nil || string(got) != want {
		r.t.Errorf("checkpoint of %d: %q, %v, want %q", j.Offset, got, err, want)
	}
}

func TestCheckpointIsOnDiskWhenItReturns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	j := r.take(2)[0]
	r.must(j.Run().Checkpoint(t.Context(), j.Offset, []byte("half")))

	crashed := r.t.TempDir() + "/copy.db" // what a kill leaves
	r.must(r.db.View(func(tx *bbolt.Tx) error { return tx.CopyFile(crashed, 0o600) }))
	after := &rig{t: t, path: crashed, clock: r.clock, opt: r.opt, layout: r.layout}
	after.open()
	defer after.Close()
	after.attach(orders)
	again := after.take(2)[0]
	if again.Attempt != 1 || again.Offset != j.Offset {
		t.Errorf("took %d, attempt %d", again.Offset, again.Attempt)
	}
	after.wantCheckpoint(again, "half")
	after.done(again)
	after.wantCheckpoint(after.take(1)[0], "") // the next one of its lane
	after.sync()
	r.must(after.db.View(func(tx *bbolt.Tx) error {
		if kept := checkpointsOf(partitionBucket(tx, orders), false); kept.Stats().KeyN != 0 {
			t.Errorf("%d checkpoints are left", kept.Stats().KeyN)
		}
		return nil
	}))
}

func TestCheckpointGoesWithItsJobOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	j := r.take(1)[0]
	keep := func(data string) {
		t.Helper()
		r.must(j.Run().Checkpoint(t.Context(), 0, []byte(data)))
	}
	keep("one")
	r.finish(Outcome{Kind: Retry, Error: "no"}, j)
	j = r.take(1)[0]
	r.wantCheckpoint(j, "one")
	keep("two")
	r.finish(Outcome{Kind: Release}, j)
	r.reopen()
	p = r.attach(orders)
	j = r.take(1)[0]
	r.wantCheckpoint(j, "two")
	r.finish(Outcome{Kind: Halt, Error: "given up"}, j)
	seen, err := p.Find(t.Context(), 0)
	r.must(err)
	if changed, err := p.Retry(seen[0], true); !changed || err != nil {
		t.Fatalf("retried %v, %v", changed, err)
	}
	j = r.take(1)[0]
	if j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	r.wantCheckpoint(j, "two")
	keep("")
	r.finish(Outcome{Kind: Release}, j)
	r.wantCheckpoint(r.take(1)[0], "")
}

// TestCheckpointIsNotHeldInMemory once it is on disk, and a retry does not
// write it again.
func TestCheckpointIsNotHeldInMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	j := r.take(1)[0]
	r.must(j.Run().Checkpoint(t.Context(), 0, make([]byte, MaxCheckpoint)))
	if len(p.checkpoints)+len(p.flushing) > 0 {
		t.Error("memory holds it")
	}
	r.finish(Outcome{Kind: Retry}, j)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p.checkpoints) > 0 || len(p.touched) != 1 {
		t.Errorf("a retry writes %d checkpoints and %d notes", len(p.checkpoints), len(p.touched))
	}
}

func TestCheckpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	jobs := r.take(3)
	run := jobs[0].Run()
	err := run.Checkpoint(t.Context(), 0, make([]byte, MaxCheckpoint+1))
	wantIs(t, "65,537 bytes", err, ErrCheckpointTooLarge)
	if want := "checkpoint of orders/3@0: 65537 bytes are more than 65536"; err == nil || !bytes.HasPrefix([]byte(err.Error()), []byte(want)) {
		t.Errorf("said %v, want %s", err, want)
	}
	r.done(jobs[0])
	wantIs(t, "after the run", run.Checkpoint(t.Context(), 0, []byte("x")), ErrRunOver)
	r.must(p.SkipTo(2))
	wantIs(t, "after SkipTo", jobs[1].Run().Checkpoint(t.Context(), 1, []byte("x")), ErrRunOver)
	r.must(jobs[2].Run().Checkpoint(t.Context(), 2, []byte("x")))
	late := jobs[2].Run()
	r.must(p.Reset(2))
	wantIs(t, "after Reset", late.Checkpoint(t.Context(), 2, []byte("y")), ErrRunOver)
	r.sync()
	r.append(p, "c") // delivered again: its lane adopts the run
	r.must(late.Checkpoint(t.Context(), 2, []byte("z")))
	r.finish(Outcome{Kind: Release}, jobs[2])
	r.wantCheckpoint(r.take(1)[0], "z")
	_ = r.Store.Close()
	wantIs(t, "after the end", late.Checkpoint(t.Context(), 2, []byte("x")), ErrClosed)
}

func TestCheckpointWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, Options{}, standardLayout())
	r.manual = true // nobody flushes
	r.open()
	p := r.attach(orders)
	r.append(p, "a")
	j := r.take(1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	wantIs(t, "no flush", j.Run().Checkpoint(ctx, 0, []byte("half")), context.DeadlineExceeded)
	r.finish(Outcome{Kind: Release}, j)
	r.wantCheckpoint(r.take(1)[0], "half") // of memory
}

func TestDamagedCheckpointIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	j := r.take(1)[0]
	r.must(j.Run().Checkpoint(t.Context(), 0, []byte("half")))
	r.finish(Outcome{Kind: Release}, j)
	r.must(r.Close())
	db, err := OpenFile(r.path, false)
	r.must(err)
	r.must(db.Update(func(tx *bbolt.Tx) error {
		return checkpointsOf(partitionBucket(tx, orders), false).Put(offsetKey(0), []byte("torn"))
	}))
	var damage []string
	r.must(Verify(db, true, func(d *DamageError) { damage = append(damage, d.Error()) }))
	if len(damage) != 1 {
		t.Errorf("verify found %q", damage)
	}
	r.must(db.Close())
	r.open()
	r.attach(orders)
	_, err = r.Checkpoint(r.take(1)[0])
	var named *DamageError
	if !errors.As(err, &named) || named.Where != "orders/3@0 checkpoint" {
		t.Errorf("got %v", err)
	}
}
