package bridgetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// orders is a configuration of one topic with a handler.
func orders(handle func(context.Context, *bridge.Job) error) bridge.Config {
	return bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(handle)}}}
}

// order is a record of a customer's.
func order(customer, value string) bridgetest.Record {
	return bridgetest.Record{Key: []byte(customer), Value: []byte(value)}
}

var errBusy = errors.New("the bank is busy")

func TestEnvRunsWhatIsProduced(t *testing.T) {
	t.Parallel()
	env := bridgetest.Start(t, orders(func(context.Context, *bridge.Job) error { return nil }), bridgetest.Topic("orders", 3))
	env.Produce("orders", order("anna", "7"), order("ben", "8"), bridgetest.Record{Partition: 2})
	env.Await("done", 3)
	env.AwaitCommitted("orders")
	if got := env.Committed("orders", 0); got != 2 {
		t.Errorf("committed %d", got)
	}
	if got := env.Frontier("orders", 2); got != 1 {
		t.Errorf("frontier %d", got)
	}
	if got := env.Frontier("payments", 0); got != -1 {
		t.Errorf("frontier of a partition that is not there: %d", got)
	}
}

func TestRetriesWaitForTheClock(t *testing.T) {
	t.Parallel()
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		if job.Attempt < 3 {
			return errBusy
		}
		return nil
	})
	cfg.Topics[0].Retry = bridge.Backoff{First: time.Hour, Factor: 2, Max: 24 * time.Hour, Jitter: -1}
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"))
	for i, wait := range []time.Duration{time.Hour, 2 * time.Hour} {
		env.Await("retry", i+1)
		env.Advance(wait - time.Nanosecond)
		if job := env.AwaitState("orders", 0, 0, inspect.Retrying); job.Attempts != i+1 {
			t.Errorf("%+v", job)
		}
		env.Advance(time.Nanosecond)
	}
	env.Await("done", 1)
}

func TestRestartKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	env := bridgetest.Start(t, orders(func(_ context.Context, job *bridge.Job) error {
		if job.Attempt == 1 {
			return bridge.RetryAfter(time.Hour, errBusy)
		}
		return nil
	}))
	env.Produce("orders", order("anna", "7"))
	env.Await("retry", 1)
	env.Stop()
	env.Restart()
	env.AwaitState("orders", 0, 0, inspect.Retrying)
	env.Advance(time.Hour)
	env.Await("done", 1)
}

func TestCrashLosesWhatIsNotFlushed(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	cfg := orders(func(context.Context, *bridge.Job) error { runs.Add(1); return nil })
	cfg.Flush, cfg.CommitEvery = time.Hour, time.Hour // nothing is durable unless somebody waits for it
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"))
	for runs.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	env.Crash()
	for runs.Load() < 2 { // once more
		time.Sleep(time.Millisecond)
	}
	env.Restart() // a planned stop flushes and commits
	env.AwaitCommitted("orders")
	env.Await("done", 1)
}

func TestCrashKeepsWhatIsDurable(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	block := make(chan struct{})
	defer close(block)
	env := bridgetest.Start(t, orders(func(ctx context.Context, job *bridge.Job) error {
		runs.Add(1)
		if string(job.Key) == "slow" {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-block:
			}
		}
		return nil
	}))
	env.Produce("orders", order("slow", "0")) // holds the offset
	for i := range 100 {
		env.Produce("orders", order(fmt.Sprint(i), "1"))
	}
	env.Await("done", 100)
	for range 3 {
		env.Crash()
	}
	env.AwaitState("orders", 0, 0, inspect.Running)
	if got := len(env.Await("done", 100)); got != 100 {
		t.Errorf("%d completions", got)
	}
	if got := runs.Load(); got > 104 {
		t.Errorf("%d runs of 101 jobs, one of which was interrupted 3 times", got)
	}
	if got := env.Committed("orders", 0); got > 0 {
		t.Errorf("committed %d", got)
	}
}

func TestRebalanceTakesPartitionsAwayAndBack(t *testing.T) {
	t.Parallel()
	var revoked, assigned atomic.Int32
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		if job.Attempt < 3 {
			return bridge.RetryAfter(time.Hour, errBusy)
		}
		return nil
	})
	cfg.Hooks = &bridge.Hooks{
		Revoked:  func(bridge.Revoked) { revoked.Add(1) },
		Assigned: func(bridge.Assigned) { assigned.Add(1) },
	}
	env := bridgetest.Start(t, cfg, bridgetest.Topic("orders", 2))
	env.Produce("orders", order("anna", "7"))
	env.Await("retry", 1)
	env.Rebalance()
	if revoked.Load() != 2 || assigned.Load() != 4 {
		t.Errorf("%d revoked, %d assigned", revoked.Load(), assigned.Load())
	}
	env.Advance(time.Hour)
	env.Await("retry", 2)
	if job := env.AwaitState("orders", 0, 0, inspect.Retrying); job.Attempts != 2 {
		t.Errorf("after the rebalance: %+v", job)
	}
	env.Advance(time.Hour)
	env.Await("done", 1)
}
