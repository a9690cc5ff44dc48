package bridge

import (
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// conclude judges a run that has ended, and tells hooks and log what becomes of
// its job.
func (r *run) conclude(taken *queue.Job, a *attempt, v *view, began, ended time.Time, err error) queue.Outcome {
	job := &a.Job
	outcome, delay := judge(v, ended, job.Attempt, err)
	if r.hooks.to.Finished != nil {
		r.hooks.finished(job, Result{
			Outcome: outcome.Kind.String(), Err: err, Delay: delay, Guarded: outcome.Guarded,
			Took: ended.Sub(began), Waited: max(0, began.Sub(taken.Since())),
			Produced: a.output(),
		})
	}
	if outcome.Kind != queue.Done {
		r.say(outcome, delay, job, err)
	} else if v.guard != nil {
		v.guard.succeeded()
	}
	return outcome
}

// say tells of a run that did not just do its job.
func (r *run) say(outcome queue.Outcome, delay time.Duration, job *Job, err error) {
	switch outcome.Kind {
	case queue.Retry:
		r.hooks.retried(Retried{Job: job, Err: err, Delay: delay, Guarded: outcome.Guarded})
	case queue.Halt:
		r.log.Error("job given up; its lane waits until an operator retries or skips it",
			"job", job, "attempt", job.Attempt, "error", err)
	case queue.Bury:
		r.log.Warn("job given up; it is kept as a dead letter", "job", job, "attempt", job.Attempt, "error", err)
		r.hooks.buried(Buried{Job: job, Err: err})
	case queue.Park:
		r.log.Error("job given up; its lane is set aside until an operator releases or discards it",
			"job", job, "attempt", job.Attempt, "error", err)
		r.hooks.parked(Parked{Job: job, Err: err})
	case queue.Skipped:
		r.log.Info("job skipped by its handler: it counts as done", "job", job, "attempt", job.Attempt, "reason", err)
	}
}
