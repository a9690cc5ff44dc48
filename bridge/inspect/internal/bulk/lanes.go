package bulk

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (w Lanes) targets(r *run) targets { return &laneTargets{run: r, work: w} }

// laneTargets are the parked lanes of an operation. Each partition is gone through
// once: a lane that is parked again is not taken again.
type laneTargets struct {
	*run
	work   Lanes
	before *LanePlace // where the last look began
}

// partitions leaves out those that the operation is through with.
func (t *laneTargets) partitions() []int32 {
	numbers := slices.Sorted(maps.Keys(t.Lanes))
	return slices.DeleteFunc(numbers, func(number int32) bool { return t.Lanes[number].Through })
}

func (t *laneTargets) away(tp queue.TopicPartition) bool {
	return t.held(tp) == nil
}

func (t *laneTargets) next(ctx context.Context, part *cursor, n int) (marks []mark, through bool, err error) {
	p, lp := t.held(part.TopicPartition), t.Lanes[part.Partition]
	switch {
	case p == nil:
		return nil, false, nil
	case t.anew(p):
		return nil, true, t.giveUp(ctx, part, ReasonNewTopic)
	}
	t.before = lp.After
	looked, earlier := 0, t.x.earlier(t.run)
	for l, err := range lp.rest(ctx, t.x.Store, part.TopicPartition) {
		if err != nil {
			return nil, false, err
		}
		if len(marks) == n || looked == scanAtMost {
			return marks, false, nil
		}
		at := laneMark(l)
		if lp.Last != nil && at.compare(lp.Last.mark()) > 0 {
			break
		}
		looked++
		if t.takes(l, earlier) {
			marks = append(marks, at)
		}
		lp.After, t.changed = placeOf(at), true
	}
	if len(marks) > 0 {
		return marks, true, nil
	}
	lp.Through = true
	return nil, true, t.put() // or a restart would wait for the partition
}

func (t *laneTargets) takes(l queue.ParkedLane, earlier []Claim) bool {
	takes, _ := t.claim().TakesLane(l) // there are no errors
	by, _ := First(earlier, func(c Claim) (bool, error) { return c.TakesLane(l) })
	return takes && by == nil
}

// anew tells whether the lanes of a partition are of another topic than the plan's.
func (t *laneTargets) anew(p *queue.Partition) bool {
	id := p.State().TopicID
	return id != t.TopicID && id != "" && t.TopicID != ""
}

// rest lists the lanes whose turn is to come.
func (lp *LanePart) rest(ctx context.Context, s *queue.Store, tp queue.TopicPartition) iter.Seq2[queue.ParkedLane, error] {
	if lp.After == nil {
		return s.ParkedLanes(ctx, tp)
	}
	return s.ParkedBehind(ctx, tp, lp.After.mark().lane())
}

func (t *laneTargets) take(ctx context.Context, part *cursor, marks []mark) error {
	act := func(p *queue.Partition, m mark) (bool, error) { return t.work.Act(p, m.lane()) }
	return t.whole(ctx, part, marks, act, func([]mark) { t.Lanes[part.Partition].After = t.before })
}

// look finds out which released lanes are through, and which are parked again.
func (t *laneTargets) look(ctx context.Context, partition int32, marks []mark) ([]queue.Fate, error) {
	tp, lanes := t.tp(partition), make([]queue.ParkedLane, len(marks))
	p := t.held(tp)
	for n, m := range marks {
		lanes[n] = m.lane()
	}
	open, err := singles(ctx, p, marks)
	if err != nil {
		return nil, err
	}
	list, known, err := t.x.Store.FindParked(ctx, tp, lanes...) // what is not open was parked by now, if it was
	if err != nil {
		return nil, err
	}
	if !known || p != nil && t.anew(p) {
		return slices.Repeat([]queue.Fate{queue.LetterForgotten}, len(marks)), nil
	}
	parked := map[mark]queue.ParkedLane{}
	for _, l := range list {
		parked[laneMark(l)] = l
	}
	fates := make([]queue.Fate, len(marks))
	for n, m := range marks {
		l, is := parked[m]
		fates[n] = t.fate(l, is, open[m.offset])
	}
	return fates, nil
}

// fate is what has become of a lane that is in the list, or has gone from it: one of
// a single record is in it while it is parked only.
func (t *laneTargets) fate(l queue.ParkedLane, listed, open bool) queue.Fate {
	switch {
	case !t.work.Runs():
		return queue.LetterGone
	case listed && !l.Released:
		return queue.LetterDeadAgain
	case listed && l.Jobs > 0, open:
		return queue.LetterWaits
	}
	return queue.LetterGone
}

// singles are the offsets of lanes of a single record whose job is open, or may be.
func singles(ctx context.Context, p *queue.Partition, marks []mark) (open map[int64]bool, err error) {
	open = map[int64]bool{}
	for _, m := range marks {
		if m.offset >= 0 {
			open[m.offset] = p == nil
		}
	}
	if p == nil || len(open) == 0 {
		return open, nil
	}
	jobs, err := p.Find(ctx, slices.Sorted(maps.Keys(open))...)
	if err != nil && !unseen(err) {
		return nil, err
	}
	for offset := range open {
		open[offset] = err != nil
	}
	for _, j := range jobs {
		open[j.Offset] = true
	}
	return open, nil
}

// giveUp refuses those whose turn is to come.
func (t *laneTargets) giveUp(ctx context.Context, part *cursor, reason string) error {
	lp := t.Lanes[part.Partition]
	earlier := t.x.earlier(t.run)
	for l, err := range lp.rest(ctx, t.x.Store, part.TopicPartition) {
		if err != nil {
			return err
		}
		if t.takes(l, earlier) {
			t.refuse(reason, Name{part.Topic, part.Partition, laneMark(l).offset})
		}
	}
	lp.Through, t.changed = true, true
	return nil
}
