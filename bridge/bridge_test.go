package bridge_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

func TestRecordsBecomeJobsInOrderPerKey(t *testing.T) {
	t.Parallel()
	const records = 5000
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	produce(t, broker, "orders", records, 101, 4)
	j := newJournal()
	var durable atomic.Int64
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
	cfg.Hooks = &bridge.Hooks{Durable: func(c []bridge.Completion) { durable.Add(int64(len(c))) }}
	b := start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	j.check(t, records)
	if _, total := j.counts(); total != records {
		t.Errorf("%d runs of %d records", total, records)
	}
	if durable.Load() != records {
		t.Errorf("%d completions told durable, want %d", durable.Load(), records)
	}
}

func TestRestartRunsNothingAgain(t *testing.T) {
	t.Parallel()
	const records = 300
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	produce(t, broker, "orders", records, 30, 2)
	j := newJournal()
	release := make(chan struct{})
	var stuck atomic.Bool
	stuck.Store(true)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(func(ctx context.Context, job *bridge.Job) error {
		if job.Offset == 0 && stuck.Load() { // the head of each partition keeps the offset back
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-release:
			}
		}
		return nil
	})})
	cfg.StopWithin = time.Millisecond
	var done atomic.Int64
	cfg.Hooks = &bridge.Hooks{Durable: func(c []bridge.Completion) { done.Add(int64(len(c))) }}
	first := start(t, cfg)
	// All but the two stuck keys' records are done.
	eventually(t, "all others done", func() bool { return done.Load() == records-2*records/30 })
	first.mustStop(t)
	for p, c := range broker.Committed("billing", "orders") {
		if c.Offset != 0 {
			t.Errorf("partition %d committed at %d, before its first job was done", p, c.Offset)
		}
	}
	stuck.Store(false)
	start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	j.check(t, records)
	if _, total := j.counts(); total != records+2 {
		t.Errorf("%d runs, want one each but for the two that were interrupted", total)
	}
}

func TestFailingKeyHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const records, keys = 400, 40
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", records, keys, 1)
	j := newJournal()
	var healed atomic.Bool
	cfg := config(t, broker, bridge.Topic{
		Name:  "orders",
		Retry: bridge.Backoff{First: 5 * time.Millisecond, Max: 20 * time.Millisecond},
		Handler: j.handler(func(_ context.Context, job *bridge.Job) error {
			if job.Lane == "k0" && !healed.Load() {
				return errors.New("account locked")
			}
			return nil
		}),
	})
	b := start(t, cfg)
	eventually(t, "all other keys done", func() bool {
		distinct, _ := j.counts()
		return distinct == records-records/keys+1 && j.ran("orders/0@0") > 3
	})
	if c := broker.Committed("billing", "orders")[0]; c.Offset != 0 {
		t.Errorf("committed %d while offset 0 was failing", c.Offset)
	}
	healed.Store(true)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	j.check(t, records)
}

func TestAttemptsAndErrorsSurviveARestart(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 1, 1, 1)
	type seen struct {
		attempt int
		last    string
	}
	runs := make(chan seen, 10)
	cfg := config(t, broker, bridge.Topic{
		Name:  "orders",
		Retry: bridge.Backoff{First: time.Millisecond, Max: time.Millisecond},
		Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			runs <- seen{job.Attempt, job.LastError}
			switch job.Attempt {
			case 1:
				panic("boom")
			case 2:
				time.Sleep(time.Millisecond)
				return errors.New("second")
			}
			return nil
		}),
	})
	var failed atomic.Int64
	cfg.Hooks = &bridge.Hooks{Durable: func(c []bridge.Completion) { failed.Store(int64(c[len(c)-1].Attempts)) }}
	cfg.Topics[0].Retry = delays{time.Millisecond, 200 * time.Millisecond}
	first := start(t, cfg)
	eventually(t, "two failures on disk", func() bool { return failed.Load() == 2 })
	first.mustStop(t)
	start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	if r := <-runs; r.attempt != 1 || r.last != "" {
		t.Errorf("first run %+v", r)
	}
	if r := <-runs; r.attempt != 2 || !strings.HasPrefix(r.last, "panic: boom\n") {
		t.Errorf("second run %+v, want the panic and its stack as the last error", r)
	}
	if r := <-runs; r.attempt != 3 || r.last != "second" {
		t.Errorf("third run %+v", r)
	}
}

// delays is a policy with a delay per attempt.
type delays []time.Duration

func (d delays) Next(attempt int, _ error) bridge.Decision {
	return bridge.Decision{Delay: d[min(attempt, len(d))-1]}
}

func TestTopicsHaveTheirOwnHandlerAndLimit(t *testing.T) {
	t.Parallel()
	const records = 200
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2), bridgetest.Topic("audit.eu", 2))
	produce(t, broker, "orders", records, records, 2)
	produce(t, broker, "audit.eu", records, records, 2)
	var busy, most atomic.Int64
	orders, audits := newJournal(), newJournal()
	cfg := config(t, broker,
		bridge.Topic{Name: "orders", Concurrency: 2, Handler: orders.handler(func(context.Context, *bridge.Job) error {
			if now := busy.Add(1); now > most.Load() {
				most.Store(now)
			}
			time.Sleep(time.Millisecond)
			busy.Add(-1)
			return nil
		})},
		bridge.Topic{Match: `audit\..*`, Handler: audits.handler(nil)},
	)
	b := start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	broker.WaitCommitted(t, "billing", "audit.eu")
	b.mustStop(t)
	orders.check(t, records)
	audits.check(t, records)
	if most.Load() != 2 {
		t.Errorf("%d jobs of orders ran at a time, want 2", most.Load())
	}
}

func TestSetWorkersWhileRunning(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 64, 64, 1)
	var busy atomic.Int64
	release := make(chan struct{})
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error {
		busy.Add(1)
		defer busy.Add(-1)
		<-release
		return nil
	})})
	cfg.Workers = 2
	b := start(t, cfg)
	eventually(t, "2 at a time", func() bool { return busy.Load() == 2 })
	b.SetWorkers(10)
	eventually(t, "10 at a time", func() bool { return busy.Load() == 10 })
	b.SetWorkers(3)
	for range 10 { // all that run; three of their workers go on
		release <- struct{}{}
	}
	eventually(t, "3 at a time", func() bool { return busy.Load() == 3 })
	close(release)
	broker.WaitCommitted(t, "billing", "orders")
}

func TestMiddlewareAndPartitioner(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	broker.Produce(t, "orders",
		bridgetest.Record{Value: []byte("{}"), Headers: []bridgetest.Header{{Key: "tenant", Value: []byte("acme")}, {Key: "null"}}},
		bridgetest.Record{Value: []byte("{}")},
	)
	lanes := make(chan string, 2)
	cfg := config(t, broker, bridge.Topic{
		Name:        "orders",
		Partitioner: partitioner.Scheme{Sources: []partitioner.Source{partitioner.HeaderValue("tenant")}},
		Handler:     bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error { return nil }),
	})
	cfg.Use = []bridge.Middleware{func(next bridge.Handler) bridge.Handler {
		return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			if job.Offset == 0 {
				want := []bridge.Header{{Key: "tenant", Value: []byte("acme")}, {Key: "null"}}
				if diff := cmp.Diff(want, job.Headers); diff != "" {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
				if want := broker.TopicID("orders") + "/0@0"; job.ID() != want {
					t.Errorf("ID %s, want %s", job.ID(), want)
				}
				if job.Timestamp.IsZero() || job.Key != nil {
					t.Errorf("timestamp %v, key %v", job.Timestamp, job.Key)
				}
				lanes <- job.Lane
			}
			return next.Handle(ctx, job)
		})
	}}
	start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	if lane := <-lanes; lane != "acme" {
		t.Errorf("lane %q", lane)
	}
}
