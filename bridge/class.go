package bridge

import (
	"errors"
	"strings"
	"time"
)

// Class says what to do about errors of one kind, instead of what the topic's
// [RetryPolicy] would say.
type Class struct {
	// Match tells whether an error is of this class. Required; it is called
	// from many goroutines. [MatchIs], [MatchAs] and [MatchText] make one.
	Match func(error) bool
	// Do is what becomes of the job. Zero: it is retried by the policy.
	Do Action
	// Delay is how long it waits: of [DoRetryAfter] and [DoSnooze].
	Delay time.Duration
}

// MatchIs matches the errors that [errors.Is] finds target in.
func MatchIs(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// MatchAs matches the errors that [errors.As] finds an E in for which f holds.
//
//	bridge.Class{
//		Match: bridge.MatchAs(func(e *webhook.StatusError) bool { return e.Code == 429 }),
//		Do:    bridge.DoRetryAfter,
//		Delay: 30 * time.Second,
//	}
func MatchAs[E error](f func(E) bool) func(error) bool {
	return func(err error) bool {
		var found E
		return errors.As(err, &found) && f(found)
	}
}

// MatchText matches the errors whose text contains part. Of a panic that is the
// text of its value: its stack names files and functions.
func MatchText(part string) func(error) bool {
	return func(err error) bool {
		text := err.Error()
		var panicked *PanicError
		if errors.As(err, &panicked) {
			text = strings.ReplaceAll(text, panicked.Stack, "")
		}
		return strings.Contains(text, part)
	}
}

// classify finds the first class that an error is of; nil: none is. One that
// panics does not match.
func classify(classes []Class, err error) *Class {
	for i := range classes {
		if matches(&classes[i], err) {
			return &classes[i]
		}
	}
	return nil
}

func matches(c *Class, err error) (found bool) {
	defer func() {
		if recover() != nil {
			found = false
		}
	}()
	return c.Match(err)
}
