package inspect

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

func (i *inspector) newOperation(ctx context.Context, id string, plan Plan) (e bulk.Entry, err error) {
	c := plan.Command
	e = bulk.Entry{PlanMade: plan.Made, Parts: map[int32]uint64{}, Operation: bulk.Operation{
		ID: id, State: bulk.Running, Actor: ActorOf(ctx), Verb: string(c.Verb), Topic: c.topic(), What: c.String(),
		Began: i.now(), Matched: len(plan.Jobs) + len(plan.Dead) + len(plan.Lanes) + plan.More,
	}}
	if e.Operation.Command, err = json.Marshal(c); err != nil {
		return bulk.Entry{}, err
	}
	verb, _ := bulkOf(c.Verb)
	return e, verb.begin(i, plan, &e)
}

// begin notes the partitions with the number of the last burial in each.
func (v deadVerb) begin(i *inspector, plan Plan, e *bulk.Entry) error {
	c, held := plan.Command, i.store.Attached()
	parts := Query{Topic: c.Dead.Topic, Partitions: c.Dead.Partitions}
	for _, d := range i.store.DeadCounts() {
		if parts.selects(d.TopicPartition) && (!v.bulk.Runs() || find(held, d.TopicPartition) != nil) {
			e.Parts[d.Partition] = d.Burials
		}
	}
	if len(e.Parts) == 0 {
		return fmt.Errorf("no dead letter of topic %s can be taken here any more: %w", c.Dead.Topic, ErrNotHeld)
	}
	return nil
}

// begin notes the partitions with how far the operation goes in each.
func (v jobVerb) begin(i *inspector, plan Plan, e *bulk.Entry) error {
	q, held := plan.Command.Select, i.store.Attached()
	e.Jobs = map[int32]*bulk.JobPart{}
	refuse := func(reason string, c Cutoff) { e.Operation.Refuse(reason, c.Jobs) }
	for _, c := range plan.Cutoffs {
		tp := queue.TopicPartition{Topic: c.Topic, Partition: c.Partition}
		p := find(held, tp)
		switch {
		case !q.selects(tp):
			continue
		case p == nil:
			refuse(reasonNotHeld, c)
			continue
		}
		state := p.State()
		if len(plan.Jobs) > 0 && !plan.Jobs[0].isOf(state.TopicID) {
			refuse(reasonNewTopic, c)
			continue
		}
		e.TopicID = state.TopicID
		e.Jobs[c.Partition] = &bulk.JobPart{
			At: min(c.Below, state.Next), Left: c.Jobs, Frontier: p.Frontier(), Burials: i.store.DeadCount(tp).Burials, Resets: &state.Resets,
		}
	}
	switch refused := e.Operation.Refused; {
	case len(e.Jobs) > 0:
		return nil
	case len(refused) > 0 && refused[0].Reason == reasonNewTopic:
		return fmt.Errorf("%w: topic %s was deleted and created anew since the plan was made", ErrRefused, q.Topic)
	}
	return fmt.Errorf("no job of topic %s can be taken here any more: %w", q.Topic, ErrNotHeld)
}

// begin notes the partitions that have parked lanes, as far as a limit goes.
func (v laneVerb) begin(i *inspector, plan Plan, e *bulk.Entry) error {
	e.Lanes = map[int32]*bulk.LanePart{}
	held, last := i.store.Attached(), map[int32]*bulk.LanePlace{}
	for _, lane := range plan.Lanes {
		seen := lane.stored()
		if find(held, seen.TopicPartition) == nil {
			e.Operation.Refuse(reasonNotHeld, 1)
		}
		last[lane.Partition] = bulk.PlaceOf(seen)
		if lane.Since.After(e.LastParked) {
			e.LastParked = lane.Since
		}
	}
	limited := plan.Command.Select.Limit > 0 && plan.More == 0 // else the number alone limits
	for _, p := range held {
		tp, state := p.TopicPartition(), p.State()
		if !plan.Command.Select.selects(tp) || state.Parked == 0 || limited && last[tp.Partition] == nil {
			continue
		}
		e.Lanes[tp.Partition], e.TopicID = &bulk.LanePart{}, state.TopicID
		if limited {
			e.Lanes[tp.Partition].Last = last[tp.Partition]
		}
	}
	if len(e.Lanes) == 0 {
		return fmt.Errorf("no parked lane of topic %s can be taken here any more: %w", plan.Command.Select.Topic, ErrNotHeld)
	}
	return nil
}
