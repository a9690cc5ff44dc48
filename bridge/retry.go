package bridge

import (
	"math"
	"math/rand/v2"
	"time"
)

// Decision is what becomes of a failed run.
type Decision struct {
	// Delay is how long the job waits in its place before it runs again. It
	// holds its own lane meanwhile, and no worker.
	Delay time.Duration
	// GiveUp ends the attempts: [Topic.OnFailure] says what becomes of the job.
	GiveUp bool
}

// RetryPolicy decides about failed runs. Next is called from many goroutines;
// attempt counts the runs so far, the failed one included. A run that was
// interrupted by a stop or a revocation, or snoozed, is none of them.
//
// A policy that also has the method Longest() time.Duration says by it how long
// a job waits that the [Guard] does not let it give up; else that is a minute.
type RetryPolicy interface {
	Next(attempt int, err error) Decision
}

// Backoff is a [RetryPolicy] with delays that grow by a factor up to a limit.
// Zero fields have defaults.
type Backoff struct {
	// MaxAttempts is how often a job runs before it is given up, all runs
	// counted. Zero: it is retried for ever.
	MaxAttempts int
	First       time.Duration // delay after the first failure; zero: 200 ms
	Factor      float64       // growth per failure; zero: 2
	Max         time.Duration // longest delay; zero: 1 minute
	Jitter      float64       // each delay is spread by up to this share of it; zero: 0.2, negative: none
}

// Next returns First * Factor^(attempt-1), at most Max, spread by Jitter, and
// gives up after MaxAttempts.
func (b Backoff) Next(attempt int, _ error) Decision {
	b = b.withDefaults()
	delay := float64(b.First) * math.Pow(b.Factor, float64(max(attempt, 1)-1))
	delay = min(delay, float64(b.Max))
	if b.Jitter > 0 {
		delay *= 1 + b.Jitter*(2*rand.Float64()-1)
	}
	return Decision{
		Delay:  min(time.Duration(delay), b.Max),
		GiveUp: b.MaxAttempts > 0 && attempt >= b.MaxAttempts,
	}
}

// Longest is Max.
func (b Backoff) Longest() time.Duration { return b.withDefaults().Max }

func (b Backoff) withDefaults() Backoff {
	if b.First == 0 {
		b.First = 200 * time.Millisecond
	}
	if b.Factor == 0 {
		b.Factor = 2
	}
	if b.Max == 0 {
		b.Max = max(time.Minute, b.First)
	}
	if b.Jitter == 0 {
		b.Jitter = 0.2
	}
	return b
}

// longest is how long a job waits that is not to be given up yet. A policy that
// panics, or says nothing of use, has a minute.
func longest(policy RetryPolicy) (d time.Duration) {
	defer func() {
		if recover() != nil || d <= 0 {
			d = time.Minute
		}
	}()
	if p, ok := policy.(interface{ Longest() time.Duration }); ok {
		return p.Longest()
	}
	return 0
}

// next asks the policy; one that panics is replaced by the default for once.
func next(policy RetryPolicy, attempt int, err error) (d Decision) {
	defer func() {
		if recover() != nil {
			d = Backoff{}.Next(attempt, err)
		}
	}()
	return policy.Next(attempt, err)
}
