package bridge

import (
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// timedOut is the error of a run that failed after its time was up. It matches
// [ErrTimeout] and what the handler returned.
type timedOut struct {
	after time.Duration
	err   error
}

func (t *timedOut) Error() string   { return fmt.Sprintf("timed out after %v: %v", t.after, t.err) }
func (t *timedOut) Unwrap() []error { return []error{ErrTimeout, t.err} }

// limit sets how long a run that begins may take, and be silent.
func (a *attempt) limit(v *view, began time.Time, clock queue.Clock) {
	a.began = began
	if v.route.timeout > 0 {
		a.ctx.limit = &timeLimit{began.Add(v.route.timeout), clock}
	}
	if v.route.heartbeat > 0 {
		a.more().pulse = newPulse(clock, began, v.route.heartbeat)
	}
}

// failure is the error of a run with the reason why its context ended, where
// that decides what becomes of the job. The context must not be ended yet.
func (a *attempt) failure(now time.Time, timeout time.Duration, err error) error {
	if err == nil {
		return nil
	}
	if c := a.cancelled.Load(); c != nil {
		return c.failure(err)
	}
	if ctx := &a.leader().ctx; ctx.limit != nil && ctx.cause(now) == ErrTimeout {
		return &timedOut{timeout, err}
	}
	return err
}
