package bridge

import (
	"errors"
	"fmt"
	"time"
)

// Bury wraps the error of a job that no further attempt can mend, such as a
// value that is not what it should be. The job is given up at once, and
// [Topic.OnFailure] says what that means. Bury(nil) is nil.
func Bury(err error) error {
	if err == nil {
		return nil
	}
	return &verdict{cause: err, action: DoBury}
}

// RetryAfter wraps the error of a job whose next attempt is to wait for d,
// whatever the topic's [RetryPolicy] would say; below zero counts as zero. The
// attempt counts, and it is the last one where the policy gives up.
// RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &verdict{cause: err, action: DoRetryAfter, delay: max(0, d)}
}

// Snooze is the error of a job whose time has not come: it runs again after d,
// below zero counts as zero, and the attempt does not count. It holds its lane
// meanwhile, and no worker.
func Snooze(d time.Duration) error {
	d = max(0, d)
	return &verdict{cause: fmt.Errorf("snoozed for %v", d), action: DoSnooze, delay: d}
}

// Skip is the error of a job that needs nothing done, such as a duplicate. It
// is complete, and the log has the reason.
func Skip(reason string) error {
	return &verdict{cause: errors.New("skipped: " + reason), action: DoSkip}
}

// Action is what becomes of a run that failed.
type Action uint8

// The actions.
const (
	DoRetry      Action = iota // by the topic's [RetryPolicy]
	DoRetryAfter               // as [RetryAfter]
	DoBury                     // as [Bury]
	DoSkip                     // as [Skip]
	DoSnooze                   // as [Snooze]
)

// verdict is the error of a handler that says itself what is to be done. Where
// one wraps another, the outer one counts.
type verdict struct {
	cause  error
	action Action
	delay  time.Duration
}

// Error is the text of what it wraps.
func (v *verdict) Error() string { return v.cause.Error() }
func (v *verdict) Unwrap() error { return v.cause }
