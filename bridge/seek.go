package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// errSought ends the work on a partition for it to begin again, elsewhere in the
// log.
var errSought = errors.New("an operator wants to go on at another offset")

// errAway is what becomes of a wish while the partition is given up: the store
// keeps it.
var errAway = fmt.Errorf("%w any more: it is moved when it is assigned here again", inspect.ErrNotHeld)

// wishes are those of operators that a partition goes on from another offset.
// The store has the offset; here waits who asked for it. The zero value is ready.
type wishes struct {
	mu    sync.Mutex
	owned bool         // an owner is there to heed them
	asked []chan error // each takes one answer without waiting
	wake  func(error)  // ends what the owner is at; nil: it looks before it begins
}

// ask returns where the answer comes.
func (w *wishes) ask() <-chan error {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := make(chan error, 1)
	if !w.owned {
		answer <- errAway
		return answer
	}
	w.asked = append(w.asked, answer)
	if w.wake != nil {
		w.wake(errSought)
	}
	return answer
}

// own is for an owner who comes or goes.
func (w *wishes) own(on bool) {
	w.mu.Lock()
	w.owned = on
	w.mu.Unlock()
	if !on {
		w.take().answer(errAway)
	}
}

// heed ends ctx when a wish comes that take has not seen. stop ends that.
func (w *wishes) heed(ctx context.Context) (work context.Context, stop func()) {
	work, end := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wake = end
	if len(w.asked) > 0 {
		end(errSought)
	}
	return work, func() {
		w.mu.Lock()
		w.wake = nil
		w.mu.Unlock()
		end(nil)
	}
}

// askers wait for one answer.
type askers []chan error

func (w *wishes) take() (taken askers) {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken, w.asked = w.asked, nil
	return taken
}

// put back who has got no answer: the next to take them knows one.
func (w *wishes) put(back askers) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, back...)
}

func (a askers) answer(err error) {
	for _, to := range a {
		to <- err
	}
}

// moveOn makes the owner of a partition carry out what the store says that an
// operator wants of it, and waits until Kafka has acknowledged it.
func (r *run) moveOn(ctx context.Context, tp queue.TopicPartition) error {
	p := r.parts.get(tp)
	if p == nil {
		return errAway
	}
	select {
	case err := <-p.wishes.ask():
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait until %s has moved: %w", tp, context.Cause(ctx))
	}
}
