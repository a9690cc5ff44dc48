package inspect

import (
	"context"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// DeadTarget is a dead letter that a plan would change.
type DeadTarget struct {
	Name
	ID     string `json:"id"`
	Number uint64 `json:"number"`
}

// deadVerb acts on dead letters.
type deadVerb struct {
	// act carries the command out on letters of one partition. It is durable on
	// return.
	act  func(context.Context, *queue.Store, Command, []queue.DeadRef) ([]queue.RequeueResult, error)
	said string    // what the log says of each
	bulk bulk.Kind // where the job runs, its partition has to be held, and its attempts may be reset
}

func requeue(ctx context.Context, s *queue.Store, c Command, refs []queue.DeadRef) ([]queue.RequeueResult, error) {
	return s.Requeue(ctx, c.ResetAttempts, refs...)
}

func discard(ctx context.Context, s *queue.Store, _ Command, refs []queue.DeadRef) ([]queue.RequeueResult, error) {
	gone, err := s.Discard(ctx, refs...)
	results := make([]queue.RequeueResult, len(refs))
	for i, ref := range refs {
		results[i] = queue.RequeueResult{DeadRef: ref, Done: slices.Contains(gone, ref)}
	}
	return results, err
}

func (v deadVerb) validate(c Command) error {
	if c.ResetAttempts && !v.bulk.Runs() {
		return noReset(c.Verb)
	}
	return nil
}

// execute acts on the letters of the plan by name: a job that comes back takes
// its place before later ones of its lane.
func (v deadVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	if plan.Background {
		return i.executeLater(ctx, plan, op)
	}
	targets := slices.SortedFunc(slices.Values(plan.Dead), func(a, b DeadTarget) int { return compareNames(a.Name, b.Name) })
	for len(targets) > 0 {
		n := min(batchJobs, len(targets))
		refs := make([]queue.DeadRef, n)
		for j, t := range targets[:n] {
			refs[j] = queue.DeadRef{TopicPartition: queue.TopicPartition{Topic: t.Topic, Partition: t.Partition}, Offset: t.Offset, Number: t.Number}
		}
		targets = targets[n:]
		results, err := v.act(ctx, i.store, op.Command, refs)
		if err != nil {
			return err
		}
		for _, r := range results {
			v.note(i, op, r)
		}
	}
	return nil
}

// note puts into op what came of a letter.
func (v deadVerb) note(i *inspector, op *Operation, r queue.RequeueResult) {
	name := Name{r.Topic, r.Partition, r.Offset}
	switch {
	case r.Done:
		op.Done = append(op.Done, name)
		i.opt.Logger.Info(v.said, "job", name, "reason", op.Command.Reason)
	case r.Err != nil:
		reason, _ := refusalOf(r.Err)
		add(&op.Refused, reason, name)
	default:
		add(&op.AlreadyDone, reasonNotDead, name)
	}
}
