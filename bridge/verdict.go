package bridge

import (
	"errors"
	"time"
)

// Bury wraps the error of a job that no further attempt can mend, such as a
// value that is not what it should be. The job is given up at once: it is
// halted and holds its lane until an operator retries or skips it, and the log
// says so. Nothing is dropped. Bury(nil) is nil.
func Bury(err error) error {
	if err == nil {
		return nil
	}
	return &buried{err}
}

// RetryAfter wraps the error of a job whose next attempt is to wait for d,
// whatever the topic's [RetryPolicy] would say; below zero counts as zero. The
// attempt counts. RetryAfter(d, nil) is nil.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryAfter{error: err, delay: max(0, d)}
}

// buried is the error that [Bury] makes. Its text is that of what it wraps.
type buried struct{ error }

func (b *buried) Unwrap() error { return b.error }

// retryAfter is the error that [RetryAfter] makes.
type retryAfter struct {
	error
	delay time.Duration
}

func (r *retryAfter) Unwrap() error { return r.error }

// givenUp tells whether err says that no attempt will help.
func givenUp(err error) bool { return errors.As(err, new(*buried)) }

// delayFor is how long a job waits after the run that failed with err.
func delayFor(policy RetryPolicy, attempt int, err error) time.Duration {
	var said *retryAfter
	if errors.As(err, &said) {
		return said.delay
	}
	return max(0, next(policy, attempt, err).Delay)
}
