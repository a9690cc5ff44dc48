package queue

import (
	"context"
	"errors"
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
		return r.idle == n
	})
	return jobs
}

func (r *rig) receive(jobs <-chan *Job, n int) (got []*Job) {
	r.t.Helper()
	for range n {
		select {
		case j := <-jobs:
			got = append(got, j)
		case <-time.After(5 * time.Second):
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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
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
