package bridgetest

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Env is a bridge that runs on an embedded broker until its test ends. Jobs see
// a clock that stands still until Advance. Its methods are for the goroutine of
// the test; they fail it where something does not come about within 20 seconds.
type Env struct {
	Broker *Broker
	// Clock is the time of jobs; nil where the configuration brings its own.
	Clock *Clock

	tb   testing.TB
	cfg  bridge.Config
	root string // of the data directories
	dir  string // of the last life
	live int    // data directories so far

	seen *seen
	life *life
}

// life is the bridge from one start to its stop or crash.
type life struct {
	*bridge.Bridge
	cancel context.CancelFunc
	ended  chan error // receives what Run returned

	mu   sync.RWMutex
	dead bool // guarded by mu: crashed, so nothing that it does counts
}

// Start runs a bridge with cfg on an embedded broker of its own, and ends both
// with the test. Topics of cfg that are named exist, with one partition unless an
// option creates them with more. Zero fields of cfg get values that suit a test: the group is "test", the
// data directory a temporary one, commits come every 10 ms, and Clock stands
// still at the time of the call. Hooks of cfg are called as ever.
func Start(tb testing.TB, cfg bridge.Config, options ...Option) *Env {
	tb.Helper()
	for _, t := range cfg.Topics {
		if t.Name != "" {
			options = append(options, missing(t.Name))
		}
	}
	e := &Env{tb: tb, root: tb.TempDir(), Broker: StartBroker(tb, options...), seen: newSeen()}
	cfg.Brokers = e.Broker.Addrs()
	cfg.Group = cmp.Or(cfg.Group, "test")
	cfg.CommitEvery = cmp.Or(cfg.CommitEvery, 10*time.Millisecond)
	cfg.Flush = cmp.Or(cfg.Flush, min(cfg.CommitEvery, 5*time.Millisecond+time.Microsecond)) // no other wait is as long
	cfg.SessionTimeout = cmp.Or(cfg.SessionTimeout, 6*time.Second)
	cfg.RebalanceTimeout = cmp.Or(cfg.RebalanceTimeout, 10*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	if cfg.Clock == nil {
		e.Clock = &Clock{now: time.Now(), flush: cfg.Flush}
		cfg.Clock = e.Clock
	}
	e.cfg = cfg
	e.begin(cmp.Or(cfg.DataDir, e.nextDir()))
	tb.Cleanup(func() {
		if e.life != nil {
			e.life.Abort()
			e.end()
		}
	})
	return e
}

func (e *Env) nextDir() string {
	e.live++
	return filepath.Join(e.root, strconv.Itoa(e.live))
}

// begin starts a bridge on a data directory.
func (e *Env) begin(dir string) {
	e.tb.Helper()
	e.dir = dir
	l := &life{ended: make(chan error, 1)}
	cfg := e.cfg
	cfg.DataDir = dir
	cfg.Hooks = e.seen.hooks(l, e.cfg.Hooks)
	cfg.Use = append([]bridge.Middleware{l.gate}, e.cfg.Use...)
	cfg.Topics = slices.Clone(e.cfg.Topics)
	for i := range cfg.Topics {
		if b := cfg.Topics[i].Batch; b != nil && b.Handler != nil {
			gated := *b
			gated.Handler = l.gateBatch(b.Handler)
			cfg.Topics[i].Batch = &gated
		}
	}
	b, err := bridge.New(cfg)
	if err != nil {
		e.tb.Fatal(err)
	}
	l.Bridge = b
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	go func() { l.ended <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-l.ended:
		l.cancel()
		e.tb.Fatalf("the bridge does not start: %v", err)
	}
	e.life = l
}

// end stops the bridge and waits.
func (e *Env) end() {
	e.tb.Helper()
	l := e.life
	e.life = nil
	l.cancel()
	if err := <-l.ended; err != nil && !l.crashed() {
		e.tb.Errorf("the bridge ended with %v", err)
	}
}

// gate lets no handler of a crashed life be called.
func (l *life) gate(next bridge.Handler) bridge.Handler {
	return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		if l.crashed() {
			<-ctx.Done() // an interrupted run leaves no outcome
			return context.Cause(ctx)
		}
		return next.Handle(ctx, job)
	})
}

func (l *life) gateBatch(next bridge.BatchHandler) bridge.BatchHandler {
	return bridge.BatchHandlerFunc(func(ctx context.Context, jobs []*bridge.Job) []error {
		if l.crashed() {
			<-ctx.Done()
			return bridge.FailAll(jobs, 0, context.Cause(ctx))
		}
		return next.HandleBatch(ctx, jobs)
	})
}

func (l *life) crashed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dead
}

// Bridge returns the bridge of the current life: Restart and Crash begin another.
func (e *Env) Bridge() *bridge.Bridge { return e.running().Bridge }

// DataDir returns the data directory. After a crash it is another.
func (e *Env) DataDir() string { return e.dir }

func (e *Env) running() *life {
	e.tb.Helper()
	if e.life == nil {
		e.tb.Fatal("the bridge is stopped; call Restart")
	}
	return e.life
}

// Stop is a planned stop: running jobs may finish, and everything is committed.
func (e *Env) Stop() {
	e.tb.Helper()
	e.running()
	e.end()
}

// Restart stops the bridge as planned, if it runs, and starts it anew on what
// it had stored.
func (e *Env) Restart() {
	e.tb.Helper()
	if e.life != nil {
		e.end()
	}
	e.begin(e.dir)
}

// Advance moves the time of jobs on: what becomes due starts.
func (e *Env) Advance(d time.Duration) {
	e.tb.Helper()
	if e.Clock == nil {
		e.tb.Fatal("the configuration brings its own clock; advance that")
	}
	e.Clock.Advance(d)
}

// Produce writes records to a topic, in order, and returns their offsets. The
// time of records that have none is that of Clock.
func (e *Env) Produce(topic string, records ...Record) []int64 {
	e.tb.Helper()
	timed := make([]Record, len(records))
	for i, r := range records {
		if r.Time.IsZero() && e.Clock != nil {
			r.Time = e.Clock.Now()
		}
		timed[i] = r
	}
	return e.Broker.Produce(e.tb, topic, timed...)
}
