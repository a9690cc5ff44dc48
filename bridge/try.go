package bridge

import (
	"context"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Trial is what a run by [Try] led to.
type Trial struct {
	// Job is the job as its handler was given it.
	Job *Job
	// Matched is the [Topic] of the configuration that applied: its Name, or ~
	// and its Match.
	Matched string
	// OwnLane tells that the record has a lane of its own, in which nothing
	// waits for it.
	OwnLane bool
	// PartitionerErr is why the record has a lane of its own though its
	// partitioner should have given it another; nil: it did not fail.
	PartitionerErr error
	// Result is what would be recorded. Release is the outcome of a run that
	// was interrupted: no attempt is lost.
	Result
}

// Try runs one job as a bridge with this configuration would: the topic's
// route, lane, middleware, handler and retry policy apply. Nothing is recorded
// or produced: the Result has what would have been,
// and Kafka and the store are not touched: of cfg only Topics, Use and Clock
// are looked at.
//
// Of job the caller gives the Record, and Attempt and LastError where the first
// attempt is not meant; the lane is filled in. Without a broker the topic has no
// id, so that its name stands in for it in [Job.ID].
//
// An error says that the job could not be run: a [*ConfigError], or
// [ErrRefused] for a topic that a bridge would not work on. How the run ended
// is in the Trial. When ctx ends, the handler's context ends with the cause
// [ErrStopping]; Try returns once the handler has.
func Try(ctx context.Context, cfg Config, job Job) (Trial, error) {
	if err := cfg.validateWork(); err != nil {
		return Trial{}, err
	}
	cfg = cfg.withDefaults()
	routes, err := newRoutes(cfg)
	if err != nil {
		return Trial{}, err
	}
	to, err := routes.find(job.Topic)
	if err != nil {
		return Trial{}, err
	}
	taken := queue.Job{
		Record:    storedRecord(job.Record),
		Topic:     job.Topic,
		Partition: job.Partition,
		Attempt:   max(job.Attempt, 1),
		LastError: job.LastError,
	}
	lane, failure := to.lanes.Lane(lookAt(&taken.Record))
	taken.Lane = queue.Lane(lane)
	scope, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	defer context.AfterFunc(ctx, func() { interrupt(ErrStopping) })()
	v := &view{route: to, scope: scope}
	a := new(attempts).next(&taken, v, 0)
	return Trial{
		Job: &a.Job, Matched: to.selector, OwnLane: lane.Own, PartitionerErr: failure,
		Result: a.alone(v, cfg.Clock),
	}, nil
}

// alone runs the attempt without a worker and judges it as one does.
func (a *attempt) alone(v *view, clock queue.Clock) Result {
	began, err := clock.Now(), errGoexit
	a.limit(v, began, clock)
	ended := make(chan struct{})
	go func() { // a handler may end its goroutine
		defer close(ended)
		err = call(&a.ctx, v.route.handler, &a.Job)
	}()
	<-ended
	if d := a.deferred.Load(); d != nil && err == nil {
		err = d.await(v.scope, clock)
	}
	now := clock.Now()
	err = a.failure(now, v.route.timeout, err)
	a.ctx.end()
	if len(a.output()) > 0 && a.keepsOutput(err) {
		a.more().output, err = a.produced()
	}
	outcome, delay := judge(v, now, a.Attempt, err)
	return Result{Outcome: outcome.Kind.String(), Err: err, Delay: delay, Took: now.Sub(began), Produced: a.output()}
}

// storedRecord is the record as the store would hold it.
func storedRecord(r Record) queue.Record {
	stored := queue.Record{Offset: r.Offset, Timestamp: -1, Key: r.Key, Value: r.Value}
	if ms := r.Timestamp.UnixMilli(); ms >= 0 {
		stored.Timestamp = ms
	}
	for _, h := range r.Headers {
		stored.Headers = append(stored.Headers, queue.Header(h))
	}
	return stored
}
