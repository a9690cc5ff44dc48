package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// run is what one call of [Bridge.Run] works with.
type run struct {
	*Bridge
	cluster *kafka.Cluster
	opened  *recovery.Opened
	store   *queue.Store
	parts   *registry
	poison  poison
	guards  guards
	claims  claims
	copies  copies
	outages outages
	meters  meters
	logs    logBounds
	// drainage says whether records are fetched.
	drainage drainage
	log      *slog.Logger

	// jobs is the parent of all contexts of runs; endJobs gives the cause.
	jobs    context.Context
	endJobs context.CancelCauseFunc
	// stopping ends when no more jobs are to start and no records to be fetched.
	stopping context.Context
	stop     context.CancelFunc
	// asked is closed by an operator who wants the bridge to stop, and leaves is
	// set by one who wants it to leave the group then.
	asked   chan struct{}
	askOnce sync.Once
	leaves  atomic.Bool

	failOnce sync.Once
	failure  error         // why it cannot go on; read after failed is closed
	failed   chan struct{} // closed by fail
}

func newRun(b *Bridge, cluster *kafka.Cluster, opened *recovery.Opened) *run {
	r := &run{
		Bridge:  b,
		cluster: cluster,
		opened:  opened,
		store:   opened.Store,
		parts:   newRegistry(),
		log:     b.cfg.Logger,
		failed:  make(chan struct{}),
		asked:   make(chan struct{}),
	}
	r.leaves.Store(b.cfg.LeaveOnStop)
	r.jobs, r.endJobs = context.WithCancelCause(context.Background())
	r.stopping, r.stop = context.WithCancel(context.Background())
	return r
}

// until works until ctx ends or something fails, and then stops.
func (r *run) until(ctx context.Context) error {
	claims, endClaims := context.WithCancel(context.WithoutCancel(ctx))
	defer endClaims()
	var group errgroup.Group
	consumed := make(chan struct{})
	group.Go(func() error {
		defer close(consumed)
		sub := r.routes.subscription(r.cfg.Topics)
		if err := r.cluster.Consume(claims, sub, r); err != nil {
			r.fail(err)
		}
		return nil
	})
	keep, endKeeping := context.WithCancel(context.Background())
	group.Go(func() error { return r.renewLeases(keep) })
	group.Go(func() error { return r.pokeCommits(keep) })
	group.Go(func() error { return r.dropDeparted(keep) })
	group.Go(func() error { return r.executeStored(keep) })
	if r.routes.copiesDead() {
		group.Go(func() error { return r.sendDead(keep) })
	}
	group.Go(func() error { return r.watchRuns(keep) })
	group.Go(func() error { return r.tick(keep) })
	group.Go(func() error { return r.watchVitals(keep) })
	group.Go(func() error { return r.watchDrain(keep) })
	group.Go(func() error { return r.awaitCopy(keep) })
	r.pool.start(r.work)
	r.vitals.enter(inspect.StateRunning)
	close(r.ready)

	select {
	case <-ctx.Done():
	case <-r.asked:
	case <-r.failed:
	case <-r.store.Failed():
	}
	r.stopJobs()
	endClaims() // each partition is settled and given up
	<-consumed
	endKeeping()
	_ = group.Wait() // its functions report through fail
	return r.err()
}

// fail makes the bridge stop because of err; the first one counts.
func (r *run) fail(err error) {
	if err == nil || errors.Is(err, queue.ErrClosed) { // closed: a worker left behind came back
		return
	}
	r.failOnce.Do(func() {
		r.failure = translate(err)
		close(r.failed)
	})
}

func (r *run) err() error {
	select {
	case <-r.failed:
		return r.failure
	default:
		return nil
	}
}

// returnWithin is how long handlers have to return once their contexts ended.
const returnWithin = 5 * time.Second

// stopJobs lets running jobs finish in time, and cancels what is left: all of
// them at once when the store has failed, since no outcome can be kept.
func (r *run) stopJobs() {
	r.vitals.enter(inspect.StateStopping)
	r.poison.life.Stopping()
	r.stop()
	ended := r.pool.stop()
	patience := time.NewTimer(time.Duration(r.stopWithin.Load()))
	defer patience.Stop()
	select {
	case <-r.store.Failed():
	case <-ended:
	case <-patience.C:
	case <-r.aborted.Done():
	}
	if err := r.store.Err(); err != nil {
		r.fail(err)
		r.endJobs(ErrStoreFailed)
	}
	for _, job := range r.pool.running() {
		r.log.Warn("job interrupted by the stop; it runs again at the next start", "job", job)
	}
	r.endJobs(ErrStopping)
	r.awaitWorkers(ended)
}

// awaitWorkers waits for cancelled runs to return.
func (r *run) awaitWorkers(ended <-chan struct{}) {
	select {
	case <-ended:
	case <-time.After(returnWithin):
		for _, d := range r.pool.deferred() {
			d.takeBack()
		}
		for _, job := range r.pool.running() {
			if job.run.deferred.Load() != nil {
				r.log.Warn("deferred job was not finished in time; it runs again at the next start", "job", job)
				continue
			}
			r.log.Error("handler ignores the end of its context and is left behind", "job", job)
		}
	}
}

// close leaves the group if asked, and closes clients and store.
func (r *run) close() error {
	defer r.endJobs(ErrStopping)
	defer r.hooks.end()
	var problems []error
	if r.leaves.Load() && r.cfg.InstanceID != Dynamic {
		ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
		defer cancel()
		problems = append(problems, r.cluster.Leave(ctx))
	}
	problems = append(problems, r.cluster.Close(), r.closeStore())
	return errors.Join(problems...)
}

const leaveWithin = 10 * time.Second

// closeStore flushes what is left, so that a failure can still be noted where
// the next start finds it.
func (r *run) closeStore() error {
	failure := r.store.Sync(context.Background())
	if failure == nil {
		return translate(r.opened.Close())
	}
	r.hooks.storeError(failure)
	problems := []error{r.opened.NoteFailure(failure)}
	if r.err() == nil {
		problems = append(problems, translate(failure))
	}
	if err := r.opened.Close(); !errors.Is(err, queue.ErrStoreFailed) { // that has been said
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
