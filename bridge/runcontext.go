package bridge

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// runContext is the context of one run. A real one registers with its parent,
// which all runs of the partition share, and costs more than a quick handler
// needs for everything else; so it is made when the handler first asks.
type runContext struct {
	job   *Job // whose run it is
	scope context.Context
	limit *timeLimit                  // nil: none
	asked atomic.Pointer[realContext] // nil until somebody asks or the run ends
}

// timeLimit is when a run times out.
type timeLimit struct {
	at    time.Time
	clock queue.Clock
}

type realContext struct {
	context.Context // nil in runEnded
	cancel          context.CancelCauseFunc
	release         context.CancelFunc // of the limit's timer; nil without one
}

// runEnded stands for the context of a run that ended before anybody asked.
var runEnded = new(realContext)

func (c *runContext) real() context.Context { return c.make() }

func (c *runContext) make() *realContext {
	for {
		before := c.asked.Load()
		if before != nil && before != runEnded {
			return before
		}
		made := c.fresh()
		if before == runEnded {
			made.end()
		}
		if c.asked.CompareAndSwap(before, made) {
			return made
		}
		made.end() // another call was first, or the run has ended
	}
}

func (c *runContext) fresh() *realContext {
	ctx, cancel := context.WithCancelCause(c.scope)
	if c.limit == nil {
		return &realContext{Context: ctx, cancel: cancel}
	}
	timed, release := c.limit.over(ctx)
	return &realContext{timed, cancel, release}
}

// over returns a context that ends at the limit.
func (l *timeLimit) over(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, machine := l.clock.(queue.SystemClock); machine {
		return context.WithDeadlineCause(ctx, l.at, ErrTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := l.clock.AfterFunc(l.at.Sub(l.clock.Now()), func() { cancel(ErrTimeout) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

func (r *realContext) end() {
	r.cancel(nil)
	if r.release != nil {
		r.release()
	}
}

// end cancels the context: what a handler left running must not believe that
// its job still runs.
func (c *runContext) end() {
	if c.asked.CompareAndSwap(nil, runEnded) {
		return
	}
	if made := c.asked.Load(); made != runEnded {
		made.end()
	}
}

// interrupt ends the context of a run that goes on, and says why.
func (c *runContext) interrupt(cause error) { c.make().cancel(cause) }

// cause tells why the context has ended before its run: nil if it has not. Only
// the first reason counts.
func (c *runContext) cause(now time.Time) error {
	if asked := c.asked.Load(); asked != nil && asked != runEnded {
		return context.Cause(asked)
	}
	if err := context.Cause(c.scope); err != nil {
		return err
	}
	if c.limit != nil && !now.Before(c.limit.at) {
		return ErrTimeout
	}
	return nil
}

func (c *runContext) Deadline() (time.Time, bool) {
	if c.limit != nil {
		return c.limit.at, true
	}
	return c.scope.Deadline()
}

func (c *runContext) Done() <-chan struct{} { return c.real().Done() }
func (c *runContext) Err() error            { return c.real().Err() }
func (c *runContext) Value(key any) any {
	if key == (traceKey{}) {
		return c.job.Trace()
	}
	return c.real().Value(key)
}
