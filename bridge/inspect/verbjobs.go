package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// jobVerb acts on open jobs, each by itself.
type jobVerb struct {
	// judge tells whether the command would change the job, or why it refuses.
	judge func(Command, queue.Pending) (needed bool, refusal error)
	// apply carries the command out on a job as it was seen. The change is
	// durable with the store's next flush.
	apply func(_ Command, _ *queue.Partition, seen queue.Pending) (changed bool, err error)
	said  string    // what the log says of each job, once that is durable
	bulk  bulk.Kind // where the job runs, its attempts may be reset
	// already is why nothing is to be done about a job; empty: it runs anyway.
	already string
	lanes   bool // it acts on the lane of a job, with all jobs of that
}

func (v jobVerb) validate(c Command) error {
	if c.ResetAttempts && !v.bulk.Runs() {
		return noReset(c.Verb)
	}
	return nil
}

func noReset(v Verb) error {
	return fmt.Errorf("attempts are reset by retry, requeue and release only, not by %s", v)
}

// execute acts on the jobs of the plan. Within a partition the last one comes
// first: a skipped head would let the next job of its lane start before the
// skip that is meant for it.
func (v jobVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	if plan.Background && v.bulk.Stored() {
		return i.executeLater(ctx, plan, op)
	}
	targets := slices.SortedFunc(slices.Values(plan.Jobs), func(a, b Target) int { return compareNames(b.Name, a.Name) })
	for len(targets) > 0 {
		n := 1
		for n < min(batchJobs, len(targets)) && targets[n].tp() == targets[0].tp() {
			n++
		}
		if err := v.executeBatch(ctx, i, op, targets[:n]); err != nil {
			return err
		}
		targets = targets[n:]
	}
	return nil
}

// executeBatch acts on jobs of one partition and waits until that is durable.
func (v jobVerb) executeBatch(ctx context.Context, i *inspector, op *Operation, targets []Target) error {
	p := find(i.store.Attached(), targets[0].tp())
	seen, err := look(ctx, p, targets)
	if p == nil || errors.Is(err, queue.ErrDetached) {
		for _, t := range targets {
			add(&op.Refused, reasonNotHeld, t.Name)
		}
		return nil
	}
	if err != nil {
		return err
	}
	var changed []Target
	state := p.State()
	for _, t := range targets {
		now, open := seen[t.Offset]
		switch {
		case !t.isOf(state.TopicID):
			add(&op.Refused, reasonNewTopic, t.Name)
		case !open && t.Offset >= state.Next:
			add(&op.Refused, reasonUnknown, t.Name)
		case !open:
			add(&op.AlreadyDone, reasonFinished, t.Name)
		case t.ID != idOf(state.TopicID, t.Name, now.Rerun): // another job of its record
			add(&op.Refused, queue.ErrJobChanged.Error(), t.Name)
		default:
			done, err := v.act(op, p, t, now)
			if err != nil {
				return err
			}
			if done {
				changed = append(changed, t)
			}
		}
	}
	return i.confirm(ctx, op, changed, v.said)
}

// act acts on a job that is open, or answers why not. The store is told the
// state that the plan showed: it acts on no other.
func (v jobVerb) act(op *Operation, p *queue.Partition, t Target, now queue.Pending) (done bool, err error) {
	now.Attempts, now.State = t.Attempts, queueStates[t.State]
	done, err = v.apply(op.Command, p, now)
	if reason, ok := refusalOf(err); ok {
		add(&op.Refused, reason, t.Name)
		return false, nil
	}
	if !done && err == nil {
		add(&op.AlreadyDone, cmp.Or(v.already, reasonRuns), t.Name)
	}
	return done, err
}

// look returns the jobs that are open; none without a partition.
func look(ctx context.Context, p *queue.Partition, targets []Target) (map[int64]queue.Pending, error) {
	if p == nil {
		return nil, nil
	}
	offsets := make([]int64, len(targets))
	for i, t := range targets {
		offsets[i] = t.Offset
	}
	slices.Sort(offsets)
	jobs, err := p.Find(ctx, slices.Compact(offsets)...)
	seen := make(map[int64]queue.Pending, len(jobs))
	for _, j := range jobs {
		seen[j.Offset] = j
	}
	return seen, err
}

// confirm waits until what was changed is durable, and says it.
func (i *inspector) confirm(ctx context.Context, op *Operation, changed []Target, said string) error {
	if len(changed) == 0 {
		return nil
	}
	if err := i.store.Sync(ctx); err != nil {
		return err
	}
	for _, t := range changed {
		op.Done = append(op.Done, t.Name)
		i.opt.Logger.Info(said, "job", t.Name, "state", string(t.State), "attempts", t.Attempts, "reason", op.Command.Reason)
	}
	return nil
}
