package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	ratelimit "golang.org/x/time/rate"

	"github.com/seed-2837c37b/holdfast/queue"
)

// burst is the time whose share may be taken at once.
const burst = 250 * time.Millisecond

// run is an operation that is being executed.
type run struct {
	x *Engine
	Entry
	stored   queue.Operation // as the store has it
	changed  bool            // Entry is ahead of it
	saved    time.Time
	told     bool // who is to know of its end does
	broken   bool // it cannot be read
	work     Work // nil, as targets: this version cannot execute it
	terms    Terms
	kind     Kind
	targets  targets
	parts    []*cursor // those that it is not through with, the next one first
	limiter  *ratelimit.Limiter
	member   bool          // it is known which partitions are held
	looked   time.Time     // when Out was looked after
	rest     time.Duration // until it is again, at least
	finished time.Time     // when a job had finished, or patience ended
	grown    int           // by which the window has grown since for patience
}

// cursor is where an operation is in a partition.
type cursor struct {
	queue.TopicPartition
	// after is the last letter that was looked at, before where the last look began,
	// which of jobs the file says as well.
	after, before mark
	away          time.Time // since when it is not held; the zero time while it is
}

// resume goes on with an operation from wherever it is. The letters that were
// looked at before are looked at again: those that were taken are gone. Jobs and
// lanes are not.
func (x *Engine) resume(stored queue.Operation) *run {
	r := &run{x: x, stored: stored, saved: x.Now(), finished: x.Now()}
	var err error
	if r.Entry, err = Read(stored); err != nil {
		x.Logger.Error("a stored operation cannot be read and does not go on; give the command again", "operation", stored.ID, "error", err)
		r.broken = true
		return r
	}
	r.told = !r.Running()
	if r.work, r.terms, err = x.Open(r.Operation); err != nil {
		r.changed = true
		r.End(Failed, fmt.Sprintf("this version cannot execute it: %v", err), x.Now())
		return r
	}
	r.kind, r.targets = r.work.kind(), r.work.targets(r)
	for _, number := range r.targets.partitions() {
		r.parts = append(r.parts, &cursor{TopicPartition: r.tp(number), after: mark{-1, 0}})
	}
	if rate := r.terms.Rate; rate > 0 {
		r.limiter = ratelimit.NewLimiter(ratelimit.Limit(rate), int(max(1, rate*burst.Seconds())))
	}
	if r.Running() && len(r.Parts) > 0 {
		r.Operation.Refused, r.changed = nil, true
	}
	return r
}

// held returns a partition; nil: it is not held here.
func (r *run) held(tp queue.TopicPartition) *queue.Partition {
	held := r.x.Store.Attached()
	at := slices.IndexFunc(held, func(p *queue.Partition) bool { return p.TopicPartition() == tp })
	if at < 0 {
		return nil
	}
	return held[at]
}

// claim is what the run itself takes.
func (r *run) claim() Claim { return Claim{&r.Entry, r.work} }

// step brings the operation further. The store's is the truth: an operator may
// have ended it.
func (r *run) step(ctx context.Context, stored queue.Operation) (more bool, err error) {
	if r.broken {
		return false, nil
	}
	more, err = r.advance(ctx, stored)
	if errors.Is(err, queue.ErrOperationChanged) {
		return true, nil // it is read again
	}
	return more, err
}

func (r *run) advance(ctx context.Context, stored queue.Operation) (more bool, err error) {
	if stored.Version != r.stored.Version {
		if r.Entry, err = Read(stored); err != nil {
			return false, err
		}
		r.stored, r.changed = stored, false
		r.told = r.told || !r.Running() // whoever has ended it has told
	}
	if err := r.follow(ctx); err != nil {
		return false, err
	}
	if r.Running() {
		if more, err = r.take(ctx); err != nil {
			return false, err
		}
	}
	return more, r.save()
}

// saveEvery is how often progress alone is written.
const saveEvery = time.Second

// save writes what has changed: at once where the operation has ended.
func (r *run) save() error {
	now := r.x.Now()
	if !r.changed || r.Running() && now.Sub(r.saved) < saveEvery {
		return nil
	}
	if r.Running() || r.told {
		return r.put()
	}
	return r.x.Store.Whole(func() error { // or a crash in between would leave the end untold
		if err := r.put(); err != nil {
			return err
		}
		r.told = true
		return r.x.Ended(&r.Entry)
	})
}

// put leaves the state to the next flush.
func (r *run) put() error {
	stored := r.stored
	if err := r.Entry.Write(&stored); err != nil {
		return err
	}
	outgrown := len(stored.Data) > queue.MaxLedgerData // by a version that took a command of any length
	if outgrown {
		r.Out, r.Operation.Refused = nil, nil
		r.finish(Failed, "there is no room for what it has to keep; give the command anew, and let it select by fewer offsets")
		if err := r.Entry.Write(&stored); err != nil {
			return err
		}
	}
	stored, err := r.x.Store.PutOperation(stored)
	if err != nil {
		return err
	}
	r.stored, r.changed, r.saved = stored, outgrown, r.x.Now()
	if outgrown {
		return queue.ErrOperationChanged
	}
	return nil
}
