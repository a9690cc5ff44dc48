package bulk

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// heldPatience is how long a partition may be away before what is left of it is
// refused: a restart or a rebalance is shorter. While Kafka is away nobody knows who
// has it, and that does not count.
const heldPatience = 5 * time.Minute

// take takes what there is for as long as it is this operation's turn, and ends the
// operation when there is nothing to take any more.
func (r *run) take(ctx context.Context) (more bool, err error) {
	if r.member = r.x.Member(); !r.member {
		r.waitAnew()
	}
	if err := r.refuseAway(ctx); err != nil {
		return false, err
	}
	for begin := time.Now(); time.Since(begin) < stepFor; {
		if reason := r.stops(); reason != "" {
			r.finish(Stopped, reason)
			return false, nil
		}
		if len(r.parts) == 0 || r.limited() == 0 {
			r.finish(Done, "")
			return false, nil
		}
		part, n := r.nextPart(), r.room()
		if part == nil || n == 0 {
			r.waits(part)
			return false, nil
		}
		if err := r.takeFrom(ctx, part, n); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *run) finish(state State, reason string) {
	r.changed = true
	r.End(state, reason, r.x.Now())
	op := &r.Operation
	r.x.Logger.Info("stored operation has ended", "operation", op.ID, "verb", op.Verb, "state", string(op.State),
		"because", op.Reason, "matched", op.Matched, "taken", op.Taken, "refused", op.refused(), "again", op.again())
}

// waits tells what the operation waits for, apart from its pace.
func (r *run) waits(part *cursor) {
	reason := ""
	switch {
	case part == nil:
		reason = fmt.Sprintf("waits for %s to be held here", r.parts[0].TopicPartition)
		if !r.member {
			reason += ", and Kafka does not confirm that this bridge is a member of its group"
		}
	case r.kind.Runs() && r.window() <= r.Operation.Waiting:
		reason = fmt.Sprintf("waits for some of %d %s %s to finish", r.Operation.Waiting, r.kind.Taken, r.kind.Vain.What)
	}
	if r.Operation.Reason != reason {
		r.Operation.Reason, r.changed = reason, true
	}
}

// nextPart returns the partition whose turn it is and which can be worked on; nil
// where all of them have to be waited for. A limit of letters is over the first of
// them, as in the plan; of jobs and lanes each partition knows its last one.
func (r *run) nextPart() *cursor {
	inOrder := len(r.Parts) > 0 && r.terms.Limit > 0
	for n := range r.parts {
		if inOrder && n > 0 {
			break
		}
		part := r.parts[0]
		if !inOrder {
			r.parts = append(r.parts[1:], part)
		}
		if !r.targets.away(part.TopicPartition) {
			part.away = time.Time{}
			return part
		}
		if part.away.IsZero() && r.member {
			part.away = r.x.Now()
		}
	}
	return nil
}

// waitAnew lets the patience with partitions that are away begin anew.
func (r *run) waitAnew() {
	for _, part := range r.parts {
		part.away = time.Time{}
	}
}

// refuseAway gives up partitions that have been away for too long.
func (r *run) refuseAway(ctx context.Context) error {
	for _, part := range slices.Clone(r.parts) {
		if part.away.IsZero() || r.x.Now().Sub(part.away) < heldPatience {
			continue
		}
		if err := r.targets.giveUp(ctx, part, ReasonNotHeld); err != nil {
			return err
		}
		r.drop(part)
	}
	return nil
}

func (r *run) drop(part *cursor) {
	r.parts = slices.DeleteFunc(r.parts, func(p *cursor) bool { return p == part })
}
