package inspect

import (
	"context"
	"slices"
	"time"

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
	said string // what the log says of each
	runs bool   // the job runs again: its partition has to be held, and its attempts may be reset
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
	if c.ResetAttempts && !v.runs {
		return noReset(c.Verb)
	}
	return nil
}

// plan leaves out what is buried from now on, also in the plans that are made
// after this one with its command: what dies again is not taken twice.
func (v deadVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	q := &plan.Command.Dead
	if q.BuriedBefore.IsZero() {
		q.BuriedBefore = plan.Made.Add(time.Nanosecond)
	}
	missing, held := q.named(), i.store.Attached()
	for f, err := range i.scanDead(ctx, *q) {
		if err == nil {
			err = v.add(i, held, plan, f)
		}
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(offset int64) bool { return offset == f.Offset })
	}
	for _, offset := range missing {
		add(&plan.AlreadyDone, reasonNotDead, Name{q.Topic, q.Partitions[0], offset})
	}
	slices.SortStableFunc(plan.Errors, func(a, b Group) int { return b.Count - a.Count })
	return nil
}

// named returns the offsets that are asked for whatever their letters are like.
func (q DeadQuery) named() []int64 {
	if q.Key != nil || q.Lane != nil || q.ErrorMatches != "" || q.Limit > 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(q.Offsets)))
}

// maxErrors bounds the errors that a plan counts.
const maxErrors = 20

func (v deadVerb) add(i *inspector, held []*queue.Partition, plan *Plan, f *deadFound) error {
	plan.Matched++
	if at := slices.IndexFunc(plan.Errors, func(g Group) bool { return g.Reason == f.Reason }); at >= 0 || len(plan.Errors) < maxErrors {
		add(&plan.Errors, f.Reason, f.name())
	}
	refusal := v.refusal(held, f)
	switch {
	case refusal != "":
		add(&plan.Refused, refusal, f.name())
	case len(plan.Dead) == MaxJobs:
		plan.More++
	default:
		plan.Dead = append(plan.Dead, DeadTarget{f.name(), idOf(f.TopicID, f.name()), f.Number})
		if len(plan.DeadSample) < sampleSize {
			there, err := f.read(i.store)
			if there {
				plan.DeadSample = append(plan.DeadSample, f.show())
			}
			return err
		}
	}
	return nil
}

// refusal tells why a letter cannot be a job again, as far as that is known.
func (v deadVerb) refusal(held []*queue.Partition, f *deadFound) string {
	if !v.runs {
		return ""
	}
	p := find(held, f.TopicPartition)
	switch {
	case p == nil:
		return reasonNotHeld
	case f.Damaged != nil:
		return f.Damaged.Error()
	}
	if id := p.State().TopicID; id != f.TopicID && id != "" && f.TopicID != "" {
		return reasonNewTopic
	}
	return ""
}

// execute acts on the letters of the plan by name: a job that comes back takes
// its place before later ones of its lane.
func (v deadVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
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
