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
	for w.ctx.Err() == nil {
		job := h.start()
		if job == nil {
			return
		}
		r.execute(job, w, h)
	}
}

// execute runs one job and notes its outcome.
func (r *run) execute(taken *queue.Job, w *worker, h *hand) {
	v := r.parts.get(taken.TopicPartition()).view()
	began, err := r.cfg.Clock.Now(), errGoexit
	if v.scope.Err() != nil || !began.Before(v.until) { // not ours to start any more since it was taken
		h.finish(taken, queue.Outcome{Kind: queue.Release})
		return
	}
	if taken.Damaged != nil {
		if outcome, ok := r.restore(taken, v); !ok {
			h.finish(taken, outcome)
			return
		}
	}
	detach(&taken.Record)
	job := newJob(taken, v.topicID)
	ctx := &runContext{scope: v.scope}
	w.running.Store(job)
	r.hooks.started(job)
	defer func() {
		ctx.end()
		now := r.cfg.Clock.Now()
		outcome, delay := judge(v, now, job.Attempt, err)
		w.running.Store(nil)
		r.hooks.finished(job, Result{Outcome: outcome.Kind.String(), Err: err, Delay: delay, Took: now.Sub(began)})
		h.finish(taken, outcome)
		if outcome.Kind == queue.Halt {
			r.log.Error("job given up; its lane waits until an operator retries or skips it",
				"job", job, "attempt", job.Attempt, "error", err)
		}
	}()
	err = call(ctx, v.route.handler, job)
}

// judge turns what a handler returned into what becomes of the job.
func judge(v view, now time.Time, attempt int, err error) (queue.Outcome, time.Duration) {
	if err == nil {
		return queue.Outcome{Kind: queue.Done}, 0
	}
	if givenUp(err) {
		return queue.Outcome{Kind: queue.Halt, Error: err.Error()}, 0
	}
	if v.scope.Err() != nil && !errors.As(err, new(*PanicError)) {
		return queue.Outcome{Kind: queue.Release}, 0
	}
	delay := delayFor(v.route.retry, attempt, err)
	return queue.Outcome{Kind: queue.Retry, Due: now.Add(delay), Error: err.Error()}, delay
}

// newJob makes what a handler sees of a stored job.
func newJob(taken *queue.Job, topicID string) *Job {
	job := &Job{
		Record: Record{
			Topic:     taken.Topic,
			Partition: taken.Partition,
			Offset:    taken.Offset,
			Key:       taken.Key,
			Value:     taken.Value,
		},
		Lane:      string(taken.Lane.Name),
		Attempt:   taken.Attempt,
		LastError: taken.LastError,
		topicID:   topicID,
	}
	if taken.Timestamp >= 0 {
		job.Timestamp = time.UnixMilli(taken.Timestamp)
	}
	if len(taken.Headers) > 0 {
		job.Headers = make([]Header, len(taken.Headers))
		for i, h := range taken.Headers {
			job.Headers[i] = Header(h)
		}
	}
	return job
}
