package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// stepEvery is how often operations are looked after while there is nothing
	// to wait for but time.
	stepEvery = 100 * time.Millisecond
	// stepFor is how long one of them is given before the next one's turn.
	stepFor = 100 * time.Millisecond
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
