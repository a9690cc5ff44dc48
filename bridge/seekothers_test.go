package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// The wish waits, and another machine goes on.
func TestASeekThatAnotherStoreHasOvertakenIsHeld(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	j := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
	cfg.InstanceID = bridge.Dynamic
	b := start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)

	offline, err := inspect.Open(t.Context(), cfg.DataDir, inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := offline.Plan(t.Context(), seek(4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := offline.Execute(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}

	elsewhere := cfg
	elsewhere.DataDir = t.TempDir()
	b = start(t, elsewhere)
	produce(t, broker, "orders", 10, 10, 1)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)

	held := make(chan bridge.Held, 2)
	cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h }}
	b = start(t, cfg)
	h := <-held
	for _, part := range []string{"at offset 4, when offset 10 was committed", "has committed offset 20 since", "holdfast seek --offset 20", "holdfast seek --offset 4"} {
		if !strings.Contains(h.Err.Error(), part) {
			t.Errorf("%q is not in: %v", part, h.Err)
		}
	}
	if _, total := j.counts(); total != 20 {
		t.Errorf("%d runs, want one of each", total)
	}
	command(t, b.Bridge, seek(4)) // as was wanted, knowing it now
	broker.WaitCommitted(t, "billing", "orders")
	if _, total := j.counts(); total != 20+16 {
		t.Errorf("%d runs, want %d", total, 20+16)
	}
}

// A connection breaks, and the broker comes to the commit that was on its way later
// than to that of the seek. Nobody else has done anything, so nobody has to act.
func TestAnOlderCommitThatArrivesAfterASeekIsReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, to, after int64 }{
		"back":    {before: 6, to: 2, after: 2},
		"forward": {before: 6, to: 8, after: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
			produce(t, broker, "orders", 10, 10, 1)
			var halting atomic.Int64 // jobs from it on halt
			halting.Store(test.before)
			cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
				if at := halting.Load(); at <= job.Offset && job.Offset < 8 {
					return bridge.Bury(errors.New("locked"))
				}
				return nil
			})})
			cfg.InstanceID = bridge.Dynamic
			held := make(chan bridge.Held, 2)
			cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h }}
			committed := func(want int64) {
				t.Helper()
				eventually(t, fmt.Sprintf("%d is committed", want), func() bool { return broker.Committed("billing", "orders")[0].Offset == want })
			}
			b := start(t, cfg)
			committed(test.before)
			late := broker.Committed("billing", "orders")[0]
			halting.Store(2)
			command(t, b.Bridge, seek(test.to))
			committed(test.after)
			b.mustStop(t)
			eventually(t, "the member leaves", func() bool { return broker.Members("billing") == 0 })

			commitWith(t, broker, "orders", 0, late.Offset, late.Metadata)
			b = start(t, cfg)
			committed(test.after)
			b.mustStop(t)
			select {
			case h := <-held:
				t.Errorf("held: %v", h.Err)
			default:
			}
		})
	}
}

// Every conflict is mended by the command that it names.
func TestASeekMendsAHeldPartition(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*testing.T, *bridgetest.Broker)
		to    int64
		runs  []string // besides those of before
	}{
		"set from outside, followed": {
			func(t *testing.T, b *bridgetest.Broker) { setOffset(t, b, "orders", 0, 3) }, 3,
			[]string{"orders/0@3", "orders/0@4", "orders/0@9", "orders/0@10"},
		},
		"set from outside, not followed": {
			func(t *testing.T, b *bridgetest.Broker) { setOffset(t, b, "orders", 0, 3) }, 10, []string{"orders/0@10", "orders/0@19"},
		},
		"lost records": {
			func(t *testing.T, b *bridgetest.Broker) { b.DeleteRecords(t, "orders", 0, 15) }, 15, []string{"orders/0@15", "orders/0@19"},
		},
		"a topic created anew": {
			func(t *testing.T, b *bridgetest.Broker) {
				b.DeleteTopic(t, "orders")
				b.CreateTopic(t, "orders", 1)
				produce(t, b, "orders", 5, 5, 1)
			}, 2, []string{"orders/0@2", "orders/0@4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
			produce(t, broker, "orders", 10, 10, 1)
			j := newJournal()
			cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
			cfg.InstanceID = bridge.Dynamic
			start(t, cfg).mustStopAt(t, broker)
			eventually(t, "the member leaves", func() bool { return broker.Members("billing") == 0 })
			produce(t, broker, "orders", 10, 10, 1)
			test.spoil(t, broker)
			held := make(chan bridge.Held, 2)
			cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h }}
			b := start(t, cfg)
			if h := <-held; !strings.Contains(h.Err.Error(), "holdfast seek --offset") {
				t.Errorf("held without a remedy: %v", h.Err)
			}
			if n, _ := j.counts(); n != 10 {
				t.Errorf("%d jobs ran, 10 of them before", n)
			}
			before := map[string]int{}
			for _, job := range test.runs {
				before[job] = j.ran(job)
			}
			command(t, b.Bridge, seek(test.to))
			broker.WaitCommitted(t, "billing", "orders")
			for _, job := range test.runs {
				if got := j.ran(job) - before[job]; got != 1 {
					t.Errorf("%s ran %d times since", job, got)
				}
			}
			b.mustStop(t)
			start(t, cfg)
			broker.WaitCommitted(t, "billing", "orders")
			select {
			case h := <-held:
				t.Errorf("held again: %v", h.Err)
			default:
			}
		})
	}
}
