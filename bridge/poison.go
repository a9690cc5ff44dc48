package bridge

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// poison finds jobs that kill the process: it notes what runs where the next
// start finds it, and brings what this start has found to the store. The rules
// are in recovery/README.md.
type poison struct {
	life *recovery.Life
	// admitted is when a job could first start, in Unix nanoseconds by the
	// clock of jobs; 0: not yet. The process has lived from then on: a group that takes its
	// time to assign partitions tells nothing about jobs.
	admitted atomic.Int64
	lived    bool // the beats' own: that was long enough

	slotless sync.Once // says that there is no slot for a worker

	mu      sync.Mutex
	charges map[queue.TopicPartition][]recovery.Suspect // guarded by mu; to be made at the next attachment
}

// beginLife judges the life before this one. It comes before the first
// partition is attached.
func (r *run) beginLife() error {
	life, err := r.opened.Begin(r.cfg.Clock.Now())
	if err != nil {
		return err
	}
	r.poison.life = life
	crashes, lately := life.Crashes()
	if crashes == 0 || r.cfg.MaxCrashes < 0 {
		return nil
	}
	probation := life.Probation()
	switch {
	case len(probation) > 0:
		r.log.Warn("the process has crashed again and again; what ran then runs one job at a time",
			"crashes", crashes, "suspects", len(probation), "some", nameSome(probation))
	case lately:
		r.log.Warn("the process has crashed; what ran then runs again, also if it is a job that did that", "crashes", crashes)
	}
	suspects := make([]queue.Suspect, len(probation))
	charges := make(map[queue.TopicPartition][]recovery.Suspect)
	for i, s := range probation {
		suspects[i] = s.Suspect
		if s.Crashes > 0 {
			charges[s.TopicPartition] = append(charges[s.TopicPartition], s)
		}
	}
	r.poison.charges = charges
	r.store.Probation(suspects)
	return nil
}

// nameSome names a few suspects for the log.
func nameSome(suspects []recovery.Suspect) (names []string) {
	for _, s := range suspects[:min(len(suspects), 10)] {
		names = append(names, fmt.Sprintf("%s@%d", s.TopicPartition, s.First))
	}
	return names
}

// charge counts the last crash against the job of this partition that was on
// probation, durably and before any job starts.
func (o *ownership) charge(ctx context.Context) error {
	tp := o.stored.TopicPartition()
	o.poison.mu.Lock()
	charges := o.poison.charges[tp]
	o.poison.mu.Unlock()
	if len(charges) == 0 {
		return nil
	}
	for _, s := range charges {
		open, err := o.stored.Charge(s.First, s.Lane, s.Crashes)
		if err != nil {
			return fmt.Errorf("charge %s@%d with a crash: %w", tp, s.First, err)
		}
		if err := o.store.Sync(ctx); err != nil {
			return err
		}
		o.log.Error("the process crashed while this job, alone among the suspects, was running",
			"job", fmt.Sprintf("%s@%d", tp, s.First), "crashes", s.Crashes, "max_crashes", o.cfg.MaxCrashes)
		if open { // else it is still to be fetched: the slot keeps the charge
			o.poison.life.Charged(s)
		}
	}
	o.poison.mu.Lock()
	defer o.poison.mu.Unlock()
	delete(o.poison.charges, tp)
	return nil
}

// admit notes that jobs can start.
func (p *poison) admit(now time.Time) { p.admitted.CompareAndSwap(0, now.UnixNano()) }

// beat notes that the process lives, and ends probation when it has for long
// enough.
func (r *run) beat() {
	p, now := &r.poison, r.cfg.Clock.Now()
	p.life.Beat(now)
	first := p.admitted.Load()
	if p.lived || first == 0 || now.UnixNano()-first < int64(recovery.LivedFor) {
		return
	}
	p.lived = true
	p.life.Settle()
	r.store.EndProbation()
}

// slot returns where a worker notes what it runs.
func (r *run) slot() *recovery.Slot {
	slot, err := r.poison.life.Slot()
	if err != nil {
		r.poison.slotless.Do(func() {
			r.log.Warn("not every worker can note what it runs; a job of theirs that kills the process would not be found", "error", err)
		})
	}
	return slot
}

// acquit takes note that a run of the job has ended while the process lives.
func (r *run) acquit(taken *queue.Job, in queue.Lane) {
	if taken.Suspect {
		r.poison.life.Acquit(taken.TopicPartition(), in, taken.Offset)
	}
}

// lastingNote is the slot of a run that its handler has deferred: it can kill
// the process as long as it goes on.
type lastingNote struct {
	run    *run
	worker *worker
	job    queue.Job // what is left of it names it
	lane   queue.Lane
	slot   *recovery.Slot
}

// named is all of a job that acquit looks at.
func named(taken *queue.Job) queue.Job {
	return queue.Job{Topic: taken.Topic, Partition: taken.Partition, Record: queue.Record{Offset: taken.Offset}, Suspect: taken.Suspect}
}

// begin gives the worker another slot. Where there is none to spare, the run is
// noted no more. It is called on the worker.
func (n *lastingNote) begin() {
	spare := n.run.poison.life.Spare()
	if spare == nil {
		n.worker.slot.Clear()
		return
	}
	n.slot, n.worker.slot = n.worker.slot, spare
}

// end clears the note, once the run has ended with an outcome or is about to.
func (n *lastingNote) end(acquits bool) {
	n.run.poison.life.Release(n.slot)
	if acquits {
		n.run.acquit(&n.job, n.lane)
	}
}

// poisonous tells whether a job is given up instead of being run again.
func (r *run) poisonous(taken *queue.Job) bool {
	return taken.Crashes > 0 && r.cfg.MaxCrashes > 0 && taken.Crashes >= r.cfg.MaxCrashes
}

// giveUpPoison is what becomes of such a job. This is no attempt: the handler is
// not called.
func (r *run) giveUpPoison(taken *queue.Job, a *attempt, v *view, now time.Time) queue.Outcome {
	err := fmt.Errorf("crashed the process %d times", taken.Crashes)
	taken.Attempt--
	a.Attempt--
	outcome, delay := v.giveUp(now, err)
	r.say(outcome, delay, &a.Job, err)
	return outcome
}
