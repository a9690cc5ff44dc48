package queue

import (
	"context"
	"testing"
	"time"
)

func TestAHandleThatWasLetGoIsInert(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	old := r.attach(orders)
	r.append(old, "a", "b")
	r.sync()
	old.Detach()
	r.sync()
	p := r.attach(orders)
	if p == old {
		t.Fatal("the partition was not let go")
	}
	r.done(r.wantTaken(0, 1)...)
	r.append(p, "c")
	r.sync()
	want := p.State()

	old.Acknowledge(1)
	old.Lease(Forever)
	old.Detach()
	if _, err := old.Append(records(2, "x")); err == nil {
		t.Error("a partition that was let go took a record")
	}
	r.done(r.wantTaken(2)...)
	r.nothingStarts()
	r.sync()
	r.reopen()
	got := r.attach(orders).State()
	if got.Next != want.Next || got.Acknowledged != want.Acknowledged || got.Open != 0 {
		t.Errorf("reopened: %+v, want %+v without open jobs", got, want)
	}
}

func TestNoLeaseWhileDetached(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	running := r.take(1)
	p.Detach()
	p.Lease(Forever)
	r.nothingStarts()
	again := r.attach(orders)
	if again != p {
		t.Error("with a run under way the partition is to be kept")
	}
	r.wantTaken(1)
	r.done(running...)
}

func TestIdleEndsWithTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.take(1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	idle := make(chan error, 1)
	go func() { idle <- p.Idle(ctx) }()
	r.must(r.Close())
	wantIs(t, "idle", <-idle, ErrClosed)
	wantIs(t, "idle after close", p.Idle(ctx), ErrClosed)
}

func TestOpenOfNoFileMakesNone(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/" + FileName
	if s, err := Open(path, Options{}); err == nil {
		s.Close()
		t.Fatal("opened a file that is not there")
	}
	if err := Create(path, Identity{}); err != nil {
		t.Errorf("after a failed Open: %v", err)
	}
}
