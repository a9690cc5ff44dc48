package inspect

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// firstWindow is how many jobs that it has let run may be unfinished before the first of
	// them have shown how it goes; each that finishes lets one more be, and each
	// patience without any as many again.
	firstWindow, maxWindow = 256, 20_000
	windowPatience         = 10 * time.Second
	// heldPatience is how long a partition may be away before what is left of it is
	// refused: a restart or a rebalance is shorter.
	heldPatience = 5 * time.Minute
)

// take takes what there is for as long as it is this operation's turn, and ends the
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
		if len(r.parts) == 0 || r.limited() == 0 {
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
		"because", op.Reason, "matched", op.Matched, "taken", op.Taken, "refused", count(op.Refused), "again", op.again())
}

// waits tells what the operation waits for, apart from its pace.
func (r *bulkRun) waits(part *bulkPart) {
	reason := ""
	switch {
	case part == nil:
		reason = fmt.Sprintf("waits for %s to be held here", r.parts[0].TopicPartition)
	case r.kind.runs() && r.window() <= r.Operation.Waiting:
		reason = fmt.Sprintf("waits for some of %d %s %s to finish", r.Operation.Waiting, r.kind.taken, r.kind.vain.what)
	}
	if r.Operation.Reason != reason {
		r.Operation.Reason, r.changed = reason, true
	}
}

// stops tells why the stop condition is met, if it is.
func (r *bulkRun) stops() string {
	op := &r.Operation
	limit := op.Command.stopAt()
	again := op.again()
	finished := op.Done + again
	if limit >= 1 || finished < LeastFinished || again == 0 || float64(again) < limit*float64(finished) {
		return ""
	}
	return fmt.Sprintf("%d of the %d %s that ran %s, and it stops at %g%%; %s were left", again, finished, r.kind.vain.what, r.kind.vain.said, 100*limit, number(r.left(), r.kind.what))
}

// stopAt is the stop condition in force.
func (c Command) stopAt() float64 {
	switch v, ok := bulkOf(c.Verb); {
	case !ok || !v.kind().runs():
		return 1
	case c.StopAt == 0:
		return DefaultStopAt
	}
	return c.StopAt
}

// limit is how many are selected at most; zero: all.
func (c Command) limit() int { return cmp.Or(c.Dead.Limit, c.Select.Limit) }

// limited is how many may still be taken by the limit. Jobs that were refused may
// be others than the plan's.
func (r *bulkRun) limited() int {
	switch {
	case r.Operation.Command.limit() == 0:
		return math.MaxInt
	case r.Jobs != nil:
		return max(0, r.Operation.Matched-r.Operation.Taken)
	}
	return r.left()
}

// lasts is how long n of them take by the pace.
func (c Command) lasts(n int) time.Duration {
	return time.Duration(math.Min(float64(n)/c.Rate*float64(time.Second), math.MaxInt64/2))
}

// room is how many may be taken now.
func (r *bulkRun) room() int {
	n := batchJobs
	if r.kind.runs() {
		if now := r.x.now(); now.Sub(r.finished) >= windowPatience {
			r.finished, r.grown = now, r.grown+firstWindow
		}
		n = min(n, max(0, r.window()-r.Operation.Waiting))
	}
	n = min(n, r.limited())
	if r.limiter != nil {
		n = min(n, int(r.limiter.TokensAt(r.x.now())))
	}
	return n
}

// window is how many jobs that it has let run may be unfinished.
func (r *bulkRun) window() int {
	return min(maxWindow, firstWindow+r.grown+r.Operation.Done+r.Operation.again())
}

// nextPart returns the partition whose turn it is and which can be worked on; nil
// where all of them have to be waited for. A limit of letters is over the first of
// them, as in the plan; of jobs and lanes each partition knows its last one.
func (r *bulkRun) nextPart() *bulkPart {
	inOrder := len(r.Parts) > 0 && r.Operation.Command.limit() > 0
	for n := range r.parts {
		if inOrder && n > 0 {
			break
		}
		part := r.parts[0]
		if !inOrder {
			r.parts = append(r.parts[1:], part)
		}
		if !r.targets.away(part.TopicPartition) {
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
		if err := r.targets.giveUp(ctx, part, reasonNotHeld); err != nil {
			return err
		}
		r.drop(part)
	}
	return nil
}

func (r *bulkRun) drop(part *bulkPart) {
	r.parts = slices.DeleteFunc(r.parts, func(p *bulkPart) bool { return p == part })
}

// earlier are the operations whose letters or jobs are theirs, since they began
// first.
func (x *executor) earlier(r *bulkRun) (claims []claim) {
	for _, other := range x.runs {
		began := other.Operation.Began.Compare(r.Operation.Began)
		if !other.broken && other.running() && (began < 0 || began == 0 && other.Operation.ID < r.Operation.ID) {
			claims = append(claims, claim{&other.bulkState, other.text})
		}
	}
	return claims
}
