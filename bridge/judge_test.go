package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	alive := context.Background()
	stopped, cancel := context.WithCancelCause(alive)
	cancel(ErrStopping)
	now := time.Unix(1000, 0)
	failed := errors.New("no")
	retry := func(delay time.Duration, text string) queue.Outcome {
		return queue.Outcome{Kind: queue.Retry, Due: now.Add(delay), Error: text}
	}
	halt := func(text string) queue.Outcome { return queue.Outcome{Kind: queue.Halt, Error: text} }
	snooze := func(delay time.Duration) queue.Outcome { return queue.Outcome{Kind: queue.Snooze, Due: now.Add(delay)} }
	skipped := func(text string) queue.Outcome { return queue.Outcome{Kind: queue.Skipped, Error: text} }
	for name, c := range map[string]struct {
		scope   context.Context
		attempt int // of 3
		err     error
		want    queue.Outcome
	}{
		"done":             {alive, 1, nil, queue.Outcome{Kind: queue.Done}},
		"failed":           {alive, 2, failed, retry(time.Minute, "no")},
		"failed too often": {alive, 3, failed, halt("no")},

		"buried":               {alive, 1, fmt.Errorf("charge: %w", Bury(failed)), halt("charge: no")},
		"told when":            {alive, 1, fmt.Errorf("charge: %w", RetryAfter(time.Second, failed)), retry(time.Second, "charge: no")},
		"told when, at last":   {alive, 3, RetryAfter(time.Second, failed), halt("no")},
		"told the past":        {alive, 1, RetryAfter(-time.Second, failed), retry(0, "no")},
		"snoozed":              {alive, 3, fmt.Errorf("charge: %w", Snooze(time.Hour)), snooze(time.Hour)},
		"snoozed to the past":  {alive, 3, Snooze(-time.Hour), snooze(0)},
		"skipped":              {alive, 3, Skip("duplicate"), skipped("skipped: duplicate")},
		"the outer one counts": {alive, 1, RetryAfter(time.Second, Bury(failed)), retry(time.Second, "no")},

		"interrupted":                  {stopped, 3, failed, queue.Outcome{Kind: queue.Release}},
		"interrupted, done":            {stopped, 1, nil, queue.Outcome{Kind: queue.Done}},
		"interrupted, panic":           {stopped, 1, &PanicError{Value: 1}, retry(time.Minute, "panic: 1\n")},
		"interrupted, out of time":     {stopped, 1, ErrTimeout, retry(time.Minute, ErrTimeout.Error())},
		"interrupted, buried":          {stopped, 1, Bury(failed), halt("no")},
		"interrupted, skipped":         {stopped, 1, Skip("duplicate"), skipped("skipped: duplicate")},
		"interrupted, snoozed":         {stopped, 1, Snooze(time.Hour), snooze(time.Hour)},
		"interrupted, told when":       {stopped, 3, RetryAfter(time.Hour, failed), snooze(time.Hour)},
		"interrupted, class to bury":   {stopped, 1, errors.New("locked"), queue.Outcome{Kind: queue.Release}},
		"class to skip":                {alive, 3, fmt.Errorf("x: %w", io.ErrShortWrite), skipped("x: short write")},
		"class to snooze":              {alive, 3, &url.Error{Op: "Post", URL: "u", Err: failed}, snooze(time.Hour)},
		"typed, of another class":      {alive, 1, &url.Error{Op: "Get", URL: "u", Err: errors.New("refused")}, retry(time.Second, "Get \"u\": refused")},
		"class to wait":                {alive, 2, errors.New("refused"), retry(time.Second, "refused")},
		"class to wait, at last":       {alive, 3, errors.New("refused"), halt("refused")},
		"class to bury":                {alive, 1, errors.New("locked"), halt("locked")},
		"first class":                  {alive, 1, errors.New("locked, refused"), retry(time.Second, "locked, refused")},
		"class to retry by the policy": {alive, 2, errors.New("unlucky"), retry(time.Minute, "unlucky")},
		"the handler goes before":      {alive, 1, Bury(errors.New("refused")), halt("refused")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &view{scope: c.scope, route: &route{settings: settings{
				retry: Backoff{MaxAttempts: 3, First: time.Minute, Jitter: -1, Factor: 1},
				classes: []Class{
					{Match: func(error) bool { panic("class") }, Do: DoBury},
					{Match: MatchIs(io.ErrShortWrite), Do: DoSkip},
					{Match: MatchAs(func(e *url.Error) bool { return e.Op == "Post" }), Do: DoSnooze, Delay: time.Hour},
					{Match: MatchText("refused"), Do: DoRetryAfter, Delay: time.Second},
					{Match: MatchText("locked"), Do: DoBury},
					{Match: MatchText("unlucky"), Do: DoRetry},
				},
			}}}
			if got, _ := judge(v, now, c.attempt, c.err); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestNegativeDelayIsNow(t *testing.T) {
	t.Parallel()
	v := &view{scope: context.Background(), route: &route{settings: settings{retry: fixedDelay(-time.Hour)}}}
	if _, delay := judge(v, time.Unix(1000, 0), 1, errors.New("x")); delay != 0 {
		t.Errorf("delay %v", delay)
	}
}

type fixedDelay time.Duration

func (d fixedDelay) Next(int, error) Decision { return Decision{Delay: time.Duration(d)} }

func TestGivenUpUnderBuryIsADeadLetterUnlessGuarded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	g := testGuard(Guard{Bucket: 1}, now)
	v := &view{scope: context.Background(), guard: g.guard, route: &route{settings: settings{
		retry: Backoff{Max: 3 * time.Minute}, onFailure: BuryJob,
	}}}
	want := queue.Outcome{Kind: queue.Bury, Error: "no"}
	if got, _ := judge(v, now, 1, Bury(errors.New("no"))); got != want {
		t.Errorf("with a token: %+v, want %+v", got, want)
	}
	want = queue.Outcome{Kind: queue.Retry, Due: now.Add(3 * time.Minute), Error: "no", Guarded: true}
	if got, delay := judge(v, now, 1, Bury(errors.New("no"))); got != want || delay != 3*time.Minute {
		t.Errorf("without one: %+v after %v, want %+v", got, delay, want)
	}
	v.route.retry = fixedDelay(0)
	if got, _ := judge(v, now, 1, Bury(errors.New("no"))); !got.Due.Equal(now.Add(time.Minute)) {
		t.Errorf("a policy without a longest delay lets the job wait until %v", got.Due)
	}
}
