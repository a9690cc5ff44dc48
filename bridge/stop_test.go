package bridge_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

func TestStopCancelsWhatDoesNotEndInTime(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 2, 2, 1)
	started := make(chan int, 4)
	causes := make(chan error, 1)
	quick := make(chan struct{})
	var again atomic.Bool
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		started <- job.Attempt
		switch {
		case again.Load():
		case job.Offset == 0:
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		default:
			<-quick // ends within the budget
		}
		return nil
	})})
	cfg.StopWithin = 100 * time.Millisecond
	b := start(t, cfg)
	<-started
	<-started
	b.cancel()
	close(quick)
	b.mustStop(t)
	if cause := <-causes; !errors.Is(cause, bridge.ErrStopping) {
		t.Errorf("cause %v, want ErrStopping", cause)
	}
	again.Store(true)
	start(t, cfg)
	if attempt := <-started; attempt != 1 {
		t.Errorf("attempt %d after the interruption, want 1 again", attempt)
	}
	broker.WaitCommitted(t, "billing", "orders")
	if n := len(started); n != 0 {
		t.Errorf("%d more runs than the interrupted one", n)
	}
}

func TestAbortCutsTheStopShort(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 1, 1, 1)
	started := make(chan struct{}, 1)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(ctx context.Context, _ *bridge.Job) error {
		started <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	})})
	cfg.StopWithin = time.Hour
	b := start(t, cfg)
	<-started
	b.cancel()
	b.Abort()
	b.mustStop(t)
}

func TestStopBeforeTheStart(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	b, err := bridge.New(config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

func TestRunsOnce(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	b := start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)}))
	<-b.Ready()
	if err := b.Run(t.Context()); err == nil {
		t.Error("a second Run was accepted")
	}
}

func TestStopWithoutKafkaIsBounded(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	j := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
	cfg.RebalanceTimeout, cfg.CommitEvery = 5*time.Minute, time.Hour
	b := start(t, cfg)
	eventually(t, "all ran", func() bool { n, _ := j.counts(); return n == 10 })
	broker.Stop(t)
	b.Abort()
	b.mustStop(t) // fails where it takes longer than the tests' patience
	broker.Start(t)
}

func TestHandlerThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 1, 1, 1)
	started, release, returned := make(chan struct{}), make(chan struct{}), make(chan struct{})
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error {
		close(started)
		<-release
		defer close(returned)
		return nil
	})})
	cfg.StopWithin = -1
	b := start(t, cfg)
	<-started
	b.mustStop(t)
	close(release)
	<-returned
	if c := broker.Committed("billing", "orders")[0]; c.Offset != 0 {
		t.Errorf("committed %d without the outcome", c.Offset)
	}
}
