package bulk

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// followEvery is how often what was taken is looked after.
	followEvery = 250 * time.Millisecond
	// followShare is the part of the time that this takes, at most, where much is out.
	followShare = 20
	// followFor is how long jobs are followed after the end of an operation.
	followFor = 24 * time.Hour
)

// follow counts what has become of what was taken.
func (r *run) follow(ctx context.Context) error {
	now := r.x.Now()
	every := max(followEvery, r.rest)
	if !r.Running() {
		every = 4 * followEvery
	}
	if now.Sub(r.looked) < every && !r.looked.IsZero() {
		return nil
	}
	begin := time.Now()
	defer func() { r.rest = followShare * time.Since(begin) }()
	r.looked = now
	for number, set := range r.Out {
		if err := r.look(ctx, number, set); err != nil {
			return err
		}
		if len(set) == 0 {
			delete(r.Out, number)
		}
	}
	r.tally()
	if !r.Running() && now.Sub(r.Operation.Ended) > followFor && len(r.Out) > 0 {
		if jobs, ok := r.targets.(*jobTargets); ok {
			jobs.unfollow()
		}
		r.Out, r.changed = nil, true
	}
	return nil
}

// look counts what has become of what is out of a partition. What is there still
// was not taken: the process had ended.
func (r *run) look(ctx context.Context, number int32, set markSet) error {
	if r.targets == nil {
		return nil // this version does not know the verb
	}
	marks := slices.Collect(maps.Keys(set))
	fates, err := r.targets.look(ctx, number, marks)
	if err != nil {
		return err
	}
	op := &r.Operation
	for n, m := range marks {
		switch fates[n] {
		case queue.LetterWaits:
			continue
		case queue.LetterDeadAgain:
			*r.kind.Vain.Count(op)++
		case queue.LetterForgotten:
			op.Forgotten++
		case queue.LetterGone:
			op.Done++
		}
		delete(set, m)
		r.changed, r.finished, r.grown = true, r.x.Now(), 0
	}
	return nil
}
