package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// batches is a desk whose handler notes the batches that it gets.
func batches(t *testing.T, workers int, b Batch, hooks *Hooks, f func(context.Context, []*Job) []error) (*desk, chan []string) {
	t.Helper()
	ran := make(chan []string, 64)
	b.Handler = BatchHandlerFunc(func(ctx context.Context, jobs []*Job) []error {
		names := make([]string, len(jobs))
		for i, job := range jobs {
			names[i] = fmt.Sprintf("%d.%d", job.Offset, job.Attempt)
		}
		ran <- names
		return f(ctx, jobs)
	})
	d := newDesk(t, workers, Topic{Batch: &b, Retry: fixedDelay(0), Timeout: time.Minute}, hooks)
	d.limit("orders", d.part.route)
	return d, ran
}

func wantBatch(t *testing.T, ran chan []string, want ...string) {
	t.Helper()
	if got := <-ran; !slices.Equal(got, want) {
		t.Fatalf("ran %v, want %v", got, want)
	}
}

func oneLane(int) int { return 0 }

func TestEachJobOfABatchHasItsResult(t *testing.T) {
	t.Parallel()
	results := make(chan string, 16)
	hooks := &Hooks{Finished: func(j *Job, r Result) { results <- fmt.Sprintf("%d %s", j.Offset, r.Outcome) }}
	d, ran := batches(t, 1, Batch{Max: 4}, hooks, func(_ context.Context, jobs []*Job) []error {
		errs := make([]error, len(jobs))
		for i, job := range jobs {
			if job.Offset == 1 && job.Attempt == 1 {
				errs[i] = errors.New("no")
			}
		}
		return errs
	})
	d.add(t, 6, oneLane)
	d.start(t)
	wantBatch(t, ran, "0.1", "1.1", "2.1", "3.1")
	wantBatch(t, ran, "1.2", "4.1", "5.1")
	waitFor(t, "all are done", func() bool { return d.frontier(t) == 6 })
	var got []string
	for range 7 {
		got = append(got, <-results)
	}
	slices.Sort(got)
	if want := []string{"0 done", "1 done", "1 retry", "2 done", "3 done", "4 done", "5 done"}; !slices.Equal(got, want) {
		t.Errorf("results %v", got)
	}
}

func TestResultsThatFailTheWholeBatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    func([]*Job) []error
		want string
	}{
		"panic":      {func([]*Job) []error { panic("at the second") }, "panic: at the second"},
		"one result": {func([]*Job) []error { return []error{nil} }, "handler returned 1 results for a batch of 2 jobs"},
		"all":        {func(jobs []*Job) []error { return FailAll(jobs, 0, errors.New("no database")) }, "no database"},
		"defers":     {func(jobs []*Job) []error { jobs[0].Defer(0); jobs[1].Defer(0); return nil }, "a job of a batch cannot be deferred"},
		"produces": {func(jobs []*Job) []error {
			jobs[0].Produce(Record{Topic: "x"})
			jobs[1].Produce(Record{Topic: "x"})
			return nil
		}, "a job of a batch cannot produce records"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := make(chan Result, 2)
			hooks := &Hooks{Finished: func(j *Job, r Result) {
				if j.Attempt == 1 {
					results <- r
				}
			}}
			d, _ := batches(t, 1, Batch{Max: 2}, hooks, func(_ context.Context, jobs []*Job) []error {
				if jobs[0].Attempt == 1 {
					return c.f(jobs)
				}
				return nil
			})
			d.add(t, 2, oneLane)
			d.start(t)
			for range 2 {
				if r := <-results; r.Outcome != "retry" || len(r.Err.Error()) < len(c.want) || r.Err.Error()[:len(c.want)] != c.want {
					t.Errorf("got %+v", r)
				}
			}
			waitFor(t, "all are done", func() bool { return d.frontier(t) == 2 })
		})
	}
}

func TestWorkersOfABatchAreFreeWhileItGathers(t *testing.T) {
	t.Parallel()
	d, ran := batches(t, 1, Batch{Max: 3, Wait: 20 * time.Second}, nil, func(context.Context, []*Job) []error { return nil })
	d.add(t, 4, func(offset int) int { return min(offset, 1) }) // one job in lane 0, three in lane 1
	d.start(t)
	wantBatch(t, ran, "1.1", "2.1", "3.1") // the worker does not wait with lane 0
	d.add(t, 2, oneLane)
	wantBatch(t, ran, "0.1", "4.1", "5.1")
}

func TestCancelOfOneJobEndsItsBatch(t *testing.T) {
	t.Parallel()
	d, ran := batches(t, 1, Batch{Max: 3}, nil, func(ctx context.Context, jobs []*Job) []error {
		if len(jobs) < 3 {
			return nil
		}
		<-ctx.Done()
		errs := FailAll(jobs, 0, context.Cause(ctx))
		errs[2] = nil // it was done before
		return errs
	})
	d.add(t, 3, oneLane)
	d.start(t)
	<-ran
	i := d.cancelling()
	plan, err := i.Plan(t.Context(), inspect.Command{
		Verb: inspect.Cancel, Then: inspect.ThenSkip,
		Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1}},
	})
	if err != nil || len(plan.Jobs) != 1 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	if op, err := i.Execute(t.Context(), plan); err != nil || len(op.Done) != 1 {
		t.Fatalf("operation %+v, %v", op, err)
	}
	wantBatch(t, ran, "0.1") // no attempt is lost
	waitFor(t, "all are done", func() bool { return d.frontier(t) == 3 })
}

func TestBatchTimesOutTogether(t *testing.T) {
	t.Parallel()
	results := make(chan Result, 4)
	b := Batch{Max: 2, Handler: BatchHandlerFunc(func(ctx context.Context, jobs []*Job) []error {
		if jobs[0].Attempt > 1 {
			return nil
		}
		<-ctx.Done()
		return FailAll(jobs, 0, ctx.Err())
	})}
	d := newDesk(t, 1, Topic{Batch: &b, Retry: fixedDelay(0), Timeout: 5 * time.Millisecond}, &Hooks{Finished: func(j *Job, r Result) {
		if j.Attempt == 1 {
			results <- r
		}
	}})
	d.limit("orders", d.part.route)
	d.add(t, 2, oneLane)
	d.start(t)
	for range 2 {
		if r := <-results; r.Outcome != "retry" || !errors.Is(r.Err, ErrTimeout) {
			t.Errorf("got %+v", r)
		}
	}
}

func TestTryRunsABatchOfOne(t *testing.T) {
	t.Parallel()
	trial, err := Try(t.Context(), Config{Topics: []Topic{{Name: "orders", Batch: &Batch{Max: 5, Handler: BatchHandlerFunc(
		func(_ context.Context, jobs []*Job) []error { return FailAll(jobs, 0, Skip("seen")) })}}}}, Job{Record: Record{Topic: "orders"}})
	if err != nil || trial.Result.Outcome != "skipped" {
		t.Errorf("got %+v, %v", trial.Result, err)
	}
}
