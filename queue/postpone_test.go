package queue

import (
	"testing"
	"time"
)

func (r *rig) postpone(d time.Duration, jobs ...*Job) {
	r.t.Helper()
	r.finish(Outcome{Kind: Postpone, Due: r.clock.Now().Add(d)}, jobs...)
}

func TestAPostponedJobHoldsItsLaneUntilItsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	jobs := r.wantTaken(0, 2)
	r.postpone(48*time.Hour, jobs[0])
	r.done(jobs[1])
	r.nothingStarts()
	found, err := p.Find(t.Context(), 0)
	r.must(err)
	if j := found[0]; j.State != Delayed || !j.Due.Equal(r.clock.Now().Add(48*time.Hour)) || j.Attempts != 0 {
		t.Errorf("%+v", j)
	}
	r.pass(48*time.Hour - time.Second)
	r.nothingStarts()
	r.pass(time.Second)
	job := r.wantTaken(0)[0]
	if !job.Waited || job.Attempt != 1 {
		t.Errorf("waited %v, attempt %d", job.Waited, job.Attempt)
	}
	r.finish(Outcome{Kind: Release}, job)
	if job = r.wantTaken(0)[0]; !job.Waited {
		t.Error("it waits once more because its run was interrupted")
	}
	r.done(job)
	if job = r.wantTaken(1)[0]; job.Waited {
		t.Error("the next job of the lane counts as one that has waited")
	}
}

func TestAPostponementIsNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.sync()
	before := r.Usage().Flushes
	r.postpone(time.Hour, r.wantTaken(0)...)
	r.sync()
	if now := r.Usage().Flushes; now != before {
		t.Errorf("%d flushes because of a postponement", now-before)
	}
	r.reopen()
	p = r.attach(orders)
	if job := r.wantTaken(0)[0]; job.Waited {
		t.Error("a restart counts as waiting")
	}
	if len(p.notes) != 0 {
		t.Error("it left a note")
	}
}

func TestAnOperatorRunsAPostponedJob(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.postpone(time.Hour, r.wantTaken(0)...)
	found, err := p.Find(t.Context(), 0)
	r.must(err)
	if changed, err := p.Retry(found[0], false); !changed || err != nil {
		t.Fatalf("retry: %v, %v", changed, err)
	}
	if job := r.wantTaken(0)[0]; !job.Waited || !job.Forced {
		t.Errorf("waited %v, forced %v", job.Waited, job.Forced)
	}
}

func TestAPostponedJobAndAClockThatJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"forward": 30 * time.Minute, "back": -30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.append(r.attach(orders), "a")
			r.postpone(time.Hour, r.wantTaken(0)...)
			r.clock.jump(jump)
			r.pass(30*time.Minute - time.Second)
			r.nothingStarts() // at most as early as the jump
			r.pass(time.Hour + time.Second)
			r.wantTaken(0)
		})
	}
}

func TestAPostponementThatIsOverIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	r.postpone(-time.Second, r.wantTaken(0)...)
	r.wantTaken(0)
}
