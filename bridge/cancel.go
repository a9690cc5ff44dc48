package bridge

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// cancellation is an operator's word on a run.
type cancellation struct {
	then inspect.Then
	at   time.Time
	told atomic.Bool // the log has that the handler ignores it
}

// doHalt and doBury are what an operator says, whatever the topic does on
// failure and however many were buried: a job that was cancelled because it hung
// must not simply hang again.
const (
	doHalt Action = 255 - iota
	doBury
)

var cancelActions = map[inspect.Then]Action{
	inspect.ThenHalt: doHalt, inspect.ThenRetry: DoRetry, inspect.ThenBury: doBury, inspect.ThenSkip: DoSkip,
}

// failure is what becomes of the error of a cancelled run.
func (c *cancellation) failure(err error) error {
	if !errors.Is(err, ErrCancelled) { // many handlers return the cause of their context
		err = fmt.Errorf("%w: %w", ErrCancelled, err)
	}
	return &verdict{cause: err, action: cancelActions[c.then]}
}

// cancel ends the context of a run. What its handler returns then, unless that
// is nil, counts as the operator said last. It returns what was said before.
func (a *attempt) cancel(then inspect.Then, now time.Time) (before inspect.Then) {
	for {
		was := a.cancelled.Load()
		if was != nil && was.then == then {
			return then
		}
		if !a.cancelled.CompareAndSwap(was, &cancellation{then: then, at: now}) {
			continue // another operator was faster
		}
		if was != nil {
			return was.then
		}
		a.leader().ctx.interrupt(ErrCancelled)
		return ""
	}
}

// cancelRun is for [inspect.Options].
func (r *run) cancelRun(t inspect.Target, then inspect.Then) (before inspect.Then, underWay bool) {
	is := func(j *Job) bool {
		return j.Offset == t.Offset && j.Partition == t.Partition && j.Topic == t.Topic && j.ID() == t.ID && j.Attempt == t.Attempts+1
	}
	for _, w := range r.pool.workers() {
		lead := w.running.Load()
		if lead == nil {
			continue
		}
		for _, a := range lead.together() {
			if is(&a.Job) {
				return a.cancel(then, r.cfg.Clock.Now()), true
			}
		}
	}
	for _, d := range r.pool.deferred() {
		if is(d.job) {
			d.job.run.cancel(then, r.cfg.Clock.Now())
			return "", d.Finish(errNoHandler) // nobody is there to return
		}
	}
	return "", false
}

// nameIgnored names a handler that goes on though its run was cancelled.
func (r *run) nameIgnored(a *attempt) {
	c := a.cancelled.Load()
	if c == nil || r.cfg.Clock.Now().Sub(c.at) < returnWithin || !c.told.CompareAndSwap(false, true) {
		return
	}
	r.log.Warn("handler ignores that its job was cancelled; the job holds its lane and a worker until it returns",
		"job", &a.Job, "attempt", a.Attempt)
}
