package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Batch lets a handler do the work of several jobs of one lane together.
//
// The jobs of a batch come in the order of their lane, and no other job of the
// lane runs meanwhile. Each has a result of its own: one that fails is retried,
// given up or skipped by itself, and the others of its batch are done. So the
// order within a batch is the handler's affair: a job that failed runs again
// after later ones of its batch were done. Jobs behind the batch wait for it, as
// they would for any job. A handler to which every job's order matters returns
// an error for all that follow the first failure; see [FailAll].
type Batch struct {
	// Max is how many jobs are in a batch at most. At least 2.
	Max int
	// Wait is how long the first job of a batch may wait for more, while its
	// lane holds fewer than Max. No worker waits. A job that has run before does
	// not wait, nor one in a lane of its own. Zero: it takes what is there.
	Wait time.Duration
	// Handler runs the batches. [Config.Use] does not wrap it.
	Handler BatchHandler
}

// BatchHandler does the work of a batch, which holds at least one job. It
// returns an error, or nil, for each of them, in their order; an empty result
// means that all are done. What the errors mean is what [Handler] says of them;
// a panic fails all jobs, and so does a result of another length.
//
// [Topic.Timeout], [Topic.Heartbeat] and the context are the batch's. When an
// operator cancels one of the jobs, the whole batch is: the others that return
// an error then lose no attempt. [Job.Checkpoint] is for each job; [Job.Defer]
// and [Job.Produce] are refused.
type BatchHandler interface {
	HandleBatch(ctx context.Context, jobs []*Job) []error
}

// BatchHandlerFunc is a function as a [BatchHandler].
type BatchHandlerFunc func(ctx context.Context, jobs []*Job) []error

// HandleBatch calls f.
func (f BatchHandlerFunc) HandleBatch(ctx context.Context, jobs []*Job) []error { return f(ctx, jobs) }

// FailAll is the result of a batch whose jobs from the i-th on all failed, and
// for the same reason; those before are done.
func FailAll(jobs []*Job, from int, err error) []error {
	errs := make([]error, len(jobs))
	for i := from; i < len(jobs); i++ {
		errs[i] = err
	}
	return errs
}

var (
	errBatchDefers   = errors.New("a job of a batch cannot be deferred")
	errBatchProduces = errors.New("a job of a batch cannot produce records")
)

// Handle runs a batch of one job: a batch handler as [Try] knows handlers.
func (b *Batch) Handle(ctx context.Context, job *Job) error { return b.run(ctx, []*Job{job})[0] }

// run returns a result for each job, whatever the handler does.
func (b *Batch) run(ctx context.Context, jobs []*Job) (errs []error) {
	err := call(ctx, HandlerFunc(func(ctx context.Context, _ *Job) error {
		errs = b.Handler.HandleBatch(ctx, jobs)
		return nil
	}), nil)
	switch {
	case err != nil:
	case len(errs) == 0:
		return make([]error, len(jobs))
	case len(errs) != len(jobs):
		err = fmt.Errorf("handler returned %d results for a batch of %d jobs", len(errs), len(jobs))
	default:
		return errs
	}
	return FailAll(jobs, 0, err)
}

// batchRun is the run of a batch. The first attempt leads: its context, pulse
// and place with the worker are those of all.
type batchRun struct {
	attempts []*attempt
	jobs     []*Job
	taken    []*queue.Job // of attempts
	finished []queue.Finished
}

// leader is the attempt whose context counts.
func (a *attempt) leader() *attempt {
	if a.batch == nil {
		return a
	}
	return a.batch.attempts[0]
}

// together lists the attempts that a worker runs at a time.
func (a *attempt) together() []*attempt {
	if a.batch == nil {
		return []*attempt{a}
	}
	return a.batch.attempts
}

// gather makes the run of a job and of those behind it that may run with it.
// Jobs whose time has not come, or is over, have their outcomes already.
func (r *run) gather(part *partition, v *view, head *queue.Job, began time.Time, h *hand) (*batchRun, error) {
	b := &batchRun{}
	rest := make([]queue.Job, v.route.batch.Max-1)
	n, err := r.store.Follow(head, rest)
	if err != nil {
		return nil, err
	}
	b.add(r, v, head, n, h)
	stored := b.attempts[0].stored
	for i := range rest[:n] {
		if v.route.timed() {
			if outcome, ok := r.turn(part, v, &rest[i], began); !ok {
				b.finished = append(b.finished, queue.Finished{Job: &rest[i], Outcome: outcome})
				continue
			}
		}
		b.add(r, v, &rest[i], n-1-i, h)
		b.attempts[len(b.attempts)-1].stored = stored
	}
	return b, nil
}

func (b *batchRun) add(r *run, v *view, taken *queue.Job, left int, h *hand) {
	a := h.attempts.next(taken, v, left)
	a.batch = b
	if taken.Checkpointed {
		a.more().checkpoint = r.lastCheckpoint(taken)
	}
	b.attempts, b.jobs, b.taken = append(b.attempts, a), append(b.jobs, &a.Job), append(b.taken, taken)
}

// executeBatch runs the batch that a job leads, and gives its outcomes to the
// store: all of them together, since the lane goes on when the last is known.
func (r *run) executeBatch(part *partition, v *view, head *queue.Job, began time.Time, w *worker, h *hand) (ended time.Time) {
	b, err := r.gather(part, v, head, began, h)
	if err != nil {
		r.fail(err)
		h.finish(head, queue.Outcome{Kind: queue.Release})
		return began
	}
	lane := queue.Lane{ID: head.Lane.ID, Own: head.Lane.Own}
	lead := b.attempts[0]
	lead.limit(v, began, r.cfg.Clock)
	w.slot.Note(head, b.taken[len(b.taken)-1].Offset, began)
	w.running.Store(lead)
	for _, job := range b.jobs {
		r.hooks.started(job)
	}
	errs := FailAll(b.jobs, 0, errGoexit)
	defer func() {
		ended = r.cfg.Clock.Now()
		w.slot.Clear()
		r.endBatch(b, v, began, ended, errs)
		if b.finished[0].Outcome.Kind != queue.Release {
			r.acquit(head, lane)
		}
	}()
	errs = v.route.batch.run(&lead.ctx, b.jobs)
	return ended
}

// endBatch ends the run of a batch. The leader comes last, and is reported
// first: with its context that of all ends.
func (r *run) endBatch(b *batchRun, v *view, began, ended time.Time, errs []error) {
	cancelled := b.attempts[0].ctx.cause(ended) == ErrCancelled
	for i := len(errs) - 1; i >= 0; i-- {
		outcome := queue.Outcome{Kind: queue.Release}
		if a := b.attempts[i]; !cancelled || errs[i] == nil || a.cancelled.Load() != nil {
			outcome, _ = r.end(a, b.taken[i], v, began, ended, a.refuse(errs[i]))
		}
		b.finished = append(b.finished, queue.Finished{Job: b.taken[i], Outcome: outcome})
	}
	last := len(b.finished) - 1
	b.finished[0], b.finished[last] = b.finished[last], b.finished[0]
	b.attempts[0].ctx.end()
	r.fail(r.store.FinishBatch(b.finished...))
}

// refuse refuses what a job can only do by itself.
func (a *attempt) refuse(err error) error {
	output := len(a.output()) > 0
	if output {
		a.more().output = nil
	}
	if d := a.deferred.Load(); d != nil {
		d.takeBack()
		if err == nil {
			return errBatchDefers
		}
	}
	if output && err == nil {
		return errBatchProduces
	}
	return err
}
