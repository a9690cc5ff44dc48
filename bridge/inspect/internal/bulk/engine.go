package bulk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Engine executes the operations of a store, one step of each in turn. All of its
// fields are needed.
type Engine struct {
	Store  *queue.Store
	Logger *slog.Logger
	Now    func() time.Time
	// Member tells whether it is known which partitions this process has: else one that
	// is not held may be about to come.
	Member func() bool
	// Open tells what an operation is about and how it is to go. The error is why
	// this version cannot execute it.
	Open func(Operation) (Work, Terms, error)
	// Refusal is the sentence for an error that concerns one letter, job or lane only.
	Refusal func(error) (reason string, ok bool)
	// Ended is told once of each operation that nobody else has ended. What it writes
	// to the store is there together with the end.
	Ended func(*Entry) error

	runs map[string]*run // those that are open, by id
}

const (
	// stepEvery is how often operations are looked after while there is nothing
	// to wait for but time.
	stepEvery = 100 * time.Millisecond
	// stepFor is how long one of them is given before the next one's turn.
	stepFor = 100 * time.Millisecond
)

// Execute goes on until ctx ends. At most one call per store may be under way. The
// error is the store's.
func (x *Engine) Execute(ctx context.Context) error {
	x.runs = map[string]*run{}
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

// step lets each operation come further. It reports whether one of them has more
// to do at once.
func (x *Engine) step(ctx context.Context) (busy bool, err error) {
	open := map[string]bool{}
	for _, stored := range x.Store.Operations() {
		if !stored.Open {
			continue
		}
		open[stored.ID] = true
		r := x.runs[stored.ID]
		if r == nil {
			r = x.resume(stored)
			x.runs[stored.ID] = r
		}
		more, err := r.step(ctx, stored)
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
