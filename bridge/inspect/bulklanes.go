package inspect

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (v laneVerb) kind() bulkKind { return v.bulk }

// begin notes the partitions that have parked lanes, as far as a limit goes.
func (v laneVerb) begin(i *inspector, plan Plan, s *bulkState) error {
	s.Lanes = map[int32]*lanePart{}
	held, last := i.store.Attached(), map[int32]*lanePlace{}
	for _, lane := range plan.Lanes {
		seen := lane.stored()
		if find(held, seen.TopicPartition) == nil {
			addGroup(&s.Operation.Refused, reasonNotHeld, 1)
		}
		last[lane.Partition] = placeOf(laneMark(seen))
		if lane.Since.After(s.LastParked) {
			s.LastParked = lane.Since
		}
	}
	limited := plan.Command.Select.Limit > 0 && plan.More == 0 // else the number alone limits
	for _, p := range held {
		tp, state := p.TopicPartition(), p.State()
		if !plan.Command.Select.selects(tp) || state.Parked == 0 || limited && last[tp.Partition] == nil {
			continue
		}
		s.Lanes[tp.Partition], s.TopicID = &lanePart{}, state.TopicID
		if limited {
			s.Lanes[tp.Partition].Last = last[tp.Partition]
		}
	}
	if len(s.Lanes) == 0 {
		return fmt.Errorf("no parked lane of topic %s can be taken here any more: %w", plan.Command.Select.Topic, ErrNotHeld)
	}
	return nil
}

func (v laneVerb) targets(r *bulkRun) bulkTargets { return &laneTargets{bulkRun: r, verb: v} }

// laneTargets are the parked lanes of an operation. Each partition is gone through
// once: a lane that is parked again is not taken again.
type laneTargets struct {
	*bulkRun
	verb   laneVerb
	before *lanePlace // where the last look began
}

// laneMark names a lane by its id, one of a single record by its offset.
func laneMark(l queue.ParkedLane) mark {
	if l.Lane.Own {
		return mark{offset: l.Offset}
	}
	return mark{-1, l.Lane.ID}
}

// lane is the inverse of laneMark.
func (m mark) lane() queue.ParkedLane {
	if m.offset >= 0 {
		return queue.ParkedLane{Lane: queue.Lane{Own: true}, Offset: m.offset}
	}
	return queue.ParkedLane{Lane: queue.Lane{ID: m.number}, Offset: -1}
}

// partitions leaves out those that the operation is through with.
func (t *laneTargets) partitions() []int32 {
	numbers := slices.Sorted(maps.Keys(t.Lanes))
	return slices.DeleteFunc(numbers, func(number int32) bool { return t.Lanes[number].Through })
}

func (t *laneTargets) away(tp queue.TopicPartition) bool {
	return find(t.x.store.Attached(), tp) == nil
}

func (t *laneTargets) next(ctx context.Context, part *bulkPart, n int) (marks []mark, through bool, err error) {
	p, lp := find(t.x.store.Attached(), part.TopicPartition), t.Lanes[part.Partition]
	switch {
	case p == nil:
		return nil, false, nil
	case t.anew(p):
		return nil, true, t.giveUp(ctx, part, reasonNewTopic)
	}
	t.before = lp.After
	looked, earlier := 0, t.x.earlier(t.bulkRun)
	for l, err := range lp.rest(ctx, t.x.store, part.TopicPartition) {
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
	return nil, true, t.write() // or a restart would wait for the partition
}

func (t *laneTargets) takes(l queue.ParkedLane, earlier []claim) bool {
	own := claim{&t.bulkState, t.text}
	return own.takesLane(t.x.inspector, l) && laneClaimed(t.x.inspector, earlier, l) == nil
}

// anew tells whether the lanes of a partition are of another topic than the plan's.
func (t *laneTargets) anew(p *queue.Partition) bool {
	id := p.State().TopicID
	return id != t.TopicID && id != "" && t.TopicID != ""
}

// rest lists the lanes whose turn is to come.
func (lp *lanePart) rest(ctx context.Context, s *queue.Store, tp queue.TopicPartition) iter.Seq2[queue.ParkedLane, error] {
	if lp.After == nil {
		return s.ParkedLanes(ctx, tp)
	}
	return s.ParkedBehind(ctx, tp, lp.After.mark().lane())
}

func (t *laneTargets) take(ctx context.Context, part *bulkPart, marks []mark) ([]answer, error) {
	act := func(p *queue.Partition, m mark) (bool, error) { return t.verb.apply(t.Operation.Command, p, m.lane()) }
	return t.whole(ctx, part, marks, act, func([]mark) { t.Lanes[part.Partition].After = t.before })
}

// look finds out which released lanes are through, and which are parked again.
func (t *laneTargets) look(ctx context.Context, partition int32, marks []mark) ([]queue.Fate, error) {
	tp, lanes := t.tp(partition), make([]queue.ParkedLane, len(marks))
	p := find(t.x.store.Attached(), tp)
	for n, m := range marks {
		lanes[n] = m.lane()
	}
	open, err := singles(ctx, p, marks)
	if err != nil {
		return nil, err
	}
	list, known, err := t.x.store.FindParked(ctx, tp, lanes...) // what is not open was parked by now, if it was
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
	case !t.verb.bulk.runs():
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
func (t *laneTargets) giveUp(ctx context.Context, part *bulkPart, reason string) error {
	lp := t.Lanes[part.Partition]
	earlier := t.x.earlier(t.bulkRun)
	for l, err := range lp.rest(ctx, t.x.store, part.TopicPartition) {
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

// takesLane tells whether the operation is about to act on a parked lane. One that
// was parked after the plan is none of its.
func (c claim) takesLane(i *inspector, l queue.ParkedLane) bool {
	part := c.Lanes[l.Partition]
	if part == nil || part.Through || l.Topic != c.Operation.Topic || l.Released {
		return false
	}
	if l.Since.After(c.PlanMade) && l.Since.After(c.LastParked) {
		return false
	}
	at := laneMark(l)
	if part.After != nil && at.compare(part.After.mark()) <= 0 || part.Last != nil && at.compare(part.Last.mark()) > 0 {
		return false
	}
	return i.parked(c.Operation.Command.Select, l)
}

// laneClaimed returns the operation that is about to act on a parked lane; nil where
// none is.
func laneClaimed(i *inspector, claims []claim, l queue.ParkedLane) *claim {
	by, _ := claimedBy(claims, func(c claim) (bool, error) { return c.takesLane(i, l), nil })
	return by
}
