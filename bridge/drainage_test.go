package bridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

func drainedRun(t *testing.T) *run {
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(context.Context, *Job) error { return nil })}, nil)
	r := d.run
	r.asked = make(chan struct{})
	r.stopping, r.stop = context.WithCancel(context.Background())
	t.Cleanup(r.stop)
	r.active.Store(r)
	return r
}

// overContext is a context of somebody who does not wait any more.
func overContext(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Whoever gives up waiting takes back what is theirs alone.
func TestADrainGoesOnForWhoeverStillWantsIt(t *testing.T) {
	t.Parallel()
	t.Run("an operator", func(t *testing.T) {
		t.Parallel()
		r := drainedRun(t)
		waits, _ := r.drainage.join()
		r.drainOrder(inspect.DrainOrder{Leave: true})
		r.drainage.giveUp(waits)
		if s := r.drainage.state(); !s.On || !s.Leaves {
			t.Errorf("the operator's drain is %+v", s)
		}
	})
	t.Run("another caller", func(t *testing.T) {
		t.Parallel()
		r := drainedRun(t)
		first, _ := r.drainage.join()
		r.drainage.join()
		r.drainage.giveUp(first)
		if !r.drainage.state().On {
			t.Error("fetching goes on while somebody waits")
		}
	})
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		r := drainedRun(t)
		if err := r.Drain(overContext(t)); !errors.Is(err, context.Canceled) || r.drainage.state().On {
			t.Errorf("%v, and %+v", err, r.drainage.state())
		}
	})
}

func TestADrainThatIsTakenBackLetsGoWhoWaits(t *testing.T) {
	t.Parallel()
	r := drainedRun(t)
	answer := make(chan error, 1)
	go func() { answer <- r.Drain(t.Context()) }()
	for !r.drainOrder(inspect.DrainOrder{Undo: true}) {
	}
	if err := <-answer; !errors.Is(err, ErrDrainUndone) {
		t.Errorf("%v", err)
	}
}

// A partition that is still being taken over has jobs, unless all is stuck.
func TestABridgeIsNotEmptyBeforeItHasItsPartitions(t *testing.T) {
	t.Parallel()
	r := drainedRun(t)
	claim := &kafka.Claim{Topic: "orders"}
	r.claims.begin(claim, time.Now())
	if !r.empty() {
		t.Error("a partition without a job is waited for")
	}
	rec := queue.Record{Lane: queue.Lane{ID: 1, Name: []byte("a")}}
	if _, err := r.store.Attached()[0].Append([]queue.Record{rec}); err != nil {
		t.Fatal(err)
	}
	if r.empty() {
		t.Error("a partition that is being taken over counts as finished")
	}
	for name, settle := range map[string]func(*claimState){
		"held":   func(c *claimState) { c.working, c.err = false, errors.New("a conflict") },
		"unused": func(c *claimState) { c.err, c.unused = nil, true },
	} {
		r.claims.set(claim, settle)
		if !r.empty() {
			t.Errorf("%s: it is waited for", name)
		}
	}
}
