package inspect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// take takes letters for as long as it is this operation's turn, and ends the
// operation when there is nothing to take any more.
func (r *bulkRun) take(ctx context.Context) (more bool, err error) {
	if err := r.refuseAway(ctx); err != nil {
		return false, err
	}
	for begin := time.Now(); time.Since(begin) < stepFor; {
		if reason := r.stops(); reason != "" {
			r.finish(OperationStopped, reason)
			return false, nil
		}
		if len(r.parts) == 0 || r.Operation.Command.Dead.Limit > 0 && r.left() == 0 {
			r.finish(OperationDone, "")
			return false, nil
		}
		part, n := r.nextPart(), r.room()
		if part == nil || n == 0 {
			r.waits(part)
			return false, nil
		}
		if err := r.takeFrom(ctx, part, n); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *bulkRun) finish(state OperationState, reason string) {
	r.changed = true
	r.end(state, reason, r.x.now())
	op := &r.Operation
	r.x.opt.Logger.Info("stored operation has ended", "operation", op.ID, "verb", string(op.Verb), "state", string(op.State),
		"because", op.Reason, "matched", op.Matched, "taken", op.Taken, "refused", count(op.Refused), "dead_again", op.DeadAgain)
}

// waits tells what the operation waits for, apart from its pace.
func (r *bulkRun) waits(part *bulkPart) {
	reason := ""
	switch {
	case part == nil:
		reason = fmt.Sprintf("waits for %s to be held here", r.parts[0].TopicPartition)
	case r.verb.runs && r.window() <= r.Operation.Waiting:
		reason = fmt.Sprintf("waits for some of %d requeued jobs to finish", r.Operation.Waiting)
	}
	if r.Operation.Reason != reason {
		r.Operation.Reason, r.changed = reason, true
	}
}

// stops tells why the stop condition is met, if it is.
func (r *bulkRun) stops() string {
	op := &r.Operation
	limit := op.Command.stopAt()
	finished := op.Done + op.DeadAgain
	if limit >= 1 || finished < leastFinished || op.DeadAgain == 0 || float64(op.DeadAgain) < limit*float64(finished) {
		return ""
	}
	return fmt.Sprintf("%d of the %d jobs that finished are dead again, and it stops at %g%%; %d letters were left", op.DeadAgain, finished, 100*limit, r.left())
}

// stopAt is the stop condition in force.
func (c Command) stopAt() float64 {
	switch {
	case c.Verb != Requeue:
		return 1
	case c.StopAt == 0:
		return DefaultStopAt
	}
	return c.StopAt
}

// lasts is how long n letters take by the pace.
func (c Command) lasts(n int) time.Duration {
	return time.Duration(math.Min(float64(n)/c.Rate*float64(time.Second), math.MaxInt64/2))
}

// room is how many letters may be taken now.
func (r *bulkRun) room() int {
	n := batchJobs
	if r.verb.runs {
		if now := r.x.now(); now.Sub(r.finished) >= windowPatience {
			r.finished, r.grown = now, r.grown+firstWindow
		}
		n = min(n, max(0, r.window()-r.Operation.Waiting))
	}
	if r.Operation.Command.Dead.Limit > 0 {
		n = min(n, r.left())
	}
	if r.limiter != nil {
		n = min(n, int(r.limiter.TokensAt(r.x.now())))
	}
	return n
}

// window is how many requeued jobs may be unfinished.
func (r *bulkRun) window() int {
	return min(maxWindow, firstWindow+r.grown+r.Operation.Done+r.Operation.DeadAgain)
}

// nextPart returns the partition whose turn it is and which can be worked on; nil
// where all of them have to be waited for.
func (r *bulkRun) nextPart() *bulkPart {
	held := r.x.store.Attached()
	for range r.parts {
		part := r.parts[0]
		r.parts = append(r.parts[1:], part)
		if !r.verb.runs || find(held, part.TopicPartition) != nil {
			part.away = time.Time{}
			return part
		}
		if part.away.IsZero() {
			part.away = r.x.now()
		}
	}
	return nil
}

// refuseAway gives up partitions that have been away for too long.
func (r *bulkRun) refuseAway(ctx context.Context) error {
	for _, part := range slices.Clone(r.parts) {
		if part.away.IsZero() || r.x.now().Sub(part.away) < heldPatience {
			continue
		}
		for through := false; !through; {
			var refs []queue.DeadRef
			var err error
			if refs, through, err = r.next(ctx, part, scanLetters); err != nil {
				return err
			}
			for _, ref := range refs {
				r.refuse(reasonNotHeld, ref)
			}
		}
		r.drop(part)
	}
	return nil
}

func (r *bulkRun) drop(part *bulkPart) {
	r.parts = slices.DeleteFunc(r.parts, func(p *bulkPart) bool { return p == part })
}

// shownRefused is how many letters an operation names that it has refused for one reason.
const shownRefused = 10

// refuse counts a letter under its reason, which may name it: beyond so many of
// them under one for all others, for the operation to fit into the ledger.
func (r *bulkRun) refuse(reason string, ref queue.DeadRef) {
	known := func(g Group) bool { return g.Reason == reason }
	if len(r.Operation.Refused) >= maxErrors && !slices.ContainsFunc(r.Operation.Refused, known) {
		reason = otherErrors
	}
	add(&r.Operation.Refused, reason, Name{ref.Topic, ref.Partition, ref.Offset})
	for i := range r.Operation.Refused {
		group := &r.Operation.Refused[i]
		group.Jobs = group.Jobs[:min(len(group.Jobs), shownRefused)]
	}
	r.changed = true
}

// scanLetters bounds the letters that are looked through at a time.
const scanLetters = 10_000

// next returns at most n letters of a partition that the operation is about, in
// their order, and whether there are no more.
func (r *bulkRun) next(ctx context.Context, part *bulkPart, n int) (refs []queue.DeadRef, through bool, err error) {
	q, looked, held, earlier := r.Operation.Command.Dead, 0, r.x.store.Attached(), r.x.earlier(r)
	for l, err := range r.x.store.DeadLetters(ctx, part.TopicPartition, part.after.offset) {
		if err != nil {
			return nil, false, err
		}
		if at := letterOf(l.DeadRef); at.compare(part.after) <= 0 {
			continue
		} else if len(refs) == n || looked == scanLetters {
			return refs, false, nil
		} else {
			part.after = at
		}
		looked++
		if !r.covers(l.DeadRef) {
			continue
		}
		f := &deadFound{DeadLetter: l}
		match, err := q.matches(r.x.store, f, r.text)
		for n := 0; n < len(earlier) && match && err == nil; n++ {
			var taken bool
			taken, err = earlier[n].takes(r.x.store, f)
			match = !taken
		}
		if err != nil {
			return nil, false, err
		}
		// What the plan has refused was never its.
		if refusal := r.verb.refusal(held, f); match && (refusal == "" || refusal == reasonNotHeld) {
			refs = append(refs, l.DeadRef)
		}
	}
	return refs, true, nil
}

// earlier are the operations whose letters are theirs, since they began first.
func (x *executor) earlier(r *bulkRun) (claims []claim) {
	for _, other := range x.runs {
		began := other.Operation.Began.Compare(r.Operation.Began)
		if !other.broken && other.running() && (began < 0 || began == 0 && other.Operation.ID < r.Operation.ID) {
			claims = append(claims, claim{&other.bulkState, other.text})
		}
	}
	return claims
}

// takeFrom takes at most n letters of a partition. Which they are is in the file
// no later than that they are taken: after a crash they are counted once.
func (r *bulkRun) takeFrom(ctx context.Context, part *bulkPart, n int) error {
	before := part.after
	refs, through, err := r.next(ctx, part, n)
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		if through {
			r.drop(part)
		}
		return nil
	}
	r.goOut(part, refs)
	r.Operation.Reason = ""
	if err := r.write(); err != nil {
		return err
	}
	results, err := r.verb.act(ctx, r.x.store, r.Operation.Command, refs)
	if err != nil {
		return err
	}
	if r.limiter != nil {
		r.limiter.AllowN(r.x.now(), len(refs))
	}
	for _, result := range results {
		if errors.Is(result.Err, queue.ErrDetached) {
			part.after, part.away = before, r.x.now() // all of them: they are looked at together
		}
		r.note(result)
	}
	r.tally()
	return nil
}

func (r *bulkRun) goOut(part *bulkPart, refs []queue.DeadRef) {
	if r.Out == nil {
		r.Out = map[int32]letterSet{}
	}
	if r.Out[part.Partition] == nil {
		r.Out[part.Partition] = letterSet{}
	}
	for _, ref := range refs {
		r.Out[part.Partition][letterOf(ref)] = struct{}{}
	}
}

// note counts what came of a letter that is out. A requeued one stays out until
// its job has finished.
func (r *bulkRun) note(result queue.RequeueResult) {
	r.changed = true
	if result.Done {
		r.x.opt.Logger.Debug(r.verb.said, "job", Name{result.Topic, result.Partition, result.Offset}, "operation", r.Operation.ID)
		if r.verb.runs {
			return
		}
		r.Operation.Done++
	}
	delete(r.Out[result.Partition], letterOf(result.DeadRef))
	if result.Err != nil && !errors.Is(result.Err, queue.ErrDetached) {
		reason, _ := refusalOf(result.Err)
		r.refuse(reason, result.DeadRef)
	}
}
