package inspect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	ratelimit "golang.org/x/time/rate"

	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// stepEvery is how often operations are looked after while there is nothing
	// to wait for but time.
	stepEvery = 100 * time.Millisecond
	// stepFor is how long one of them is given before the next one's turn.
	stepFor = 100 * time.Millisecond
	// burst is the time whose share may be taken at once.
	burst = 250 * time.Millisecond
)

// ExecuteStored executes the stored operations of a store until ctx ends, with
// the options that the store's inspector has. At most one call per store may be
// under way. The error is the store's.
func ExecuteStored(ctx context.Context, store *queue.Store, opt Options) error {
	x := &executor{inspector: newInspector(store, opt), runs: map[string]*bulkRun{}}
	ticker := time.NewTicker(stepEvery)
	defer ticker.Stop()
	for {
		busy, err := x.step(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // what was done since the last flush is found again at the next start
		case err != nil:
			return fmt.Errorf("execute stored operations: %w", err)
		case busy:
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// executor executes operations, one step of each in turn.
type executor struct {
	*inspector
	runs map[string]*bulkRun // those that are open, by id
}

// step lets each operation come further. It reports whether one of them has more
// to do at once.
func (x *executor) step(ctx context.Context) (busy bool, err error) {
	open := map[string]bool{}
	for _, stored := range x.store.Operations() {
		if !stored.Open {
			continue
		}
		open[stored.ID] = true
		run := x.runs[stored.ID]
		if run == nil {
			run = x.resume(stored)
			x.runs[stored.ID] = run
		}
		more, err := run.step(ctx, stored)
		if err != nil {
			return false, fmt.Errorf("operation %s: %w", stored.ID, err)
		}
		busy = busy || more
	}
	for id := range x.runs {
		if !open[id] {
			delete(x.runs, id)
		}
	}
	return busy, nil
}

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

// step brings the operation further. The store's is the truth: an operator may
// have ended it.
func (r *bulkRun) step(ctx context.Context, stored queue.Operation) (more bool, err error) {
	if r.broken {
		return false, nil
	}
	more, err = r.advance(ctx, stored)
	if errors.Is(err, queue.ErrOperationChanged) {
		return true, nil // it is read again
	}
	return more, err
}

func (r *bulkRun) advance(ctx context.Context, stored queue.Operation) (more bool, err error) {
	if stored.Version != r.stored.Version {
		if r.bulkState, err = openBulk(stored); err != nil {
			return false, err
		}
		r.stored, r.changed = stored, false
		r.told = r.told || !r.running() // whoever has ended it has told
	}
	if err := r.follow(ctx); err != nil {
		return false, err
	}
	if r.running() {
		if more, err = r.take(ctx); err != nil {
			return false, err
		}
	}
	return more, r.save()
}

// saveEvery is how often progress alone is written.
const saveEvery = time.Second

// save writes what has changed: at once where the operation has ended.
func (r *bulkRun) save() error {
	now := r.x.now()
	if !r.changed || r.running() && now.Sub(r.saved) < saveEvery {
		return nil
	}
	if r.running() || r.told {
		return r.write()
	}
	return r.x.store.Whole(func() error { // or a crash in between would leave the end untold
		if err := r.write(); err != nil {
			return err
		}
		r.told = true
		return r.x.auditEnd(r.show())
	})
}

// write leaves the state to the next flush.
func (r *bulkRun) write() error {
	stored := r.stored
	if err := r.encode(&stored); err != nil {
		return err
	}
	outgrown := len(stored.Data) > queue.MaxLedgerData // by a version that took a command of any length
	if outgrown {
		r.Out, r.Operation.Refused = nil, nil
		r.finish(OperationFailed, "there is no room for what it has to keep; give the command anew, and let it select by fewer offsets")
		if err := r.encode(&stored); err != nil {
			return err
		}
	}
	stored, err := r.x.store.PutOperation(stored)
	if err != nil {
		return err
	}
	r.stored, r.changed, r.saved = stored, outgrown, r.x.now()
	if outgrown {
		return queue.ErrOperationChanged
	}
	return nil
}
