package inspect

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// manyLanes is up to how many lanes of a partition all are looked at.
const manyLanes = 10_000

// laneFound is a lane that a query selects.
type laneFound struct {
	queue.LaneSeen
	part *queue.Partition
}

// Lanes lists the lanes that q selects.
func (i *inspector) Lanes(ctx context.Context, q LaneQuery) iter.Seq2[Lane, error] {
	return func(yield func(Lane, error) bool) {
		err := q.Validate()
		var parts []*queue.Partition
		if err == nil {
			parts, err = i.partitions(Query{Topic: q.Topic, Partitions: q.Partitions})
		}
		if err != nil {
			yield(Lane{}, err)
			return
		}
		left := q.limit()
		if slices.Contains(q.States, Parked) {
			for lane, err := range i.Parked(ctx, Query{Topic: q.Topic, Partitions: q.Partitions}) {
				if err == nil && lane.Released {
					continue
				}
				if !yield(lane.lane(), err) || err != nil {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
		q.Limit = left
		found := q.first(parts)
		if len(found) > 0 {
			err = i.store.Sync(ctx) // what has just come in is to be readable
		}
		if err != nil {
			yield(Lane{}, err)
			return
		}
		started := i.started()
		for _, f := range found {
			lane, there, err := i.showLane(f, started)
			if err != nil {
				yield(Lane{}, err)
				return
			}
			if there && !yield(lane, nil) {
				return
			}
		}
	}
}

func (q LaneQuery) limit() int { return cmp.Or(q.Limit, DefaultLanes) }

// lane shows a lane that is set aside as one of others.
func (l ParkedLane) lane() Lane {
	return Lane{
		Name: Name{l.Topic, l.Partition, l.Offset}, Lane: l.Lane, Own: l.Own, State: Parked,
		Jobs: int(l.Jobs), Error: l.Reason,
	}
}

// first returns the lanes that are to be shown, in their order.
func (q LaneQuery) first(parts []*queue.Partition) (found []laneFound) {
	limit := q.limit()
	for _, p := range parts {
		seen, _ := p.Lanes(manyLanes)
		for _, l := range seen {
			if q.matches(l) {
				found = append(found, laneFound{l, p})
			}
		}
		slices.SortFunc(found, q.compare)
		found = found[:min(len(found), limit)]
	}
	return found
}

func (q LaneQuery) matches(l queue.LaneSeen) bool {
	if q.Blocked && l.Jobs < 2 {
		return false
	}
	return len(q.States) == 0 || slices.Contains(q.States, stateOf(l))
}

func stateOf(l queue.LaneSeen) State {
	if l.Deferred {
		return Deferred
	}
	return State(l.State.String())
}

func (q LaneQuery) compare(a, b laneFound) int {
	byName := func() int {
		x, y := a.part.TopicPartition(), b.part.TopicPartition()
		return compareNames(Name{x.Topic, x.Partition, a.Head}, Name{y.Topic, y.Partition, b.Head})
	}
	switch q.Sort {
	case ByAge:
		return byName()
	case ByAttempts:
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(b.Jobs, a.Jobs), byName())
	}
	return cmp.Or(cmp.Compare(b.Jobs, a.Jobs), byName())
}

// showLane reads the head's record. It reports false where the head has finished
// meanwhile.
func (i *inspector) showLane(f laneFound, started map[Name]time.Time) (lane Lane, there bool, err error) {
	tp := f.part.TopicPartition()
	lane = Lane{
		Name: Name{tp.Topic, tp.Partition, f.Head}, Own: f.Lane.Own, State: stateOf(f.LaneSeen), Jobs: f.Jobs,
		Attempts: f.Attempts, Due: f.Due, Error: f.Error, Holds: f.part.State().Frontier == f.Head,
	}
	head := found{Pending: queue.Pending{Offset: f.Head}, tp: tp, part: f.part}
	open, err := head.read()
	if err != nil || !open {
		return lane, false, err
	}
	lane.Key, lane.Lane = head.record.Key, string(head.record.Lane.Name)
	lane.Timestamp = timestampOf(head.record)
	lane.Started = started[lane.Name]
	return lane, true, nil
}

// started tells when the runs under way began, as far as anybody knows.
func (i *inspector) started() map[Name]time.Time {
	at := map[Name]time.Time{}
	if i.opt.Live == nil {
		return at
	}
	for _, w := range i.opt.Live.Workers() {
		at[w.Name] = w.Started
	}
	return at
}

// running finds the run of a job; nil: none is under way, or nobody tells.
func (i *inspector) running(name Name) *Worker {
	if i.opt.Live == nil {
		return nil
	}
	for _, w := range i.opt.Live.Workers() {
		if w.Name == name {
			return &w
		}
	}
	return nil
}
