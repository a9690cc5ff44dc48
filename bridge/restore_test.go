package bridge_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// damaged leaves a store with three unfinished jobs, of which the second one's
// body is damaged, and returns the configuration to go on with.
func damaged(t *testing.T, broker *bridgetest.Broker, handler bridge.Handler) bridge.Config {
	t.Helper()
	for _, value := range []string{"value-of-0", "value-of-1", "value-of-2"} {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte(value[9:]), Value: []byte(value)})
	}
	var started atomic.Int64
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(ctx context.Context, _ *bridge.Job) error {
		started.Add(1)
		<-ctx.Done()
		return ctx.Err()
	})})
	cfg.StopWithin = -1
	first := start(t, cfg)
	eventually(t, "all run", func() bool { return started.Load() == 3 })
	first.mustStop(t)

	path := filepath.Join(cfg.DataDir, "holdfast.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	hit := bytes.ReplaceAll(file, []byte("value-of-1"), []byte("VALUE-of-1"))
	if bytes.Equal(hit, file) {
		t.Fatal("the body is not in the file")
	}
	if err := os.WriteFile(path, hit, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Topics[0].Handler = handler
	return cfg
}

// values collects what handlers were given.
type values struct {
	mu  sync.Mutex
	got map[string]string // by job
}

func (v *values) handler() bridge.Handler {
	return bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.got[job.String()] = job.Lane + " " + string(job.Value)
		return nil
	})
}

func (v *values) check(t *testing.T, want map[string]string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if diff := cmp.Diff(want, v.got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestDamagedRecordIsFetchedAgain(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	v := &values{got: map[string]string{}}
	b := start(t, damaged(t, broker, v.handler()))
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	v.check(t, map[string]string{"orders/0@0": "0 value-of-0", "orders/0@1": "1 value-of-1", "orders/0@2": "2 value-of-2"})
}

func TestDamagedRecordThatKafkaDroppedHoldsItsLane(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	v := &values{got: map[string]string{}}
	cfg := damaged(t, broker, v.handler())
	broker.DeleteRecords(t, "orders", 0, 2)
	halted := make(chan bridge.Completion, 4)
	cfg.Hooks = &bridge.Hooks{Durable: func(list []bridge.Completion) {
		for _, c := range list {
			if c.Outcome == "halt" {
				halted <- c
			}
		}
	}}
	b := start(t, cfg)
	if c := <-halted; c.Offset != 1 {
		t.Errorf("halted %+v", c)
	}
	eventually(t, "the head is done", func() bool { return broker.Committed("billing", "orders")[0].Offset == 1 })
	b.mustStop(t)
	v.check(t, map[string]string{"orders/0@0": "0 value-of-0", "orders/0@2": "2 value-of-2"})
}

// TestStopWhileADamagedRecordIsFetched counts no attempt, as for any job that a
// stop interrupts.
func TestStopWhileADamagedRecordIsFetched(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	fetched, attempts := make(chan bool, 16), make(chan int, 1)
	broker.Control(bridgetest.Fetch, func(r kmsg.Request) (kmsg.Response, error, bool) {
		if r.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset == 1 {
			fetched <- true
		}
		return nil, nil, false
	})
	var release func()
	cfg := damaged(t, broker, bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		switch job.Offset {
		case 0:
			release = broker.Hold(t, bridgetest.Fetch)
		case 1:
			attempts <- job.Attempt
		}
		return nil
	}))
	cfg.Workers = 1
	b := start(t, cfg)
	<-fetched
	b.mustStop(t)
	release()
	b = start(t, cfg)
	if n := <-attempts; n != 1 {
		t.Errorf("attempt %d", n)
	}
	b.mustStop(t)
}
