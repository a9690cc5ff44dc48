package bridge

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Bridge moves records from Kafka through the store to handlers. Make it with
// [New], run it once with [Bridge.Run].
type Bridge struct {
	cfg    Config // as it was at the start
	routes *routes
	pool   *pool
	hooks  *hooks
	vitals *vitals

	// routing is held while settings change, and while a partition gets its route.
	routing    sync.Mutex
	declared   Config              // guarded by routing: cfg with what Apply has changed
	settings   []inspect.Setting   // guarded by routing: what operators have set
	live       Config              // guarded by routing: declared with settings in place
	active     atomic.Pointer[run] // nil unless Run has a store open
	stopWithin atomic.Int64        // nanoseconds

	started   atomic.Bool
	inspector atomic.Pointer[inspect.Inspector] // nil unless Run has a store open
	ready     chan struct{}                     // closed by Run
	aborted   context.Context                   // ended by Abort
	abort     context.CancelFunc
}

// New validates cfg and opens nothing.
func New(cfg Config) (*Bridge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	routes, err := newRoutes(cfg)
	if err != nil {
		return nil, err
	}
	b := &Bridge{
		cfg:    cfg,
		routes: routes,
		pool:   newPool(cfg.Workers),
		hooks:  &hooks{to: cfg.Hooks, log: cfg.Logger},
		vitals: newVitals(),
		ready:  make(chan struct{}),
	}
	b.declared = cfg
	b.declared.Topics = slices.Clone(cfg.Topics)
	b.live = b.declared
	b.stopWithin.Store(int64(cfg.StopWithin))
	b.aborted, b.abort = context.WithCancel(context.Background())
	return b, nil
}

// Run works until ctx ends, which is a planned stop and returns nil, or until
// it cannot go on. A planned stop lets running jobs finish within
// [Config.StopWithin], then cancels their contexts with the cause
// [ErrStopping], records every outcome, commits, and leaves the group only as
// a dynamic member or with [Config.LeaveOnStop].
//
// A handler that does not return even when its context was cancelled is left
// behind after some seconds; its job is named in the log and runs again at the
// next start.
func (b *Bridge) Run(ctx context.Context) error {
	if !b.started.CompareAndSwap(false, true) {
		return errors.New("bridge: Run was called twice; make a new Bridge")
	}
	defer b.vitals.enter(inspect.StateEnded)
	cluster, opened, err := b.open(ctx)
	if err != nil {
		if ctx.Err() != nil && (errors.Is(err, context.Cause(ctx)) || errors.Is(err, ctx.Err()) || errors.Is(err, ErrKafkaUnreachable)) {
			return nil // stopped before it began
		}
		return err
	}
	r := newRun(b, cluster, opened)
	if err := r.beginLife(); err != nil {
		return errors.Join(translate(err), cluster.Close(), opened.Abandon())
	}
	r.begin()
	r.recall()
	r.inspects()
	err = r.until(ctx)
	b.inspector.Store(nil)
	b.active.Store(nil)
	return errors.Join(err, r.close())
}

// Ready is closed once Kafka has answered and the store is open: from then on
// partitions are worked on as the group assigns them.
func (b *Bridge) Ready() <-chan struct{} { return b.ready }

// SetWorkers changes how many jobs run at a time, up to [inspect.MaxWorkers].
// Running jobs are not touched; with 0 none starts.
func (b *Bridge) SetWorkers(n int) { b.pool.resize(min(n, inspect.MaxWorkers)) }

// Abort shortens a planned stop, also one that comes later: the contexts of
// running jobs are cancelled at once, and the last commit is given up where
// Kafka does not take it at once. It is what a second signal does.
func (b *Bridge) Abort() { b.abort() }
