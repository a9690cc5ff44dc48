package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// cancelling is an inspector of a desk as a bridge gives it.
func (d *desk) cancelling() inspect.Inspector {
	return inspect.New(d.store, inspect.Options{Cancel: d.cancelRun})
}

func cancelAll(t *testing.T, i inspect.Inspector, then inspect.Then) inspect.Operation {
	t.Helper()
	plan, err := i.Plan(t.Context(), inspect.Command{Verb: inspect.Cancel, Then: then, Select: inspect.Query{Topic: "orders"}})
	if err != nil {
		t.Fatal(err)
	}
	op, err := i.Execute(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestCancelEndsARunAndSaysWhatThen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then  inspect.Then
		after error // what the handler returns then
		want  string
	}{
		"halt by default":        {"", errors.New("no"), "halt"},
		"halt":                   {inspect.ThenHalt, errors.New("no"), "halt"},
		"retry":                  {inspect.ThenRetry, Bury(errors.New("no")), "retry"},
		"bury":                   {inspect.ThenBury, errors.New("no"), "bury"}, // whatever the topic does on failure
		"skip":                   {inspect.ThenSkip, errors.New("no"), "skipped"},
		"done all the same":      {inspect.ThenHalt, nil, "done"},
		"the handler knows less": {inspect.ThenHalt, Skip("duplicate"), "halt"},
		"the handler says why":   {inspect.ThenHalt, fmt.Errorf("%w: ended by signal 15", ErrCancelled), "halt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started, results := make(chan struct{}), make(chan Result, 1)
			d := newDesk(t, 1, Topic{Retry: fixedDelay(time.Hour), Handler: HandlerFunc(func(ctx context.Context, _ *Job) error {
				close(started)
				<-ctx.Done()
				if cause := context.Cause(ctx); !errors.Is(cause, ErrCancelled) {
					t.Errorf("cause %v", cause)
				}
				return c.after
			})}, &Hooks{Finished: func(_ *Job, r Result) { results <- r }})
			d.start(t)
			d.add(t, 2, func(int) int { return 0 })
			<-started
			op := cancelAll(t, d.cancelling(), c.then)
			if len(op.Done) != 1 || op.Done[0].Offset != 0 {
				t.Errorf("operation %+v", op)
			}
			r := <-results
			if r.Outcome != c.want || (c.after != nil) != errors.Is(r.Err, ErrCancelled) {
				t.Errorf("outcome %s, error %v", r.Outcome, r.Err)
			}
			if r.Err != nil && strings.Count(r.Err.Error(), ErrCancelled.Error()) != 1 {
				t.Errorf("the error does not say once that it was cancelled: %v", r.Err)
			}
		})
	}
}

// TestCancelTwice: who says the same of a run again changes nothing, and the last
// word counts.
func TestCancelTwice(t *testing.T) {
	t.Parallel()
	started, returns, results := make(chan struct{}), make(chan struct{}), make(chan Result, 1)
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(context.Context, *Job) error {
		close(started)
		<-returns
		return errors.New("no")
	})}, &Hooks{Finished: func(_ *Job, r Result) { results <- r }})
	d.start(t)
	d.add(t, 1, func(int) int { return 0 })
	<-started
	i := d.cancelling()
	if op := cancelAll(t, i, ""); len(op.Done) != 1 || len(op.Says) != 0 {
		t.Errorf("first: %+v", op)
	}
	if op := cancelAll(t, i, inspect.ThenHalt); len(op.Done) != 0 || len(op.AlreadyDone) != 1 || len(op.Says) != 0 {
		t.Errorf("the same again: %+v", op)
	}
	if op := cancelAll(t, i, inspect.ThenBury); len(op.Done) != 1 || len(op.Says) != 1 ||
		op.Says[0] != "1 job had been told to end before: bury follows now, instead of halt." {
		t.Errorf("another word: %+v", op)
	}
	close(returns)
	if r := <-results; r.Outcome != "bury" {
		t.Errorf("outcome %s", r.Outcome)
	}
}

func TestCancelEndsADeferral(t *testing.T) {
	t.Parallel()
	d := newDeferring(t, 0)
	d.wantNext(t, 0, 1)
	d.wantNext(t, 2, 1)
	later := <-d.deferred
	if op := cancelAll(t, d.cancelling(), inspect.ThenSkip); len(op.Done) != 1 {
		t.Fatalf("operation %+v", op)
	}
	d.wantNext(t, 1, 1)
	if later.Finish(nil) {
		t.Error("Finish counts after the cancel")
	}
	if r := <-d.results; r.Outcome != "skipped" {
		t.Errorf("outcome %+v", r)
	}
}

// TestCancelMeansTheRunThatWasSeen, no later one of the same job.
func TestCancelMeansTheRunThatWasSeen(t *testing.T) {
	t.Parallel()
	d := newDeferring(t, 0)
	d.wantNext(t, 0, 1)
	d.wantNext(t, 2, 1)
	i := d.cancelling()
	plan, err := i.Plan(t.Context(), inspect.Command{Verb: inspect.Cancel, Select: inspect.Query{Topic: "orders"}})
	if err != nil || len(plan.Jobs) != 1 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	(<-d.deferred).Finish(errors.New("no"))
	d.wantNext(t, 0, 2)
	op, err := i.Execute(t.Context(), plan)
	if err != nil || len(op.Done) != 0 || len(op.Refused) != 1 || !strings.Contains(op.Refused[0].Reason, "has ended") {
		t.Errorf("operation %+v, %v", op, err)
	}
}

func TestCancelWithoutABridgeIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 0, Topic{Handler: doNothing}, nil)
	d.add(t, 1, func(int) int { return 0 })
	op := cancelAll(t, inspect.New(d.store, inspect.Options{}), "")
	if len(op.Done) != 0 {
		t.Errorf("operation %+v", op)
	}
}

func TestHandlerThatIgnoresItsCancelIsNamed(t *testing.T) {
	t.Parallel()
	clock := newStillClock()
	d := newDesk(t, 1, Topic{Handler: doNothing}, nil)
	var log strings.Builder
	d.log, d.run.cfg.Clock = textLog(&log), clock
	a := &attempt{Job: Job{Record: Record{Topic: "orders", Offset: 7}}, ctx: runContext{scope: t.Context()}}
	a.cancel(inspect.ThenHalt, clock.Now())
	d.nameIgnored(a)
	if log.Len() > 0 {
		t.Errorf("said at once: %s", log.String())
	}
	clock.advance(returnWithin)
	d.nameIgnored(a)
	d.nameIgnored(a)
	if n := strings.Count(log.String(), "orders/0@7"); n != 1 {
		t.Errorf("named %d times: %s", n, log.String())
	}
	a.ctx.end()
}
