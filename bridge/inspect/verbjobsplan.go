package inspect

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (v jobVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	missing, running := plan.Command.Select.named(), i.claims(plan.Command.Select.Topic)
	reach, err := i.reachOf(plan.Command.Select)
	if err != nil {
		return err
	}
	lanes, keyed := map[laneRef]int{}, map[*queue.Partition]int{}
	for f, err := range i.scan(ctx, plan.Command.Select) {
		if err != nil {
			return err
		}
		delete(missing, f.Offset)
		by, err := v.claimed(running, f)
		before := plan.changes()
		switch {
		case err != nil:
			return err
		case by != nil:
			plan.Matched++
			plan.leaveTo(by, named(f.name()))
		default:
			if err := v.addTo(plan, lanes, f); err != nil {
				return err
			}
			if v.lanes && !f.Lane.Own && plan.changes() > before {
				keyed[f.part]++
			}
		}
		reach.note(f, plan.changes()-before, plan.Matched == plan.Command.Select.Limit)
	}
	if err := plan.settle(i.offline); err != nil {
		return err
	}
	if v.bulk.Stored() && plan.Background {
		plan.Cutoffs = reach.cutoffs()
		plan.Made = i.now() // what has failed by now was seen
	}
	plan.sayTooMany(keyed)
	return plan.addMissing(i, missing)
}

// sayTooMany tells of partitions in which more lanes would be parked than can be.
// Lanes of a single record are not bounded.
func (p *Plan) sayTooMany(keyed map[*queue.Partition]int) {
	for _, part := range slices.SortedFunc(maps.Keys(keyed), func(a, b *queue.Partition) int {
		return cmp.Compare(a.TopicPartition().Partition, b.TopicPartition().Partition)
	}) {
		if n, room := keyed[part], part.ParkedRoom(); n > room {
			p.say("%d of the %d lanes with a key in %s will be refused: it has room for %d more parked ones.",
				n-room, n, part.TopicPartition(), room)
		}
	}
}

// addTo adds a job, or the lane of a job by its last one, which is there for longest.
// Of the lanes that were seen it knows where in plan.Jobs they are; -1: nowhere.
func (v jobVerb) addTo(plan *Plan, lanes map[laneRef]int, f *found) error {
	if !v.lanes {
		return v.add(plan, f)
	}
	lane, before := refOf(f.tp, f.Lane, f.Offset), len(plan.Jobs)
	at, seen := lanes[lane]
	switch {
	case !seen:
		err := v.add(plan, f)
		if lanes[lane] = -1; len(plan.Jobs) > before {
			lanes[lane] = before
		}
		return err
	case at >= 0:
		if needed, refusal := v.judge(plan.Command, f.Pending); needed && refusal == nil {
			plan.Jobs[at] = targetOf(f)
		}
	}
	plan.Matched++
	return nil
}

func (v jobVerb) add(plan *Plan, f *found) error {
	plan.Matched++
	switch needed, refusal := v.judge(plan.Command, f.Pending); {
	case refusal != nil:
		add(&plan.Refused, refusal.Error(), f.name())
	case !needed:
		add(&plan.AlreadyDone, cmp.Or(v.already, reasonRuns), f.name())
	case len(plan.Jobs) == MaxJobs:
		plan.More++
	default:
		plan.Jobs = append(plan.Jobs, targetOf(f))
		return plan.show(f)
	}
	return nil
}

func targetOf(f *found) Target {
	return Target{f.name(), idOf(f.topicID, f.name(), f.Rerun), f.state(), f.Attempts}
}
