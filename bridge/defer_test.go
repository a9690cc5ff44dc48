package bridge

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// deferring is a desk whose handler defers the job at offset 0, at its first
// attempt, and notes all runs.
type deferring struct {
	*desk
	deferred chan *Deferred
	ran      chan Job
	results  chan Result
	clock    *stillClock
}

func newDeferring(t *testing.T, giveUp time.Duration) *deferring {
	t.Helper()
	d := &deferring{deferred: make(chan *Deferred, 1), ran: make(chan Job, 16), results: make(chan Result, 16), clock: newStillClock()}
	d.desk = newDesk(t, 1, Topic{Retry: fixedDelay(0), Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		d.ran <- *job
		if job.Offset == 0 && job.Attempt == 1 {
			d.deferred <- job.Defer(giveUp)
		}
		return nil
	})}, &Hooks{Finished: func(j *Job, r Result) {
		if j.Offset == 0 {
			d.results <- r
		}
	}})
	d.run.cfg.Clock = d.clock
	d.start(t)
	d.add(t, 3, func(offset int) int { return max(0, offset-1) }) // lanes: 0 and 1, 2
	return d
}

// wantNext waits for a run and compares its job.
func (d *deferring) wantNext(t *testing.T, offset int64, attempt int) {
	t.Helper()
	if job := <-d.ran; job.Offset != offset || job.Attempt != attempt {
		t.Fatalf("%s runs, attempt %d, want @%d, attempt %d", &job, job.Attempt, offset, attempt)
	}
}

func TestDeferredJobHoldsItsLaneAndNoWorker(t *testing.T) {
	t.Parallel()
	d := newDeferring(t, 0)
	d.wantNext(t, 0, 1)
	d.wantNext(t, 2, 1) // the one worker is free, and the lane of 0 and 1 is not
	later := <-d.deferred
	list, err := d.stored.Find(t.Context(), 0, 1)
	if err != nil || len(list) != 2 || !list[0].Deferred || list[1].State != queue.Blocked {
		t.Errorf("the jobs stand as %+v, %v", list, err)
	}
	jobs := inspect.New(d.store, inspect.Options{})
	for job, err := range jobs.Jobs(t.Context(), inspect.Query{Topic: "orders", States: []inspect.State{inspect.Deferred}}) {
		if err != nil || job.Offset != 0 {
			t.Errorf("%s is deferred, %v", job.Name, err)
		}
	}
	if !later.Finish(nil) {
		t.Error("Finish does not count")
	}
	d.wantNext(t, 1, 1)
	if later.Finish(errors.New("again")) {
		t.Error("a second Finish counts")
	}
	if r := <-d.results; r.Outcome != "done" {
		t.Errorf("outcome %+v", r)
	}
	waitFor(t, "all are done", func() bool { return d.frontier(t) == 3 })
}

func TestDeferredJobFails(t *testing.T) {
	t.Parallel()
	d := newDeferring(t, 0)
	d.wantNext(t, 0, 1)
	d.wantNext(t, 2, 1)
	(<-d.deferred).Finish(errors.New("callback says no"))
	d.wantNext(t, 0, 2)
	if r := <-d.results; r.Outcome != "retry" || r.Err.Error() != "callback says no" {
		t.Errorf("outcome %+v", r)
	}
}

func TestDeferredJobIsGivenUp(t *testing.T) {
	t.Parallel()
	d := newDeferring(t, time.Minute)
	d.wantNext(t, 0, 1)
	d.wantNext(t, 2, 1)
	later := <-d.deferred
	waitFor(t, "it is waited for", func() bool { return d.clock.timers() > 0 })
	d.clock.advance(time.Hour)
	d.wantNext(t, 0, 2)
	if later.Finish(nil) {
		t.Error("Finish counts after the job was given up")
	}
	if r := <-d.results; r.Outcome != "retry" || !strings.Contains(r.Err.Error(), "not finished within 1m0s") {
		t.Errorf("outcome %+v", r)
	}
}

func TestDeferredAndReturned(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for name, c := range map[string]struct {
		finish  bool // within the handler
		with    error
		returns error
		want    error
	}{
		"finished before the return": {true, nil, nil, nil},
		"failed before the return":   {true, no, nil, no},
		"taken back":                 {false, nil, no, no},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, deferred := make(chan Result, 4), make(chan *Deferred, 4)
			d := newDesk(t, 1, Topic{Retry: fixedDelay(time.Hour), Handler: HandlerFunc(func(_ context.Context, job *Job) error {
				later := job.Defer(time.Hour)
				if job.Defer(0) != later {
					t.Error("two deferrals of one run")
				}
				if c.finish && !later.Finish(c.with) {
					t.Error("Finish does not count")
				}
				deferred <- later
				return c.returns
			})}, &Hooks{Finished: func(_ *Job, r Result) { results <- r }})
			d.start(t)
			d.add(t, 1, func(int) int { return 0 })
			if r := <-results; !errors.Is(r.Err, c.want) || (r.Err == nil) != (c.want == nil) {
				t.Errorf("outcome %+v", r)
			}
			if later := <-deferred; later.Finish(nil) {
				t.Error("Finish counts afterwards")
			}
			waitFor(t, "nothing is waited for", func() bool { return len(d.pool.running()) == 0 })
		})
	}
}

func TestContextOfADeferredJobLivesOn(t *testing.T) {
	t.Parallel()
	contexts := make(chan context.Context, 1)
	deferred := make(chan *Deferred, 1)
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(ctx context.Context, job *Job) error {
		contexts <- ctx
		deferred <- job.Defer(0)
		return nil
	})}, nil)
	d.start(t)
	d.add(t, 1, func(int) int { return 0 })
	ctx, later := <-contexts, <-deferred
	waitFor(t, "it is deferred", func() bool { return len(d.pool.deferred()) == 1 })
	if ctx.Err() != nil {
		t.Fatalf("the context ended: %v", context.Cause(ctx))
	}
	d.part.interrupt(ErrRevoked)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, ErrRevoked) {
		t.Errorf("cause %v", cause)
	}
	later.Finish(ctx.Err()) // interrupted: no attempt is lost
	list, err := d.stored.Find(t.Context(), 0)
	if err != nil || len(list) != 1 || list[0].Attempts != 0 {
		t.Errorf("the job stands as %+v, %v", list, err)
	}
}

func TestTryWaitsForADeferredJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		giveUp time.Duration
		finish bool
		want   string
	}{
		"finished": {time.Hour, true, "done"},
		"given up": {time.Millisecond, false, "retry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial, err := Try(t.Context(), Config{Topics: []Topic{{Name: "orders", Handler: HandlerFunc(func(_ context.Context, job *Job) error {
				later := job.Defer(c.giveUp)
				if c.finish {
					time.AfterFunc(time.Millisecond, func() { later.Finish(nil) })
				}
				return nil
			})}}}, Job{Record: Record{Topic: "orders"}})
			if err != nil || trial.Result.Outcome != c.want {
				t.Errorf("got %+v, %v", trial.Result, err)
			}
		})
	}
}
