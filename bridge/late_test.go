package bridge_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// TestLateFinisherAfterARevocation: what ends when its partition is another
// member's changes nothing there, commits nothing, and is not run again when
// the partition comes back. That holds for handlers that ignore their context
// and for deferred jobs.
func TestLateFinisherAfterARevocation(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	for p := range int32(2) {
		broker.Produce(t, "orders",
			bridgetest.Record{Partition: p, Key: []byte("plain")}, bridgetest.Record{Partition: p, Key: []byte("deferred")})
	}
	var (
		mu       sync.Mutex
		runs     = map[string]int{} // by owner and job
		deferred []*bridge.Deferred
		release  = make(chan struct{})
		revoked  = make(chan int32, 4)
	)
	ran := func(owner string, partition int32, offset int64) int {
		mu.Lock()
		defer mu.Unlock()
		return runs[fmt.Sprintf("%s orders/%d@%d", owner, partition, offset)]
	}
	note := func(owner string, job *bridge.Job) {
		mu.Lock()
		defer mu.Unlock()
		runs[owner+" "+job.String()]++
	}
	member := func(handler bridge.HandlerFunc) bridge.Config {
		cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: handler})
		cfg.InstanceID, cfg.RebalanceTimeout, cfg.StopWithin = bridge.Dynamic, 6*time.Second, -1
		return cfg
	}
	first := member(func(_ context.Context, job *bridge.Job) error {
		note("first", job)
		if string(job.Key) == "plain" {
			<-release
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		deferred = append(deferred, job.Defer(0))
		return nil
	})
	first.Hooks = &bridge.Hooks{Revoked: func(e bridge.Revoked) { revoked <- e.Partition }}
	start(t, first)
	eventually(t, "all four run", func() bool { mu.Lock(); defer mu.Unlock(); return len(runs) == 4 && len(deferred) == 2 })

	second := start(t, member(func(ctx context.Context, job *bridge.Job) error {
		note("second", job)
		<-ctx.Done()
		return context.Cause(ctx)
	}))
	moved := <-revoked
	eventually(t, "the new owner runs them", func() bool { return ran("second", moved, 0) == 1 && ran("second", moved, 1) == 1 })

	close(release) // too late
	for _, d := range deferred {
		if !d.Finish(nil) {
			t.Error("a late Finish is not recorded")
		}
	}
	eventually(t, "the offset of what stayed moves", func() bool { return broker.Committed("billing", "orders")[1-moved].Offset == 2 })
	if c := broker.Committed("billing", "orders")[moved]; c.Offset != 0 {
		t.Errorf("late finishers committed %d", c.Offset)
	}
	second.mustStop(t) // the partition comes back
	broker.WaitCommitted(t, "billing", "orders")
	mu.Lock()
	defer mu.Unlock()
	for job, n := range runs {
		if n != 1 {
			t.Errorf("%s ran %d times", job, n)
		}
	}
	if len(runs) != 6 {
		t.Errorf("runs %v", runs)
	}
}

// TestStopWaitsForADeferredJob as it does for one that runs; one that is not
// finished in time runs again, and no attempt is lost.
func TestStopWaitsForADeferredJob(t *testing.T) {
	t.Parallel()
	for name, inTime := range map[string]bool{"finished in time": true, "not finished": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
			produce(t, broker, "orders", 1, 1, 1)
			type run struct {
				ctx     context.Context
				attempt int
				later   *bridge.Deferred
			}
			runs := make(chan run, 4)
			cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
				runs <- run{ctx, job.Attempt, job.Defer(time.Hour)}
				return nil
			})})
			cfg.StopWithin = 10 * time.Second
			if !inTime {
				cfg.StopWithin = -1
			}
			b := start(t, cfg)
			first := <-runs
			b.cancel()
			if inTime {
				first.later.Finish(nil)
				b.mustStop(t)
				broker.WaitCommitted(t, "billing", "orders")
				return
			}
			<-first.ctx.Done()
			b.mustStop(t)
			if first.later.Finish(nil) {
				t.Error("Finish counts after the end")
			}
			start(t, cfg)
			again := <-runs
			if again.attempt != 1 {
				t.Errorf("attempt %d after the stop", again.attempt)
			}
			again.later.Finish(nil)
			broker.WaitCommitted(t, "billing", "orders")
		})
	}
}
