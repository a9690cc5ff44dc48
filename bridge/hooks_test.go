package bridge_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// program notes what hooks are told, and panics each time.
type program struct {
	mu   sync.Mutex
	told []string // guarded by mu
}

func (p *program) tell(what string) {
	p.mu.Lock()
	p.told = append(p.told, what)
	p.mu.Unlock()
	panic(what)
}

func (p *program) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.told)
}

// TestHooksComeInTheirOrder: a job fails once, another is given up. Every hook
// panics, and the bridge works on.
func TestHooksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	var p program
	log := &logbook{to: t.Output()}
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", OnFailure: bridge.BuryJob, Retry: bridge.Backoff{First: time.Second, Jitter: -1},
		Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			switch {
			case string(job.Value) == "bad":
				return bridge.Bury(errors.New("not a number"))
			case job.Attempt == 1:
				return errors.New("not yet")
			}
			return nil
		}),
	})
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	cfg.Hooks = &bridge.Hooks{
		Assigned:       func(bridge.Assigned) { p.tell("assigned") },
		Revoked:        func(bridge.Revoked) { p.tell("revoked") },
		EndOfPartition: func(e bridge.EndOfPartition) { p.tell("end") },
		Drained:        func(e bridge.Drained) { p.tell("drained") },
		Stored:         func(bridge.Stored) { p.tell("stored") },
		Started:        func(*bridge.Job) { p.tell("started") },
		Finished:       func(_ *bridge.Job, r bridge.Result) { p.tell("finished " + r.Outcome) },
		Retried:        func(bridge.Retried) { p.tell("retried") },
		Buried:         func(bridge.Buried) { p.tell("buried") },
		Committed:      func(bridge.Committed) { p.tell("committed") },
		Tick:           func(bridge.Tick) { p.tell("tick") },
		Durable: func(list []bridge.Completion) {
			if len(list) != 1 {
				t.Errorf("one job runs at a time, and %v became durable together", list)
			}
			p.tell("durable " + list[0].Outcome)
		},
	}
	b := start(t, cfg)
	eventually(t, "an empty partition is drained", func() bool { return slices.Contains(p.seen(), "drained") })
	for n, value := range []string{"good", "bad"} {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: []byte(value)})
		eventually(t, "it is drained again", func() bool { return count(p.seen(), "drained") == n+2 })
	}
	eventually(t, "a second passes", func() bool { return slices.Contains(p.seen(), "tick") })
	b.mustStop(t)

	told := slices.DeleteFunc(p.seen(), func(s string) bool { return s == "tick" || s == "end" || s == "stored" })
	want := []string{
		"assigned", "committed", "drained",
		"started", "finished retry", "retried", "durable retry", "started", "finished done", "durable done", "committed", "drained",
		"started", "finished bury", "buried", "durable bury", "committed", "drained",
		"revoked",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %v\nwant %v", told, want)
	}
	all := p.seen()
	if n := count(all, "stored"); n != 2 || slices.Index(all, "stored") > slices.Index(all, "durable retry") {
		t.Errorf("told %d times of stored records, in %v", n, all)
	}
	if n := count(all, "end"); n < 2 || n > 3 { // without a record Kafka does not say at once where the end is
		t.Errorf("told %d times of the end of the partition, in %v", n, all)
	}
	if n := log.count("hook panicked"); n != len(all) {
		t.Errorf("%d panics in the log, want %d", n, len(all))
	}
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

// TestResultTellsHowLongAJobWaited also for one that waits for its next run.
func TestResultTellsHowLongAJobWaited(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 2, 1, 1)
	results := make(chan bridge.Result, 4)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		if job.Offset == 0 && job.Attempt == 1 {
			time.Sleep(20 * time.Millisecond)
			return bridge.RetryAfter(time.Second, errors.New("not yet"))
		}
		return nil
	})})
	cfg.Hooks = &bridge.Hooks{Finished: func(_ *bridge.Job, r bridge.Result) { results <- r }}
	start(t, cfg)
	first, second, behind := <-results, <-results, <-results
	if first.Took < 20*time.Millisecond || first.Delay != time.Second {
		t.Errorf("the first run: %+v", first)
	}
	if second.Waited >= time.Second {
		t.Errorf("the second run had been due for %v", second.Waited)
	}
	if behind.Waited < time.Second {
		t.Errorf("the job behind it waited for %v only", behind.Waited)
	}
}
