package bridge

import (
	"errors"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// judge turns what a handler returned into what becomes of the job, and how
// long it waits. What the handler says itself comes first, then whether the run
// was interrupted, then the topic's classes of errors, then its policy.
func judge(v *view, now time.Time, attempt int, err error) (queue.Outcome, time.Duration) {
	if err == nil {
		return queue.Outcome{Kind: queue.Done}, 0
	}
	interrupted := v.scope.Err() != nil && !errors.As(err, new(*PanicError)) && !errors.Is(err, ErrTimeout)
	action, delay := DoRetry, time.Duration(0)
	var said *verdict
	if errors.As(err, &said) {
		action, delay = said.action, said.delay
	} else if class := classify(v.route.classes, err); class != nil && !interrupted {
		action, delay = class.Do, max(0, class.Delay)
	}
	switch {
	case action == DoBury:
		return v.giveUp(now, err)
	case action == doHalt:
		return queue.Outcome{Kind: queue.Halt, Error: err.Error()}, 0
	case action == doBury:
		return queue.Outcome{Kind: queue.Bury, Error: err.Error()}, 0
	case action == DoSkip:
		return queue.Outcome{Kind: queue.Skipped, Error: err.Error()}, 0
	case action == DoSnooze, action == DoRetryAfter && interrupted: // the wait counts, the attempt does not
		return queue.Outcome{Kind: queue.Snooze, Due: now.Add(delay)}, delay
	case interrupted:
		return queue.Outcome{Kind: queue.Release}, 0
	}
	decision := next(v.route.retry, attempt, err)
	if decision.GiveUp {
		return v.giveUp(now, err)
	}
	if action == DoRetry {
		delay = max(0, decision.Delay)
	}
	return queue.Outcome{Kind: queue.Retry, Due: now.Add(delay), Error: err.Error()}, delay
}

// giveUp is what becomes of a job that is not to be tried any more: what the
// topic says, unless its guard wants it tried nevertheless.
func (v *view) giveUp(now time.Time, err error) (queue.Outcome, time.Duration) {
	switch v.route.onFailure {
	case Block:
		return queue.Outcome{Kind: queue.Halt, Error: err.Error()}, 0
	case ParkLane:
		return queue.Outcome{Kind: queue.Park, Error: err.Error()}, 0
	}
	if v.guard.spend(now) {
		return queue.Outcome{Kind: queue.Bury, Error: err.Error()}, 0
	}
	delay := longest(v.route.retry)
	return queue.Outcome{Kind: queue.Retry, Due: now.Add(delay), Error: err.Error(), Guarded: true}, delay
}
