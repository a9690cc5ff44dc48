package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Deferred is a job whose handler has returned and that is completed later. It
// is safe for concurrent use.
type Deferred struct {
	job    *Job
	giveUp time.Duration

	mu   sync.Mutex
	over bool             // guarded by mu
	err  error            // guarded by mu; what it was finished with
	end  func(error) bool // guarded by mu; nil until the handler has returned
	stop func() bool      // guarded by mu; of the timer that gives up; nil until it runs
}

// Defer lets the handler return before the job is done: called before it
// returns nil, it leaves the outcome to [Deferred.Finish], from anywhere. The
// job goes on holding its lane, and counts against [Topic.Concurrency], but no
// worker waits for it. Its context lives on, too: it ends as that of a running
// handler would, and with Finish.
//
// A job that is not finished within giveUp counts as a failed attempt; with
// zero it is waited for as long as it takes. A second call returns the same
// Deferred. A handler that returns an error after all has taken the deferral
// back.
//
// At a stop a deferred job is waited for as a running one is, for
// [Config.StopWithin]; then, and after a crash, it runs again at the next start,
// and no attempt is lost. When its partition is revoked, Finish(nil) is still
// recorded as done here and commits nothing, so that the job does not run
// again if the partition comes back; another owner runs it again.
func (j *Job) Defer(giveUp time.Duration) *Deferred {
	d := &Deferred{job: j, giveUp: max(0, giveUp)}
	if j.run == nil || j.run.deferred.CompareAndSwap(nil, d) {
		return d
	}
	return j.run.deferred.Load()
}

// Finish completes the job, with an error as if its handler had returned it.
// It reports whether that counts: false where the job was finished, given up or
// cancelled before, or where the bridge has ended.
func (d *Deferred) Finish(err error) bool {
	d.mu.Lock()
	if d.over {
		d.mu.Unlock()
		return false
	}
	d.finish(err)
	end := d.end
	d.mu.Unlock()
	return end == nil || end(err)
}

// returned tells that the handler has returned nil. It reports true, with what
// counts, where the job is finished already; else end gets that.
func (d *Deferred) returned(end func(error) bool) (over bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return true, d.err
	}
	d.end = end
	return false, nil
}

// finish needs mu.
func (d *Deferred) finish(err error) {
	d.over, d.err = true, err
	if d.stop != nil {
		d.stop()
	}
}

// takeBack makes every later Finish void.
func (d *Deferred) takeBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish(nil)
}

var (
	errNoHandler = errors.New("it was deferred")
	errGaveUp    = errors.New("deferred job was given up")
)

func (d *Deferred) tooLate() error {
	return fmt.Errorf("%w: not finished within %v", errGaveUp, d.giveUp)
}

// watch calls Finish once the time to give up has come.
func (d *Deferred) watch(clock queue.Clock) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.giveUp > 0 && !d.over {
		d.stop = clock.AfterFunc(d.giveUp, func() { d.Finish(d.tooLate()) }).Stop
	}
}

// outlives takes over a run that its handler has deferred. It reports false,
// with the error that counts, where the job has an outcome already. What
// is noted of the run stays until it ends.
func (r *run) outlives(d *Deferred, a *attempt, taken *queue.Job, v *view, began time.Time, err error, note *lastingNote) (bool, error) {
	if err != nil {
		d.takeBack()
		return false, err
	}
	kept := *taken // the worker uses its own for other jobs
	forget(&kept)
	r.store.Defer(&kept)
	r.pool.detach(&a.Job)
	d.watch(r.cfg.Clock)
	note.begin()
	over, err := d.returned(func(err error) bool {
		outcome, ok := r.end(a, &kept, v, began, r.cfg.Clock.Now(), err)
		note.end(outcome.Kind != queue.Release)
		if !ok {
			return true // its acknowledgement rejoins it
		}
		defer r.pool.rejoin(&a.Job)
		return r.store.Finish(queue.Finished{Job: &kept, Outcome: outcome}) == nil
	})
	if over {
		note.end(false)
		r.pool.rejoin(&a.Job)
	}
	return !over, err
}

// await waits for Finish, without a store.
func (d *Deferred) await(scope context.Context, clock queue.Clock) error {
	finished := make(chan error, 1)
	d.watch(clock)
	over, err := d.returned(func(err error) bool {
		finished <- err
		return true
	})
	if over {
		return err
	}
	defer context.AfterFunc(scope, func() { d.Finish(context.Cause(scope)) })()
	return <-finished
}
