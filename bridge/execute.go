package bridge

import (
	"errors"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// errGoexit is the error of a run whose handler ended its goroutine.
var errGoexit = errors.New("handler called runtime.Goexit")

// work is the life of one worker: take jobs, run them, give their outcomes back.
func (r *run) work(w *worker) {
	w.slot = r.slot()
	defer func() { r.poison.life.Release(w.slot) }() // another, after a job that was deferred
	h := &hand{store: r.store}
	defer func() { r.fail(h.report()) }() // also when a handler ends the goroutine
	var took []queue.Job
	for size := 1; w.ctx.Err() == nil; {
		took = slices.Grow(took[:0], size)[:size]
		n, err := r.store.Take(w.ctx, took)
		if err != nil && w.ctx.Err() == nil {
			r.fail(err)
			return
		}
		began := time.Now()
		h.deal(took[:n])
		r.play(w, h)
		if err := h.report(); err != nil {
			r.fail(err)
			return
		}
		clear(took[:n]) // an idle worker holds no payloads
		size = handSize(time.Since(began), n)
	}
}

// play runs the jobs of a hand until it is empty or the worker is to end.
func (r *run) play(w *worker, h *hand) {
	defer w.running.Store(nil)
	now := r.cfg.Clock.Now()
	for w.ctx.Err() == nil {
		taken, left := h.start()
		if taken == nil {
			return
		}
		now = r.execute(taken, left, now, w, h)
	}
}

// execute runs one job and notes its outcome. It returns when the job ended,
// which is when the next one begins: reading the clock costs as much as a quick
// handler.
func (r *run) execute(taken *queue.Job, left int, began time.Time, w *worker, h *hand) (ended time.Time) {
	part := r.parts.get(taken.TopicPartition())
	v := part.view()
	if taken.Damaged != nil && v.lets(began) {
		outcome, ok := r.restore(taken, v)
		v, began = part.view(), r.cfg.Clock.Now() // Kafka may have taken its time
		if ok && w.ctx.Err() != nil {
			outcome, ok = queue.Outcome{Kind: queue.Release}, false
		}
		if !ok {
			h.finish(taken, outcome)
			return began
		}
	}
	if !v.lets(began) { // not ours to start any more since it was taken
		h.finish(taken, queue.Outcome{Kind: queue.Release})
		return began
	}
	if v.route.timed() {
		if outcome, ok := r.turn(part, v, taken, began); !ok {
			h.finish(taken, outcome)
			return began
		}
	}
	lane := queue.Lane{ID: taken.Lane.ID, Own: taken.Lane.Own}
	if r.poisonous(taken) {
		h.finish(taken, r.giveUpPoison(taken, h.attempts.next(taken, v, left), v, began))
		r.acquit(taken, lane)
		return began
	}
	if v.route.batch != nil {
		return r.executeBatch(part, v, taken, began, w, h)
	}
	w.slot.Note(taken, taken.Offset, began)
	a := h.attempts.next(taken, v, left)
	a.limit(v, began, r.cfg.Clock)
	if taken.Checkpointed {
		a.more().checkpoint = r.lastCheckpoint(taken)
	}
	w.running.Store(a)
	r.hooks.started(&a.Job)
	err := errGoexit
	defer func() {
		ended = r.cfg.Clock.Now()
		if d := a.deferred.Load(); d != nil {
			var outlives bool
			if outlives, err = r.outlives(d, a, taken, v, began, err, &lastingNote{run: r, worker: w, job: named(taken), lane: lane}); outlives {
				return
			}
		}
		w.slot.Clear()
		outcome, ok := r.end(a, taken, v, began, ended, err)
		if ok {
			h.finish(taken, outcome)
		}
		if outcome.Kind != queue.Release {
			r.acquit(taken, lane)
		}
	}()
	err = call(&a.ctx, v.route.handler, &a.Job)
	return ended
}

// end ends a run. It reports false where the outcome of its job follows later.
func (r *run) end(a *attempt, taken *queue.Job, v *view, began, ended time.Time, err error) (queue.Outcome, bool) {
	err = a.failure(ended, v.route.timeout, err)
	a.ctx.end()
	if len(a.output()) > 0 && a.keepsOutput(err) {
		if err = r.produce(a, taken, v, began); err == nil {
			return queue.Outcome{}, false // it follows the acknowledgement
		}
	}
	return r.conclude(taken, a, v, began, ended, err), true
}
