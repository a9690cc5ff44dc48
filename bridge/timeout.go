package bridge

import (
	"fmt"
	"time"
)

// timedOut is the error of a run that failed after its time was up. It matches
// [ErrTimeout] and what the handler returned.
type timedOut struct {
	after time.Duration
	err   error
}

func (t *timedOut) Error() string   { return fmt.Sprintf("timed out after %v: %v", t.after, t.err) }
func (t *timedOut) Unwrap() []error { return []error{ErrTimeout, t.err} }

// failure is the error of a run with the reason why its context ended, where
// that decides what becomes of the job. The context must not be ended yet.
func (a *attempt) failure(now time.Time, timeout time.Duration, err error) error {
	if c := a.cancelled.Load(); err != nil && c != nil {
		return c.failure(err)
	}
	if err != nil && a.ctx.limit != nil && a.ctx.cause(now) == ErrTimeout {
		return &timedOut{timeout, err}
	}
	return err
}
