package bridge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// logbook keeps the lines that are logged.
type logbook struct {
	to    io.Writer
	mu    sync.Mutex
	lines []string // guarded by mu
}

// Write takes one line: a text handler writes each at once.
func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	l.lines = append(l.lines, string(line))
	l.mu.Unlock()
	return l.to.Write(line)
}

// count returns how many lines hold all the words.
func (l *logbook) count(words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}

// stuck is a bridge whose handler gives up the value "bad" until it is mended.
// Offset 1 is bad; 3 and 5 are of its key; 0, 2 and 4 of others.
type stuck struct {
	*running
	*journal
	broker *bridgetest.Broker
	cfg    bridge.Config
	log    *logbook
	mended atomic.Bool
	mu     sync.Mutex
	told   []bridge.Completion // guarded by mu
}

func startStuck(t *testing.T) *stuck {
	t.Helper()
	s := &stuck{journal: newJournal(), broker: bridgetest.StartBroker(t, bridgetest.Topic("orders", 1)), log: &logbook{to: t.Output()}}
	keys, values := []string{"a", "cust", "b", "cust", "c", "cust"}, []string{"", "bad", "", "", "", ""}
	for i := range keys {
		s.broker.Produce(t, "orders", bridgetest.Record{Key: []byte(keys[i]), Value: []byte(values[i])})
	}
	s.cfg = config(t, s.broker, bridge.Topic{Name: "orders", Handler: s.handler(func(_ context.Context, job *bridge.Job) error {
		if string(job.Value) == "bad" && !s.mended.Load() {
			return bridge.Bury(errors.New("not a number"))
		}
		return nil
	})})
	s.cfg.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	s.cfg.Hooks = &bridge.Hooks{Durable: func(list []bridge.Completion) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, list...)
	}}
	s.running = start(t, s.cfg)
	s.waitHalted(t, 1)
	s.waitCommitted(t, 1)
	return s
}

func (s *stuck) restart(t *testing.T) {
	t.Helper()
	s.mustStop(t)
	s.running = start(t, s.cfg)
	s.waitFor(t, inspect.Query{Topic: "orders"}, func(jobs []inspect.Job) bool { return len(jobs) > 0 })
}

// waitFor waits until what the query lists is as wanted. Until the partition is
// taken there is nothing to list.
func (s *stuck) waitFor(t *testing.T, q inspect.Query, ok func([]inspect.Job) bool) (jobs []inspect.Job) {
	t.Helper()
	eventually(t, "the jobs are as wanted", func() bool {
		jobs = nil
		for job, err := range s.Inspector().Jobs(t.Context(), q) {
			if errors.Is(err, inspect.ErrNotHeld) || errors.Is(err, inspect.ErrNotRunning) {
				return false
			}
			if err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, job)
		}
		return ok(jobs)
	})
	return jobs
}

// waitHalted waits until the bad job is halted after so many attempts, with the
// others of its key behind it and no more to do.
func (s *stuck) waitHalted(t *testing.T, attempts int) {
	t.Helper()
	s.waitFor(t, inspect.Query{}, func(jobs []inspect.Job) bool {
		return len(jobs) == 3 && jobs[0].State == inspect.Halted && jobs[0].Attempts == attempts
	})
}

func (s *stuck) waitCommitted(t *testing.T, offset int64) {
	t.Helper()
	eventually(t, "the offset is committed", func() bool { return s.broker.Committed("billing", "orders")[0].Offset == offset })
}

func bad(verb inspect.Verb) inspect.Command {
	return inspect.Command{Verb: verb, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1}}}
}

func plan(t *testing.T, i inspect.Inspector, c inspect.Command) inspect.Plan {
	t.Helper()
	p, err := i.Plan(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func execute(t *testing.T, i inspect.Inspector, p inspect.Plan) inspect.Operation {
	t.Helper()
	op, err := i.Execute(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func (s *stuck) wantRuns(t *testing.T, runs int) {
	t.Helper()
	if n := s.ran("orders/0@1"); n != runs {
		t.Errorf("the bad job ran %d times, want %d", n, runs)
	}
}

func (s *stuck) wantTold(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, "the hook is told of the bad job: "+strings.Join(want, ", "), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		var got []string
		for _, c := range s.told {
			if c.Offset == 1 {
				got = append(got, c.Outcome)
			}
		}
		return slices.Equal(got, want)
	})
}
