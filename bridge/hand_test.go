package bridge

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestHandSizeFollowsTheWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		took time.Duration
		jobs int
		want int
	}{
		{0, 1, maxHand},
		{time.Microsecond, 1, maxHand},
		{20 * time.Microsecond, 1, 10},
		{200 * time.Microsecond, 10, 10},
		{time.Millisecond, 1, 1},
		{time.Hour, 64, 1},
		{time.Second, 0, 1}, // a wait that brought nothing
	} {
		if got := handSize(c.took, c.jobs); got != c.want {
			t.Errorf("%d jobs in %v: %d, want %d", c.jobs, c.took, got, c.want)
		}
	}
}

func TestSlowJobHoldsUpNobodyInItsHand(t *testing.T) {
	t.Parallel()
	slow, release := make(chan struct{}), make(chan struct{})
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		if job.Offset == 1 {
			close(slow)
			<-release
		}
		return nil
	})}, nil)
	d.add(t, 10, func(offset int) int { return offset })
	h := &hand{store: d.store}
	h.relief = time.AfterFunc(time.Hour, func() { // set to its time by deal
		<-slow // also where the machine is too busy to start it in time
		if err := h.settle(); err != nil {
			t.Error(err)
		}
	})
	took := make([]queue.Job, 10)
	if n, err := d.store.Take(t.Context(), took); err != nil || n != 10 {
		t.Fatalf("took %d, %v", n, err)
	}
	h.deal(took)
	played := make(chan struct{})
	go func() {
		defer close(played)
		d.play(&worker{ctx: t.Context()}, h)
	}()
	defer func() { <-played }()
	defer close(release)
	// The jobs behind it are back, and the one before it is done.
	within(t, "only the slow job runs", func() bool { return d.stored.Running() == 1 })
	again, err := d.store.Take(t.Context(), make([]queue.Job, 10))
	if err != nil || again != 8 {
		t.Errorf("%d jobs were given back (%v), want the 8 that were not started", again, err)
	}
	if got := d.frontier(t); got != 1 {
		t.Errorf("frontier %d, want the slow job's", got)
	}
}

// A process that stood still, or a partition that is revoked, must not go on
// with what its workers had taken before.
func TestJobTakenBeforeTheLeaseEndedDoesNotStart(t *testing.T) {
	t.Parallel()
	var d *desk
	var started []int64
	d = newDesk(t, 1, Topic{Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		started = append(started, job.Offset)
		d.part.withdraw(false)
		return nil
	})}, nil)
	d.add(t, 10, func(offset int) int { return offset })
	took := make([]queue.Job, 10)
	if n, err := d.store.Take(t.Context(), took); err != nil || n != 10 {
		t.Fatalf("took %d, %v", n, err)
	}
	h := &hand{store: d.store}
	h.deal(took)
	d.play(&worker{ctx: t.Context()}, h)
	if err := h.report(); err != nil {
		t.Fatal(err)
	}
	if len(started) != 1 || d.stored.Running() != 0 || d.frontier(t) != 1 {
		t.Errorf("started %v, %d still out, frontier %d", started, d.stored.Running(), d.frontier(t))
	}
}

func TestLanesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	const jobs, lanes = 20_000, 37
	var mu sync.Mutex
	last := make(map[string]int64)
	running := make(map[string]bool)
	var breaks []string
	d := newDesk(t, 8, Topic{Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		mu.Lock()
		if before, seen := last[job.Lane]; running[job.Lane] || seen && before >= job.Offset {
			breaks = append(breaks, job.String())
		}
		running[job.Lane], last[job.Lane] = true, job.Offset
		mu.Unlock()
		if job.Offset%1000 == 0 {
			time.Sleep(3 * time.Millisecond) // long enough for a hand to be relieved
		}
		mu.Lock()
		running[job.Lane] = false
		mu.Unlock()
		return nil
	})}, nil)
	d.start(t)
	for range 20 {
		d.add(t, jobs/20, func(offset int) int { return offset * 7 % lanes })
	}
	within(t, "all done", func() bool { return d.stored.State().Open == 0 })
	if len(breaks) > 0 {
		t.Errorf("order broke at %d jobs, first %s", len(breaks), breaks[0])
	}
	if got := d.frontier(t); got != jobs {
		t.Errorf("frontier %d, want %d", got, jobs)
	}
}

func TestFailedJobRunsAgainAndHoldsItsLaneOnly(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []int64
	var errs []string
	d := newDesk(t, 4, Topic{
		Retry: Backoff{First: 50 * time.Millisecond, Jitter: -1},
		Handler: HandlerFunc(func(_ context.Context, job *Job) error {
			if job.Offset == 0 && job.Attempt < 3 {
				return errors.New("not yet")
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, job.Offset)
			if job.Offset == 0 {
				errs = append(errs, job.LastError)
			}
			return nil
		}),
	}, nil)
	d.add(t, 3, func(offset int) int { return offset % 2 }) // 0 and 2 share a lane
	d.start(t)
	within(t, "all done", func() bool { return d.stored.State().Open == 0 })
	if diff := cmp.Diff([]int64{1, 0, 2}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"not yet"}, errs); diff != "" {
		t.Errorf("last error (-want +got):\n%s", diff)
	}
}

func TestPanicAndGoexitAreFailedAttempts(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var results []error
	d := newDesk(t, 2, Topic{
		Retry: Backoff{First: time.Millisecond, Jitter: -1},
		Handler: HandlerFunc(func(_ context.Context, job *Job) error {
			switch job.Attempt {
			case 1:
				panic("boom")
			case 2:
				runtime.Goexit()
			}
			return nil
		}),
	}, &Hooks{Finished: func(_ *Job, res Result) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, res.Err)
	}})
	d.add(t, 1, func(int) int { return 0 })
	d.start(t)
	within(t, "done", func() bool { return d.stored.State().Open == 0 })
	mu.Lock()
	defer mu.Unlock()
	if len(results) != 3 || !errors.As(results[0], new(*PanicError)) || !errors.Is(results[1], errGoexit) || results[2] != nil {
		t.Errorf("results %v", results)
	}
}

func TestInterruptedRunLosesNoAttempt(t *testing.T) {
	t.Parallel()
	started := make(chan int, 2)
	var causes []error
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(ctx context.Context, job *Job) error {
		started <- job.Attempt
		<-ctx.Done()
		causes = append(causes, context.Cause(ctx))
		return ctx.Err()
	})}, nil)
	d.add(t, 1, func(int) int { return 0 })
	d.start(t)
	<-started
	d.stored.Lease(time.Time{})
	d.part.interrupt(ErrRevoked)
	if err := d.stored.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ErrRevoked, causes[0], cmp.Comparer(errors.Is)); diff != "" {
		t.Error(diff)
	}
	<-d.pool.stop()
	d.stored.Lease(queue.Forever)
	job := make([]queue.Job, 1)
	if _, err := d.store.Take(t.Context(), job); err != nil || job[0].Attempt != 1 {
		t.Errorf("attempt %d, %v, want 1 again", job[0].Attempt, err)
	}
}

func TestPanickingHookIsContained(t *testing.T) {
	t.Parallel()
	var durable atomic.Int64
	d := newDesk(t, 1, Topic{Handler: doNothing}, &Hooks{
		Started:  func(*Job) { panic("hook") },
		Finished: func(*Job, Result) { panic("hook") },
		Durable: func(c []Completion) {
			durable.Add(int64(len(c)))
			panic("hook")
		},
	})
	d.add(t, 10, func(offset int) int { return offset })
	d.start(t)
	within(t, "all durable", func() bool { return durable.Load() == 10 })
}

func TestNoHookIsCalledAfterTheEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	h := newDesk(t, 1, Topic{Handler: doNothing}, &Hooks{
		Started:  func(*Job) { calls++ },
		Finished: func(*Job, Result) { calls++ },
	}).hooks
	h.started(&Job{})
	h.end()
	h.started(&Job{})
	h.finished(&Job{}, Result{})
	if calls != 1 {
		t.Errorf("%d calls, want the one before the end", calls)
	}
}
