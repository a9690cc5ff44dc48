package crashtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
	"github.com/seed-2837c37b/holdfast/queue"
)

// doomed jobs are skipped by the operator, and never retried.
func doomed(offset int64) bool { return offset%2 == 0 }

// operate looks again and again for jobs that were given up, and mends them
// while the bridge works, until ctx ends.
func (w *worker) operate(ctx context.Context, inspector inspect.Inspector) {
	for {
		err := w.mendAll(ctx, inspector)
		later := errors.Is(err, inspect.ErrNotRunning) || errors.Is(err, inspect.ErrNotHeld) || errors.Is(err, queue.ErrReset)
		if err != nil && ctx.Err() == nil && !later {
			fmt.Fprintln(os.Stderr, "operator:", err)
			os.Exit(1) // the observer sees an exit that nobody planned
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w *worker) mendAll(ctx context.Context, inspector inspect.Inspector) error {
	for job, err := range inspector.Jobs(ctx, inspect.Query{States: []inspect.State{inspect.Halted}}) {
		if err != nil {
			return err
		}
		if err := w.mend(ctx, inspector, job); err != nil {
			return err
		}
	}
	return nil
}

// mend tells the history before it acts, since the next job of the lane may
// start before the command returns. Nobody else acts: a refusal is a fault.
func (w *worker) mend(ctx context.Context, inspector inspect.Inspector, job inspect.Job) error {
	command, kind := inspect.Command{Verb: inspect.Retry}, history.Retry
	if doomed(job.Offset) {
		command.Verb, kind = inspect.Skip, history.Skip
	}
	command.Select = inspect.Query{Topic: job.Topic, Partitions: []int32{job.Partition}, Offsets: []int64{job.Offset}}
	plan, err := inspector.Plan(ctx, command)
	if err != nil {
		return err
	}
	w.append(history.Event{Kind: kind, Process: process, Topic: job.Topic, Partition: job.Partition, Offset: job.Offset})
	done, err := inspector.Execute(ctx, plan)
	if err != nil {
		return err
	}
	if len(done.Done) != 1 {
		return fmt.Errorf("%s %s: %+v after the plan %+v", command.Verb, job.Name, done, plan)
	}
	return nil
}
