package bridge

import (
	"context"
	"errors"
	"testing"
)

func TestNextAttemptFindsTheLastCheckpoint(t *testing.T) {
	t.Parallel()
	found := make(chan string, 4)
	d := newDesk(t, 1, Topic{Retry: fixedDelay(0), Handler: HandlerFunc(func(ctx context.Context, job *Job) error {
		last := job.LastCheckpoint()
		found <- string(last)
		if job.Attempt == 3 {
			return nil
		}
		if err := job.Checkpoint(ctx, append(last, 'x')); err != nil {
			t.Error(err)
		}
		return errors.New("not yet")
	})}, nil)
	d.start(t)
	d.add(t, 1, func(int) int { return 0 })
	for _, want := range []string{"", "x", "xx"} {
		if got := <-found; got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

// TestCheckpointAfterTheRun: what a handler leaves running cannot write into a
// job that is another's by now.
func TestCheckpointAfterTheRun(t *testing.T) {
	t.Parallel()
	jobs := make(chan *Job, 2)
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		jobs <- job
		return nil
	})}, nil)
	d.start(t)
	d.add(t, 2, func(int) int { return 0 })
	first := <-jobs
	<-jobs
	waitFor(t, "both are done", func() bool { return d.frontier(t) == 2 })
	if err := first.Checkpoint(t.Context(), []byte("late")); err == nil {
		t.Error("a checkpoint after the run was taken")
	}
}

func TestCheckpointLimitsHoldWithoutAStore(t *testing.T) {
	t.Parallel()
	_, err := Try(t.Context(), Config{Topics: []Topic{{Name: "orders", Handler: HandlerFunc(func(ctx context.Context, job *Job) error {
		if err := job.Checkpoint(ctx, make([]byte, MaxCheckpoint)); err != nil {
			t.Error(err)
		}
		if err := job.Checkpoint(ctx, make([]byte, MaxCheckpoint+1)); !errors.Is(err, ErrCheckpointTooLarge) {
			t.Errorf("got %v", err)
		}
		if last := job.LastCheckpoint(); last != nil {
			t.Errorf("found %q", last)
		}
		return nil
	})}}}, Job{Record: Record{Topic: "orders"}})
	if err != nil {
		t.Fatal(err)
	}
}
