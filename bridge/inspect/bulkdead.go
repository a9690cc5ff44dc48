package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (v deadVerb) kind() bulkKind { return v.bulk }

// begin notes the partitions with the number of the last burial in each.
func (v deadVerb) begin(i *inspector, plan Plan, s *bulkState) error {
	c, held := plan.Command, i.store.Attached()
	parts := Query{Topic: c.Dead.Topic, Partitions: c.Dead.Partitions}
	for _, d := range i.store.DeadCounts() {
		if parts.selects(d.TopicPartition) && (!v.bulk.runs() || find(held, d.TopicPartition) != nil) {
			s.Parts[d.Partition] = d.Burials
		}
	}
	if len(s.Parts) == 0 {
		return fmt.Errorf("no dead letter of topic %s can be taken here any more: %w", c.Dead.Topic, ErrNotHeld)
	}
	return nil
}

func (v deadVerb) targets(r *bulkRun) bulkTargets { return deadTargets{r, v} }

// deadTargets are the dead letters of an operation.
type deadTargets struct {
	*bulkRun
	verb deadVerb
}

func (t deadTargets) partitions() []int32 { return slices.Sorted(maps.Keys(t.Parts)) }

func (t deadTargets) away(tp queue.TopicPartition) bool {
	return t.verb.bulk.runs() && find(t.x.store.Attached(), tp) == nil
}

// scanAtMost bounds the letters or jobs that are looked through at a time.
const scanAtMost = 10_000

// next goes by offset and burial.
func (t deadTargets) next(ctx context.Context, part *bulkPart, n int) (marks []mark, through bool, err error) {
	looked, held, earlier := 0, t.x.store.Attached(), t.x.earlier(t.bulkRun)
	part.before = part.after
	for l, err := range t.x.store.DeadLetters(ctx, part.TopicPartition, part.after.offset) {
		if err != nil {
			return nil, false, err
		}
		if at := markOf(l.DeadRef); at.compare(part.after) <= 0 {
			continue
		} else if len(marks) == n || looked == scanAtMost {
			return marks, false, nil
		} else {
			part.after = at
		}
		looked++
		takes, err := t.takes(&deadFound{DeadLetter: l}, held, earlier)
		if err != nil {
			return nil, false, err
		}
		if takes {
			marks = append(marks, markOf(l.DeadRef))
		}
	}
	return marks, true, nil
}

func (t deadTargets) takes(f *deadFound, held []*queue.Partition, earlier []claim) (bool, error) {
	takes := func(c claim) (bool, error) { return c.takes(t.x.store, f) }
	if its, err := takes(claim{&t.bulkState, t.text}); !its || err != nil {
		return false, err
	}
	by, err := claimedBy(earlier, takes)
	// What the plan has refused was never its.
	refusal := t.verb.refusal(held, f)
	return by == nil && (refusal == "" || refusal == reasonNotHeld), err
}

func (t deadTargets) take(ctx context.Context, part *bulkPart, marks []mark) ([]answer, error) {
	if err := t.write(); err != nil {
		return nil, err
	}
	results, err := t.verb.act(ctx, t.x.store, t.Operation.Command, t.refs(part.Partition, marks))
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(results))
	for n, r := range results {
		answers[n] = answer{markOf(r.DeadRef), r.Done, r.Err}
		if errors.Is(r.Err, queue.ErrDetached) {
			part.after = part.before // all of them: they are looked at together
		}
	}
	return answers, nil
}

// look finds letters that are there still where the process had ended before they
// were taken.
func (t deadTargets) look(ctx context.Context, partition int32, marks []mark) ([]queue.Fate, error) {
	fates, err := t.x.store.Fates(ctx, t.Parts[partition], t.refs(partition, marks)...)
	for n, fate := range fates {
		if fate == queue.LetterForgotten && !t.verb.bulk.runs() {
			fates[n] = queue.LetterGone
		}
	}
	return fates, err
}

func (t deadTargets) refs(partition int32, marks []mark) []queue.DeadRef {
	refs := make([]queue.DeadRef, len(marks))
	for n, m := range marks {
		refs[n] = queue.DeadRef{TopicPartition: t.tp(partition), Offset: m.offset, Number: m.number}
	}
	return refs
}

func (t deadTargets) giveUp(ctx context.Context, part *bulkPart, reason string) error {
	for through := false; !through; {
		var marks []mark
		var err error
		if marks, through, err = t.next(ctx, part, scanAtMost); err != nil {
			return err
		}
		for _, m := range marks {
			t.refuse(reason, Name{part.Topic, part.Partition, m.offset})
		}
	}
	return nil
}

func markOf(ref queue.DeadRef) mark { return mark{ref.Offset, ref.Number} }
