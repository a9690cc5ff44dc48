package bulk

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (w Letters) targets(r *run) targets { return letterTargets{r, w} }

// letterTargets are the dead letters of an operation.
type letterTargets struct {
	*run
	work Letters
}

func (t letterTargets) partitions() []int32 { return slices.Sorted(maps.Keys(t.Parts)) }

func (t letterTargets) away(tp queue.TopicPartition) bool {
	return t.work.Runs() && t.held(tp) == nil
}

// scanAtMost bounds the letters or jobs that are looked through at a time.
const scanAtMost = 10_000

// next goes by offset and burial.
func (t letterTargets) next(ctx context.Context, part *cursor, n int) (marks []mark, through bool, err error) {
	looked, held, earlier := 0, t.x.Store.Attached(), t.x.earlier(t.run)
	part.before = part.after
	for l, err := range t.x.Store.DeadLetters(ctx, part.TopicPartition, part.after.offset) {
		if err != nil {
			return nil, false, err
		}
		if at := letterMark(l.DeadRef); at.compare(part.after) <= 0 {
			continue
		} else if len(marks) == n || looked == scanAtMost {
			return marks, false, nil
		} else {
			part.after = at
		}
		looked++
		takes, err := t.takes(l, held, earlier)
		if err != nil {
			return nil, false, err
		}
		if takes {
			marks = append(marks, letterMark(l.DeadRef))
		}
	}
	return marks, true, nil
}

func (t letterTargets) takes(l queue.DeadLetter, held []*queue.Partition, earlier []Claim) (bool, error) {
	if its, err := t.claim().TakesLetter(l); !its || err != nil {
		return false, err
	}
	by, err := First(earlier, func(c Claim) (bool, error) { return c.TakesLetter(l) })
	// What the plan has refused was never its.
	refusal := t.work.Refuse(held, l)
	return by == nil && (refusal == "" || refusal == ReasonNotHeld), err
}

func (t letterTargets) take(ctx context.Context, part *cursor, marks []mark) error {
	if err := t.put(); err != nil {
		return err
	}
	results, err := t.work.Act(ctx, t.refs(part.Partition, marks)...)
	if err != nil {
		return err
	}
	for _, r := range results {
		if errors.Is(r.Err, queue.ErrDetached) {
			part.after, part.away = part.before, t.x.Now() // all of them: they are looked at together
		}
		t.note(part, answer{letterMark(r.DeadRef), r.Done, r.Err})
	}
	return nil
}

// look finds letters that are there still where the process had ended before they
// were taken.
func (t letterTargets) look(ctx context.Context, partition int32, marks []mark) ([]queue.Fate, error) {
	fates, err := t.x.Store.Fates(ctx, t.Parts[partition], t.refs(partition, marks)...)
	for n, fate := range fates {
		if fate == queue.LetterForgotten && !t.work.Runs() {
			fates[n] = queue.LetterGone
		}
	}
	return fates, err
}

func (t letterTargets) refs(partition int32, marks []mark) []queue.DeadRef {
	refs := make([]queue.DeadRef, len(marks))
	for n, m := range marks {
		refs[n] = queue.DeadRef{TopicPartition: t.tp(partition), Offset: m.offset, Number: m.number}
	}
	return refs
}

func (t letterTargets) giveUp(ctx context.Context, part *cursor, reason string) error {
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
