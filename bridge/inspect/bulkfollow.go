package inspect

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	ratelimit "golang.org/x/time/rate"

	"github.com/seed-2837c37b/holdfast/queue"
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
	// burst is the time whose share may be taken at once.
	burst = 250 * time.Millisecond
	// followFor is how long jobs are followed after the end of an operation.
	followFor = 24 * time.Hour
)

// bulkRun is an operation that is being executed.
type bulkRun struct {
	x *executor
	bulkState
	stored   queue.Operation // as the store has it
	changed  bool            // bulkState is ahead of it
	saved    time.Time
	told     bool // the audit trail has its end
	broken   bool // it cannot be read
	kind     bulkKind
	targets  bulkTargets
	text     *regexp.Regexp
	parts    []*bulkPart // those that it is not through with, the next one first
	limiter  *ratelimit.Limiter
	looked   time.Time     // when Out was looked after
	rest     time.Duration // until it is again, at least
	finished time.Time     // when a job had finished, or patience ended
	grown    int           // by which the window has grown since for patience
}

// bulkPart is a partition of an operation.
type bulkPart struct {
	queue.TopicPartition
	// after is the last letter that was looked at, before where the last look began,
	// which of jobs the file says as well.
	after, before mark
	away          time.Time // since when it is not held; the zero time while it is
}

// resume goes on with an operation from wherever it is. The letters that were
// looked at before are looked at again: those that were taken are gone. Jobs and
// lanes are not.
func (x *executor) resume(stored queue.Operation) *bulkRun {
	r := &bulkRun{x: x, stored: stored, saved: x.now(), finished: x.now()}
	var err error
	if r.bulkState, err = openBulk(stored); err != nil {
		x.opt.Logger.Error("a stored operation cannot be read and does not go on; give the command again", "operation", stored.ID, "error", err)
		r.broken = true
		return r
	}
	r.told = !r.running()
	c := r.Operation.Command
	verb, ok := bulkOf(c.Verb)
	if r.text, err = c.errorMatches(); err == nil && !ok {
		err = fmt.Errorf("it knows no verb %s", c.Verb)
	}
	if err != nil {
		r.changed = true
		r.end(OperationFailed, fmt.Sprintf("this version cannot execute it: %v", err), x.now())
		return r
	}
	r.kind, r.targets = verb.kind(), verb.targets(r)
	for _, number := range r.targets.partitions() {
		r.parts = append(r.parts, &bulkPart{TopicPartition: r.tp(number), after: mark{-1, 0}})
	}
	if c.Rate > 0 {
		r.limiter = ratelimit.NewLimiter(ratelimit.Limit(c.Rate), int(max(1, c.Rate*burst.Seconds())))
	}
	if r.running() && len(r.Parts) > 0 {
		r.Operation.Refused, r.changed = nil, true
	}
	return r
}

const (
	// followEvery is how often what was taken is looked after.
	followEvery = 250 * time.Millisecond
	// followShare is the part of the time that this takes, at most, where much is out.
	followShare = 20
)

// follow counts what has become of what was taken.
func (r *bulkRun) follow(ctx context.Context) error {
	now := r.x.now()
	every := max(followEvery, r.rest)
	if !r.running() {
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
	if !r.running() && now.Sub(r.Operation.Ended) > followFor && len(r.Out) > 0 {
		if jobs, ok := r.targets.(*jobTargets); ok {
			jobs.unfollow()
		}
		r.Out, r.changed = nil, true
	}
	return nil
}

// look counts what has become of what is out of a partition. What is there still
// was not taken: the process had ended.
func (r *bulkRun) look(ctx context.Context, number int32, set markSet) error {
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
			*r.kind.vain.count(op)++
		case queue.LetterForgotten:
			op.Forgotten++
		case queue.LetterGone:
			op.Done++
		}
		delete(set, m)
		r.changed, r.finished, r.grown = true, r.x.now(), 0
	}
	return nil
}
