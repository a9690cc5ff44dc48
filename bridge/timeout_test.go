package bridge

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestTimeoutEndsTheContextAndCountsAsAFailure(t *testing.T) {
	t.Parallel()
	results := make(chan Result, 1)
	d := newDesk(t, 1, Topic{
		Timeout: 20 * time.Millisecond,
		Retry:   fixedDelay(time.Hour),
		Handler: HandlerFunc(func(ctx context.Context, _ *Job) error {
			if at, ok := ctx.Deadline(); !ok || time.Until(at) > 20*time.Millisecond {
				t.Errorf("deadline %v, %v", at, ok)
			}
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			<-child.Done()
			if cause := context.Cause(child); !errors.Is(cause, ErrTimeout) {
				t.Errorf("cause %v", cause)
			}
			return child.Err()
		}),
	}, &Hooks{Finished: func(_ *Job, r Result) { results <- r }})
	d.start(t)
	d.add(t, 1, func(int) int { return 0 })
	got := <-results
	if got.Outcome != "retry" || !errors.Is(got.Err, ErrTimeout) || !errors.Is(got.Err, context.DeadlineExceeded) {
		t.Errorf("got %+v", got)
	}
	if want := "timed out after 20ms: context deadline exceeded"; got.Err == nil || got.Err.Error() != want {
		t.Errorf("error %v, want %s", got.Err, want)
	}
}

// TestTimeLimit is about runs under a clock that stands still unless told.
func TestTimeLimit(t *testing.T) {
	t.Parallel()
	failed := errors.New("no")
	for name, c := range map[string]struct {
		asks   bool // the handler looks at its context
		after  time.Duration
		err    error
		wants  string
		wantIs error
	}{
		"in time":                   {true, time.Second, failed, "no", failed},
		"late":                      {true, time.Hour, failed, "timed out after 1m0s: no", ErrTimeout},
		"late without asking":       {false, time.Hour, failed, "timed out after 1m0s: no", ErrTimeout},
		"late and done":             {true, time.Hour, nil, "", nil},
		"late and without a remedy": {true, time.Hour, Bury(failed), "timed out after 1m0s: no", failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newStillClock()
			a := &attempt{ctx: runContext{scope: t.Context(), limit: &timeLimit{clock.Now().Add(time.Minute), clock}}}
			if c.asks {
				_ = a.ctx.Done()
			}
			clock.advance(c.after)
			err := a.failure(clock.Now(), time.Minute, c.err)
			a.ctx.end()
			switch {
			case c.err == nil:
				if err != nil {
					t.Errorf("got %v", err)
				}
			case err.Error() != c.wants || !errors.Is(err, c.wantIs):
				t.Errorf("got %v", err)
			}
			if clock.timers() != 0 {
				t.Error("the timer outlives the run")
			}
		})
	}
}

// TestTimeoutThenStop: a run whose time was up before the stop came has failed.
func TestTimeoutThenStop(t *testing.T) {
	t.Parallel()
	clock := newStillClock()
	scope, cancel := context.WithCancelCause(t.Context())
	a := &attempt{ctx: runContext{scope: scope, limit: &timeLimit{clock.Now().Add(time.Minute), clock}}}
	_ = a.ctx.Done()
	clock.advance(time.Hour)
	cancel(ErrStopping)
	err := a.failure(clock.Now(), time.Minute, a.ctx.Err())
	outcome, _ := judge(&view{scope: scope, route: &route{settings: settings{retry: Backoff{}}}}, clock.Now(), 1, err)
	if outcome.Kind != queue.Retry || !strings.HasPrefix(outcome.Error, "timed out") {
		t.Errorf("got %+v", outcome)
	}
}

func TestTryKeepsTheTimeout(t *testing.T) {
	t.Parallel()
	trial, err := Try(t.Context(), Config{Topics: []Topic{{
		Name: "orders", Timeout: time.Millisecond,
		Handler: HandlerFunc(func(ctx context.Context, _ *Job) error { <-ctx.Done(); return context.Cause(ctx) }),
	}}}, Job{Record: Record{Topic: "orders"}})
	if err != nil || !errors.Is(trial.Result.Err, ErrTimeout) || trial.Result.Outcome != "retry" {
		t.Errorf("got %+v, %v", trial.Result, err)
	}
}
