package inspect

import (
	"context"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
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
	takes := func(bulk.Claim) (bool, error) { return false, nil }
	if d.State == Dead {
		letter, there, err := i.store.DeadLetter(queue.DeadRef{TopicPartition: tp, Offset: d.Offset, Number: d.Letter.Number})
		if !there || err != nil {
			return nil
		}
		takes = func(c bulk.Claim) (bool, error) { return c.TakesLetter(letter) }
	} else if p := find(i.store.Attached(), tp); p != nil {
		jobs, err := p.Find(ctx, d.Offset)
		if len(jobs) == 0 || err != nil {
			return nil
		}
		j := jobs[0]
		lanes, _, err := i.store.FindParked(ctx, tp, queue.ParkedLane{Lane: j.Lane, Offset: j.Offset})
		if err != nil {
			return nil
		}
		takes = func(c bulk.Claim) (bool, error) {
			if len(lanes) > 0 {
				if takes, err := c.TakesLane(lanes[0]); takes || err != nil {
					return takes, err
				}
			}
			return c.TakesJob(p, j)
		}
	}
	by, err := bulk.First(claims, takes)
	if by == nil || err != nil {
		return nil
	}
	op := shownOperation(by.Entry)
	return &op
}

// tellOperation tells what is about to become of the job, which no other command
// takes meanwhile.
func (s *scene) tellOperation(e *Explanation) {
	op := s.taker
	e.fact("operation", "%s by %s, %d of %d so far: %s", op.ID, op.Actor, op.Taken, op.Matched, words.Short(op.What, 200))
	e.NextStep = "operation " + op.ID + " is about to " + op.Verb.does() + " it."
	if op.Reason != "" {
		e.NextStep = "operation " + op.ID + " is about to " + op.Verb.does() + " it, and " + op.Reason + "."
	}
	e.can("how far that is", "holdfast operations --id %s", op.ID)
	e.can("what it has not taken yet stays as it is", "holdfast operations stop --id %s", op.ID)
}
