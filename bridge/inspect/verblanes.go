package inspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Why nothing is to be done about a lane, or it is refused.
const (
	reasonParked    = "its lane is parked already"
	reasonNotParked = "it is not parked"
	reasonReleased  = "it is released already"
	reasonLaneAway  = "its partition is not held here"
)

// laneVerb acts on parked lanes.
type laneVerb struct {
	apply func(Command, *queue.Partition, queue.ParkedLane) (changed bool, err error)
	said  string
	bulk  bulk.Kind // where the jobs run, their attempts may be reset
}

func (v laneVerb) validate(c Command) error {
	q := c.Select
	var problems []error
	if q.From > 0 || len(q.States) > 0 || !q.StoredBefore.IsZero() || q.ErrorMatches != "" {
		problems = append(problems, fmt.Errorf("%s is about parked lanes, not about jobs: select them by topic, partitions, key, lane or the offset that they were parked for", c.Verb))
	}
	if c.ResetAttempts && !v.bulk.Runs() {
		problems = append(problems, fmt.Errorf("attempts are not reset by %s", c.Verb))
	}
	return errors.Join(problems...)
}

func (v laneVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	held, running := i.store.Attached(), i.claims(plan.Command.Select.Topic)
	for lane, err := range i.scanParked(ctx, plan.Command.Select) {
		if err != nil {
			return err
		}
		// Others that were parked meanwhile were not seen. Behind the present is what
		// was parked before the clock was set back.
		if lane.Since.After(plan.Made) && !lane.Since.After(i.now()) {
			continue
		}
		plan.Matched++
		by, _ := bulk.First(running, func(c bulk.Claim) (bool, error) { return c.TakesLane(lane) })
		switch {
		case lane.Released:
			addOther(&plan.AlreadyDone, reasonReleased)
		case find(held, lane.TopicPartition) == nil:
			addOther(&plan.Refused, reasonLaneAway)
		case by != nil:
			plan.leaveTo(by, addOther)
		case len(plan.Lanes) == MaxJobs:
			plan.More++
		default:
			plan.Lanes = append(plan.Lanes, parkedLane(lane, true))
		}
	}
	return plan.settle(i.offline)
}

func (v laneVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	if plan.Background {
		return i.executeLater(ctx, plan, op)
	}
	held := i.store.Attached()
	var changed []ParkedLane
	for _, lane := range plan.Lanes {
		seen := lane.stored()
		p := find(held, seen.TopicPartition)
		if p == nil {
			addOther(&op.Refused, reasonLaneAway)
			continue
		}
		done, err := v.apply(op.Command, p, seen)
		refusal, refused := refusalOf(err)
		switch {
		case refused:
			addOther(&op.Refused, refusal)
		case err != nil:
			return err
		case done:
			changed = append(changed, lane)
		default:
			addOther(&op.AlreadyDone, reasonNotParked)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := i.store.Sync(ctx); err != nil {
		return err
	}
	for _, lane := range changed {
		op.Lanes = append(op.Lanes, lane)
		i.opt.Logger.Info(v.said, "topic", lane.Topic, "partition", lane.Partition, "lane", lane.LaneID.String(),
			"jobs", lane.Jobs, "elsewhere", lane.Elsewhere, "reason", op.Command.Reason)
	}
	return nil
}
