package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// takers starts n goroutines that each take one job, and waits until all of
// them wait. The jobs arrive on the channel; the end of the test cancels.
func (r *rig) takers(n int) <-chan *Job {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	jobs := make(chan *Job, n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			dst := make([]Job, 1)
			if _, err := r.Take(ctx, dst); err == nil {
				jobs <- &dst[0]
			}
		})
	}
	r.t.Cleanup(func() { cancel(); wg.Wait() })
	eventually(r.t, "takers wait", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.idle.waiting) == n
	})
	return jobs
}

func (r *rig) receive(jobs <-chan *Job, n int) (got []*Job) {
	r.t.Helper()
	for range n {
		select {
		case j := <-jobs:
			got = append(got, j)
		case <-time.After(time.Minute):
			r.t.Fatalf("%d of %d waiting callers of Take got a job", len(got), n)
		}
	}
	return got
}

func TestLeaseWakesAsManyTakersAsThereAreLanes(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	p.Lease(time.Time{})
	r.append(p, "a", "b", "c", "d", "e")
	jobs := r.takers(5)
	p.Lease(Forever)
	r.receive(jobs, 5)
}

func TestFinishWakesAsManyTakersAsTheTopicLimitLets(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.LimitTopic("orders", 4)
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "d", "e", "f", "g", "h")
	running := r.take(4)
	r.nothingStarts()
	jobs := r.takers(4)
	var all []Finished
	for _, j := range running {
		all = append(all, Finished{j, Outcome{Kind: Done}})
	}
	r.must(r.Finish(all...))
	r.receive(jobs, 4)
}

func TestARunThatAResetForgotFreesItsPlaceUnderTheTopicLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.LimitTopic("orders", 1)
	p := r.attach(orders)
	r.append(p, "a")
	job := r.take(1)[0]
	r.must(p.Reset(100))
	r.append(p, "b")
	r.nothingStarts()
	jobs := r.takers(1)
	r.done(job)
	r.receive(jobs, 1)
}

func TestFinishOfNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.must(r.Finish())
	r.must(r.Close())
	wantIs(t, "finish of nothing on a closed store", r.Finish(), ErrClosed)
}

func TestTakeOfNothingReturnsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if n, err := r.Take(ctx, nil); n != 0 || err != nil {
		t.Errorf("Take of no jobs: %d, %v", n, err)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	cause := errors.New("stopping")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(time.Millisecond, func() { cancel(cause) })
	_, err := r.Take(ctx, make([]Job, 1))
	wantIs(t, "take", err, cause)
}

func TestLanesTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "a", "a", "b", "b", "c")
	for _, want := range []int64{0, 3, 5, 1, 4, 2} {
		r.done(r.wantTaken(want)...)
	}
}

func TestTopicsAndTheirPartitionsTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	many := make([]string, 50)
	for _, tp := range []TopicPartition{{"orders", 0}, {"orders", 1}, {"orders", 2}, {"bills", 0}} {
		r.append(r.attach(tp), many...)
	}
	got := map[TopicPartition]int{}
	for _, j := range r.take(60) {
		got[j.TopicPartition()]++
	}
	for tp, n := range got {
		if want := map[string]int{"orders": 10, "bills": 30}[tp.Topic]; n != want {
			t.Errorf("%d jobs of %s started, want %d", n, tp, want)
		}
	}
}

func TestABusyPartitionLeavesItsTurnsToOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	stuck, other := r.attach(orders), r.attach(TopicPartition{"orders", 4})
	r.append(stuck, "a", "a", "a")
	r.append(other, "a", "b", "c")
	r.take(4)
	r.nothingStarts()
	if a, b := stuck.Running(), other.Running(); a != 1 || b != 3 {
		t.Errorf("%d and %d jobs run, want 1 and 3", a, b)
	}
}

func TestTopicLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), make([]string, 10)...)
	r.append(r.attach(TopicPartition{"orders", 4}), make([]string, 10)...)
	r.append(r.attach(TopicPartition{"bills", 0}), make([]string, 10)...)
	r.LimitTopic("orders", 3)
	running := r.take(13)
	r.nothingStarts()
	count := 0
	for _, j := range running {
		if j.Topic == "orders" {
			count++
		}
	}
	if count != 3 {
		t.Errorf("%d jobs of the limited topic run", count)
	}
	jobs := r.takers(2)
	r.LimitTopic("orders", 5)
	r.receive(jobs, 2)
	r.LimitTopic("orders", 1) // what runs goes on
	r.done(running...)
	r.nothingStarts()
	r.LimitTopic("orders", 0)
	if n := len(r.drain()); n != 20-5 {
		t.Errorf("%d jobs were left without a limit", n)
	}
}

func TestALeaseEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	p.Lease(r.clock.Now().Add(10 * time.Second))
	r.clock.advance(10*time.Second - 1)
	running := r.take(1)
	r.clock.advance(1)
	r.nothingStarts()
	r.done(running...) // what runs may finish
	r.nothingStarts()
	jobs := r.takers(1)
	p.Lease(r.clock.Now().Add(time.Second))
	r.receive(jobs, 1)
}

func TestRetriesWaitWithoutAWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "a", "b", "c")
	running := r.wantTaken(0, 1, 2)
	now := r.clock.Now()
	r.finish(Outcome{Kind: Retry, Due: now.Add(time.Hour), Error: "late"}, running[0])
	r.finish(Outcome{Kind: Retry, Due: now.Add(time.Minute), Error: "soon"}, running[1])
	r.done(running[2])
	r.done(r.wantTaken(5)...)
	r.nothingStarts() // 3 and 4 are behind those that wait
	if n := p.Running(); n != 0 {
		t.Errorf("%d jobs run", n)
	}
	jobs := r.takers(1)
	r.clock.advance(time.Minute)
	again := r.receive(jobs, 1)
	if j := again[0]; j.Offset != 1 || j.Attempt != 2 || j.LastError != "soon" {
		t.Errorf("retried %d, attempt %d after %q", j.Offset, j.Attempt, j.LastError)
	}
	r.done(again...)
	r.done(r.wantTaken(4)...)
	r.nothingStarts()
	r.clock.advance(time.Hour)
	r.done(r.wantTaken(0)...)
	r.done(r.wantTaken(3)...)
}

func TestWhatIsKnownOfAJobOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "c", "d", "a", "b", "c", "d")
	running := r.wantTaken(0, 1, 2, 3)
	due := r.clock.Now().Add(time.Minute)
	r.finish(Outcome{Kind: Retry, Due: due, Error: "refused"}, running[0])
	r.finish(Outcome{Kind: Halt, Error: "gave up"}, running[1])
	r.finish(Outcome{Kind: Release}, running[2])
	r.reopen() // 3 still ran
	r.attach(orders)
	for _, j := range r.wantTaken(2, 3) {
		if j.Attempt != 1 || j.LastError != "" {
			t.Errorf("%d: attempt %d after %q, want the first", j.Offset, j.Attempt, j.LastError)
		}
	}
	r.nothingStarts()
	r.clock.advance(time.Minute)
	if j := r.wantTaken(0)[0]; j.Attempt != 2 || j.LastError != "refused" {
		t.Errorf("attempt %d after %q", j.Attempt, j.LastError)
	}
	r.nothingStarts() // 1 is halted
}

func TestErrorsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	long := strings.Repeat("x", MaxError-1) + "é and more"
	r.finish(Outcome{Kind: Retry, Error: long}, r.take(1)...)
	if got := r.take(1)[0].LastError; got != long[:MaxError-1] {
		t.Errorf("%d bytes are kept, want %d", len(got), MaxError-1)
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.must(p.Idle(t.Context()))
	r.append(p, "a", "b")
	running := r.take(2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantIs(t, "idle", p.Idle(ctx), context.Canceled)
	idle := make(chan error, 1)
	go func() { idle <- p.Idle(t.Context()) }()
	r.done(running[0])
	select {
	case err := <-idle:
		t.Fatalf("idle with a job running: %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	r.finish(Outcome{Kind: Halt}, running[1])
	r.must(<-idle)
}
