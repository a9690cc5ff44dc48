package inspect

import (
	"context"

	"github.com/seed-2837c37b/holdfast/queue"
)

// claimOn returns the running operation that is about to take a job or a dead
// letter; nil: none, or that is not known.
func (i *inspector) claimOn(ctx context.Context, d *JobDetail) *BulkOperation {
	tp := queue.TopicPartition{Topic: d.Topic, Partition: d.Partition}
	claims := i.claims(d.Topic)
	if len(claims) == 0 {
		return nil
	}
	takes := func(claim) (bool, error) { return false, nil }
	if d.State == Dead {
		letter, there, err := i.store.DeadLetter(queue.DeadRef{TopicPartition: tp, Offset: d.Offset, Number: d.Letter.Number})
		if !there || err != nil {
			return nil
		}
		f := &deadFound{DeadLetter: letter, whole: true}
		takes = func(c claim) (bool, error) { return c.takes(i.store, f) }
	} else if p := find(i.store.Attached(), tp); p != nil {
		jobs, err := p.Find(ctx, d.Offset)
		if len(jobs) == 0 || err != nil {
			return nil
		}
		f := &found{Pending: jobs[0], tp: tp, topicID: p.State().TopicID, part: p}
		lanes, _, err := i.store.FindParked(ctx, tp, queue.ParkedLane{Lane: f.Lane, Offset: f.Offset})
		if err != nil {
			return nil
		}
		takes = func(c claim) (bool, error) {
			if len(lanes) > 0 && c.takesLane(i, lanes[0]) {
				return true, nil
			}
			return c.claimsJob(f)
		}
	}
	by, err := claimedBy(claims, takes)
	if by == nil || err != nil {
		return nil
	}
	op := by.show()
	return &op
}

// tellOperation tells what is about to become of the job, which no other command
// takes meanwhile.
func (s *scene) tellOperation(e *Explanation) {
	op := s.taker
	e.fact("operation", "%s by %s, %d of %d so far: %s", op.ID, op.Actor, op.Taken, op.Matched, short(op.What, 200))
	e.NextStep = "operation " + op.ID + " is about to " + op.Verb.does() + " it."
	if op.Reason != "" {
		e.NextStep = "operation " + op.ID + " is about to " + op.Verb.does() + " it, and " + op.Reason + "."
	}
	e.can("how far that is", "holdfast operations --id %s", op.ID)
	e.can("what it has not taken yet stays as it is", "holdfast operations stop --id %s", op.ID)
}
