package queue

import (
	"errors"
	"fmt"
)

// DiscardParked removes the jobs of a parked lane for good, as an operator's
// command: they count as done, and later records of the lane run, as does one that
// ran when the lane was parked. It reports false where the lane is not parked. The
// change is durable after [Store.Sync].
func (p *Partition) DiscardParked(seen ParkedLane) (changed bool, err error) {
	err = p.change(func() error {
		key := laneKey(seen.Lane, seen.Offset)
		if seen.Lane.Own {
			if changed = p.own[seen.Offset] == nil && !p.freeing[seen.Offset]; changed {
				p.leaving = append(p.leaving, leaving{asideJob: asideJob{seen.Offset, Lane{Own: true}}, discard: true})
				p.changeParked(key, nil)
			}
			return nil
		}
		k := p.parked[seen.Lane.ID]
		if changed = k != nil && !k.Released; changed {
			running := int64(-1)
			if l := p.lanes[seen.Lane.ID]; l != nil { // all that a parked lane has in memory is a job that runs
				running = l.head().offset
			}
			p.leaving = append(p.leaving, leaving{asideJob: asideJob{running, Lane{ID: seen.Lane.ID}}, discard: true})
			p.unpark(seen.Lane.ID)
		} else if k != nil {
			return ErrLaneReleased
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("discard the jobs of lane %s of %s: %w", seen.Lane.Name, p.tp, err)
	}
	return changed, nil
}

// ErrLaneReleased means that a lane is not parked any more: its jobs run.
var ErrLaneReleased = errors.New("the lane is released: its jobs run")
