package inspect

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// plan leaves out what is buried from now on, also in the plans that are made
// after this one with its command: what dies again is not taken twice.
func (v deadVerb) plan(ctx context.Context, i *inspector, plan *Plan) error {
	q := &plan.Command.Dead
	if q.BuriedBefore.IsZero() {
		q.BuriedBefore = plan.Made.Add(time.Nanosecond)
	}
	s := newSurvey(i, v, plan)
	missing := q.named()
	for f, err := range i.scanDead(ctx, *q) {
		if err == nil {
			err = s.add(f)
		}
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(offset int64) bool { return offset == f.Offset })
	}
	if err := s.finish(); err != nil {
		return err
	}
	return s.missed(ctx, missing)
}

// missed answers the offsets that are asked for and have no letter. What was
// discarded, and what was requeued, is that already.
func (s *survey) missed(ctx context.Context, offsets []int64) error {
	if len(offsets) == 0 {
		return nil
	}
	q := s.plan.Command.Dead
	targets := make([]Target, len(offsets))
	for j, offset := range offsets {
		targets[j].Name = Name{q.Topic, q.Partitions[0], offset}
	}
	p := find(s.held, targets[0].tp())
	open, err := look(ctx, p, targets)
	if err != nil {
		return notHeld(err)
	}
	for _, t := range targets {
		_, alive := open[t.Offset]
		switch {
		case p != nil && t.Offset >= p.State().Next:
			add(&s.plan.Refused, reasonUnknown, t.Name)
		case alive && !s.v.bulk.Runs():
			add(&s.plan.Refused, reasonAlive, t.Name)
		default:
			add(&s.plan.AlreadyDone, reasonNoLetter, t.Name)
		}
	}
	return nil
}

// named returns the offsets that are asked for whatever their letters are like.
func (q DeadQuery) named() []int64 {
	if q.Key != nil || q.Lane != nil || q.ErrorMatches != "" || q.Limit > 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(q.Offsets)))
}

const (
	// maxErrors bounds the errors that a plan tells apart.
	maxErrors = 20
	// surveyBytes bounds the records that are read to count keys.
	surveyBytes = 64 << 20
)

// otherErrors are those beyond maxErrors.
const otherErrors = "other errors"

// noReason is for letters that an operator has buried without saying why, of jobs
// that had not failed.
const noReason = "no reason given"

// survey looks at the letters that a plan's command matches.
type survey struct {
	i       *inspector
	v       deadVerb
	plan    *Plan
	held    []*queue.Partition
	running []bulk.Claim // operations that take some of the letters
	read    int64        // bytes of records
	lanes   map[laneRef]struct{}
	behind  int // letters that are overtaken
}

func newSurvey(i *inspector, v deadVerb, plan *Plan) *survey {
	s := &survey{i: i, v: v, plan: plan, held: i.store.Attached(), lanes: map[laneRef]struct{}{}}
	plan.Letters = &Letters{StopAt: plan.Command.stopAt()}
	s.running = i.claims(plan.Command.Dead.Topic)
	return s
}

func (s *survey) add(f *deadFound) error {
	plan := s.plan
	plan.Matched++
	s.group(f)
	if err := s.look(f); err != nil {
		return err
	}
	by, err := s.claimed(f)
	if err != nil {
		return err
	}
	refusal := s.v.refusal(s.held, f.DeadLetter)
	switch {
	case by != nil:
		plan.leaveTo(by, named(f.name()))
	case refusal != "":
		add(&plan.Refused, refusal, f.name())
	case len(plan.Dead) == MaxJobs:
		plan.More++
	default:
		plan.Dead = append(plan.Dead, DeadTarget{f.name(), idOf(f.TopicID, f.name(), f.Rerun), f.Number})
		if len(plan.DeadSample) < sampleSize {
			there, err := f.read(s.i.store)
			if there {
				plan.DeadSample = append(plan.DeadSample, f.show())
			}
			return err
		}
	}
	return nil
}

// group counts the error of a letter.
func (s *survey) group(f *deadFound) {
	reason := words.ErrorKind(cmp.Or(f.Reason, f.Error))
	if reason == "" {
		reason = noReason
	}
	known := func(g Group) bool { return g.Reason == reason }
	if len(s.plan.Errors) >= maxErrors && !slices.ContainsFunc(s.plan.Errors, known) {
		reason = otherErrors
	}
	add(&s.plan.Errors, reason, f.name())
}

// look counts the letter's lane and its time.
func (s *survey) look(f *deadFound) error {
	if f.Damaged != nil {
		return nil
	}
	l := s.plan.Letters
	if l.FirstBuried.IsZero() || f.Buried.Before(l.FirstBuried) {
		l.FirstBuried = f.Buried
	}
	if f.Buried.After(l.LastBuried) {
		l.LastBuried = f.Buried
	}
	if s.read += f.Bytes; s.read > surveyBytes {
		return nil
	}
	there, err := f.read(s.i.store)
	if err != nil || !there || f.Damaged != nil {
		return err
	}
	s.lanes[refOf(f.TopicPartition, f.Record.Lane, f.Offset)] = struct{}{}
	if f.Overtaken {
		s.behind++
	}
	return nil
}

// claimed returns the running operation that takes the letter; nil where none does.
func (s *survey) claimed(f *deadFound) (*bulk.Claim, error) {
	return bulk.First(s.running, func(c bulk.Claim) (bool, error) { return c.TakesLetter(f.DeadLetter) })
}

func (s *survey) finish() error {
	plan, l := s.plan, s.plan.Letters
	slices.SortStableFunc(plan.Errors, func(a, b Group) int { return b.Count - a.Count })
	parts := Query{Topic: plan.Command.Dead.Topic, Partitions: plan.Command.Dead.Partitions}
	for _, c := range s.i.store.DeadCounts() {
		if parts.selects(c.TopicPartition) {
			l.Total += c.Letters
		}
	}
	if keys := len(s.lanes); s.read <= surveyBytes {
		l.Keys, l.Overtaken = &keys, &s.behind
	}
	if c := plan.Command; c.Rate > 0 {
		take := c.lasts(plan.changes())
		l.Take = &take
	}
	err := plan.settle(s.i.offline)
	if !plan.Background {
		l.StopAt = 1
	}
	return err
}

// refusal tells why a letter cannot be a job again, as far as that is known.
func (v deadVerb) refusal(held []*queue.Partition, l queue.DeadLetter) string {
	if !v.bulk.Runs() {
		return ""
	}
	p := find(held, l.TopicPartition)
	switch {
	case p == nil:
		return reasonNotHeld
	case l.Damaged != nil:
		return l.Damaged.Error()
	}
	if id := p.State().TopicID; id != l.TopicID && id != "" && l.TopicID != "" {
		return reasonNewTopic
	}
	return ""
}
