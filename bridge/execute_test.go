package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

func explode(*Job) error { panic(io.ErrUnexpectedEOF) }

func TestPanicIsAnErrorWithItsStack(t *testing.T) {
	t.Parallel()
	err := call(t.Context(), HandlerFunc(func(_ context.Context, job *Job) error { return explode(job) }), &Job{})
	var p *PanicError
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a *PanicError", err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the error that was the panic's value is lost")
	}
	first, _, _ := strings.Cut(p.Stack, "\n")
	if !strings.HasSuffix(first, "bridge.explode") {
		t.Errorf("stack begins in %s, want the function that panicked:\n%s", first, p.Stack)
	}
	if strings.Contains(p.Stack, "testing.tRunner") {
		t.Errorf("stack goes on below the handler:\n%s", p.Stack)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	alive := context.Background()
	stopped, cancel := context.WithCancelCause(alive)
	cancel(ErrStopping)
	now := time.Unix(1000, 0)
	failed := errors.New("no")
	for name, c := range map[string]struct {
		scope context.Context
		err   error
		want  queue.Outcome
	}{
		"done":             {alive, nil, queue.Outcome{Kind: queue.Done}},
		"failed":           {alive, failed, queue.Outcome{Kind: queue.Retry, Due: now.Add(time.Minute), Error: "no"}},
		"given up":         {alive, fmt.Errorf("charge: %w", Bury(failed)), queue.Outcome{Kind: queue.Halt, Error: "charge: no"}},
		"given up at last": {stopped, Bury(failed), queue.Outcome{Kind: queue.Halt, Error: "no"}},
		"told when":        {alive, fmt.Errorf("charge: %w", RetryAfter(time.Second, failed)), queue.Outcome{Kind: queue.Retry, Due: now.Add(time.Second), Error: "charge: no"}},
		"told the past":    {alive, RetryAfter(-time.Second, failed), queue.Outcome{Kind: queue.Retry, Due: now, Error: "no"}},
		"interrupted":      {stopped, failed, queue.Outcome{Kind: queue.Release}},
		"done in the end":  {stopped, nil, queue.Outcome{Kind: queue.Done}},
		"panic in the end": {stopped, &PanicError{Value: 1}, queue.Outcome{Kind: queue.Retry, Due: now.Add(time.Minute), Error: "panic: 1\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &view{scope: c.scope, route: &route{settings: settings{retry: Backoff{First: time.Minute, Jitter: -1}}}}
			if got, _ := judge(v, now, 1, c.err); got != c.want {
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
