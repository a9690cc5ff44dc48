package bulk

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

func (w Jobs) targets(r *run) targets { return &jobTargets{run: r, work: w} }

// jobTargets are the jobs of an operation. Each partition is gone through once,
// from its last job to its first: a skipped head would let the next job of its
// lane start before the skip that is meant for it, and a lane whose head was
// retried goes on to jobs that the plan has refused.
type jobTargets struct {
	*run
	work Jobs
	seen map[int64]queue.Pending // those that next has found
}

// partitions leaves out those that the operation is through with.
func (t *jobTargets) partitions() []int32 {
	numbers := slices.Sorted(maps.Keys(t.Jobs))
	return slices.DeleteFunc(numbers, func(number int32) bool { return t.Jobs[number].At <= 0 })
}

func (t *jobTargets) away(tp queue.TopicPartition) bool { return t.held(tp) == nil }

func (t *jobTargets) next(ctx context.Context, part *cursor, n int) (marks []mark, through bool, err error) {
	p, jp := t.held(part.TopicPartition), t.Jobs[part.Partition]
	if p == nil {
		return nil, false, nil
	}
	if reason := t.moved(p, jp); reason != "" {
		return nil, true, t.giveUp(ctx, part, reason)
	}
	part.before, t.seen = mark{offset: jp.At}, map[int64]queue.Pending{}
	looked, earlier, damage := 0, t.x.earlier(t.run), new(queue.DamageError)
	lanes := map[mark]bool{}
	for j, err := range t.work.below(ctx, p, jp.At) {
		if err == nil && (len(marks) == n || looked == scanAtMost) {
			return marks, false, nil
		}
		takes := false
		if err == nil {
			takes, err = t.takes(p, j, earlier)
		}
		switch {
		case errors.Is(err, queue.ErrDetached), errors.Is(err, queue.ErrReset):
			jp.At = part.before.offset
			return nil, false, nil
		case errors.As(err, &damage):
			return nil, true, t.giveUp(ctx, part, damage.Error())
		case err != nil:
			return nil, false, err
		}
		looked++
		jp.At, t.changed = j.Offset, true
		lane := laneMark(queue.ParkedLane{Lane: j.Lane, Offset: j.Offset})
		if takes = takes && !(t.work.Whole && (lanes[lane] || jp.Full && !j.Lane.Own)); takes {
			lanes[lane] = true
			marks = append(marks, t.mark(j))
			t.seen[j.Offset] = j
		}
	}
	if len(marks) > 0 {
		return marks, true, nil
	}
	if jp.Full && jp.Left > 0 {
		t.Operation.Refuse(queue.ErrTooManyParked.Error(), jp.Left)
	}
	jp.At, jp.Left = 0, 0
	return nil, true, t.put() // or a restart would wait for the partition
}

// moved tells why the jobs of a partition are not those of the plan any more.
func (t *jobTargets) moved(p *queue.Partition, jp *JobPart) string {
	frontier, state := p.Frontier(), p.State()
	switch id := state.TopicID; {
	case id != t.TopicID && id != "" && t.TopicID != "":
		return ReasonNewTopic
	case frontier < jp.Frontier, jp.Resets != nil && *jp.Resets != state.Resets:
		return reasonSought
	}
	jp.Frontier, jp.Resets = frontier, &state.Resets
	return ""
}

// mark is that of a job which has failed again once it has more attempts.
func (t *jobTargets) mark(j queue.Pending) mark {
	if t.work.Reset {
		return mark{offset: j.Offset}
	}
	return mark{j.Offset, uint64(j.Attempts)}
}

func (t *jobTargets) take(ctx context.Context, part *cursor, marks []mark) error {
	jp := t.Jobs[part.Partition]
	jp.Left = max(0, jp.Left-len(marks))
	return t.whole(ctx, part, marks, t.act, func(marks []mark) {
		jp.At, jp.Left = marks[0].offset+1, jp.Left+len(marks)
	})
}

func (t *jobTargets) act(p *queue.Partition, m mark) (done bool, err error) {
	if t.work.Runs() {
		p.Follow(m.offset) // it may run at once
	}
	if done, err = t.work.Act(p, t.seen[m.offset]); !done {
		p.Unfollow(m.offset)
	}
	if errors.Is(err, queue.ErrTooManyParked) {
		t.Jobs[p.TopicPartition().Partition].Full = true
	}
	return done, err
}

// look finds jobs that do not run open where they were not taken.
func (t *jobTargets) look(ctx context.Context, partition int32, marks []mark) ([]queue.Fate, error) {
	tp, jp, fates := t.tp(partition), t.Jobs[partition], make([]queue.Fate, len(marks))
	open, failed, next := map[int64]queue.Pending{}, map[int64]bool{}, int64(math.MaxInt64)
	p := t.held(tp)
	if p != nil {
		if t.moved(p, &JobPart{Frontier: math.MinInt64}) != "" {
			return slices.Repeat([]queue.Fate{queue.LetterForgotten}, len(marks)), nil
		}
		next = p.State().Next
		seen, err := p.Find(ctx, offsetsOf(marks)...)
		if err != nil && !unseen(err) {
			return nil, err
		}
		for _, j := range seen {
			open[j.Offset] = j
		}
		failed = p.Failed(offsetsOf(marks)...)
		if err != nil {
			p = nil
		}
	}
	refs := make([]queue.DeadRef, len(marks))
	for n, m := range marks {
		refs[n] = queue.DeadRef{TopicPartition: tp, Offset: m.offset}
	}
	if err := t.x.Store.Sync(ctx); err != nil { // what is not open was buried by now, if it was
		return nil, err
	}
	gone, err := t.x.Store.Fates(ctx, jp.Burials, refs...)
	if err != nil {
		return nil, err
	}
	for n, m := range marks {
		j, isOpen := open[m.offset]
		fates[n] = t.fate(m, j, isOpen, gone[n])
		if fates[n] == queue.LetterGone && (p == nil || m.offset >= next) { // it may come back
			fates[n] = queue.LetterWaits
		}
		if fates[n] == queue.LetterGone && failed[m.offset] { // and was done by its own retry since
			fates[n] = queue.LetterDeadAgain
		}
	}
	t.follow(p, marks, fates)
	return fates, nil
}

// follow lets the partition tell of jobs that wait, also of those that were taken
// before a restart, and no more of the others.
func (t *jobTargets) follow(p *queue.Partition, marks []mark, fates []queue.Fate) {
	if p == nil || !t.work.Runs() {
		return
	}
	waiting, known := []int64(nil), []int64(nil)
	for n, m := range marks {
		if fates[n] == queue.LetterWaits {
			waiting = append(waiting, m.offset)
		} else {
			known = append(known, m.offset)
		}
	}
	p.Follow(waiting...)
	p.Unfollow(known...)
}

// unfollow is for jobs that are not waited for any more.
func (t *jobTargets) unfollow() {
	for number, set := range t.Out {
		if p := t.held(t.tp(number)); p != nil {
			p.Unfollow(offsetsOf(slices.Collect(maps.Keys(set)))...)
		}
	}
}

// unseen tells that jobs cannot be looked at, now or at all, for a reason that
// concerns their partition only.
func unseen(err error) bool {
	return errors.Is(err, queue.ErrDetached) || errors.Is(err, queue.ErrReset) || errors.As(err, new(*queue.DamageError))
}

// fate is what has become of a job that is open, or has gone.
func (t *jobTargets) fate(m mark, j queue.Pending, open bool, gone queue.Fate) queue.Fate {
	switch runs := t.work.Runs(); {
	case open && !runs:
		if needed, _ := t.work.Judge(j); !needed {
			return queue.LetterGone
		}
		return queue.LetterKept
	case open && uint64(j.Attempts) > m.number:
		return queue.LetterDeadAgain
	case open:
		return queue.LetterWaits
	case !runs && gone != queue.LetterForgotten:
		return queue.LetterGone
	}
	return gone
}

func (t *jobTargets) giveUp(_ context.Context, part *cursor, reason string) error {
	jp := t.Jobs[part.Partition]
	if jp.Left > 0 {
		t.Operation.Refuse(reason, jp.Left)
	}
	jp.At, jp.Left, t.changed = 0, 0, true
	return nil
}
