package queue

import (
	"slices"
	"testing"
	"time"
)

func latestRig(t *testing.T) (*rig, *Partition, *[]Durable) {
	t.Helper()
	told := new([]Durable)
	r := newRig(t, Options{Durable: func(d []Durable) { *told = append(*told, d...) }})
	p := r.attach(orders)
	r.must(p.OnlyLatest(true))
	return r, p, told
}

func superseded(told []Durable) (offsets []int64) {
	for _, d := range told {
		if d.Kind == Superseded {
			offsets = append(offsets, d.Offset)
		}
	}
	return offsets
}

func TestOnlyTheLatestJobOfALaneRuns(t *testing.T) {
	t.Parallel()
	r, p, told := latestRig(t)
	r.append(p, "a", "b", "a", "", "a", "")
	r.append(p, "b")
	if ran := r.drain(); !slices.Equal(ran, []int64{4, 6, 3, 5}) {
		t.Errorf("ran %v", ran)
	}
	r.sync()
	if got := superseded(*told); !slices.Equal(got, []int64{0, 2, 1}) {
		t.Errorf("superseded %v", got)
	}
	if f := p.Frontier(); f != 7 {
		t.Errorf("frontier %d", f)
	}
}

func TestAJobThatHasStartedIsNotSuperseded(t *testing.T) {
	t.Parallel()
	r, p, _ := latestRig(t)
	r.append(p, "a", "b", "c")
	jobs := r.wantTaken(0, 1, 2)
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Minute)}, jobs[1])
	r.finish(Outcome{Kind: Halt}, jobs[2])
	r.append(p, "a", "b", "c", "a", "b", "c")
	r.wantStates(p, Running, Retrying, Halted, Blocked, Blocked, Blocked)
	r.done(jobs[0])
	r.wantTaken(6)
}

func TestADelayedJobIsSupersededAndTheNewOneAskedAnew(t *testing.T) {
	t.Parallel()
	r, p, _ := latestRig(t)
	r.append(p, "a")
	r.finish(Outcome{Kind: Postpone, Due: r.clock.Now().Add(time.Hour)}, r.wantTaken(0)...)
	r.append(p, "a")
	if job := r.wantTaken(1)[0]; job.Waited {
		t.Error("the new job counts as one that has waited")
	}
}

// A key that is delayed for a day and changes all the time costs no more than
// one that does not.
func TestSupersededDelaysCostNothing(t *testing.T) {
	t.Parallel()
	r, p, _ := latestRig(t)
	for range 10 * leastSweep {
		r.append(p, "a")
		r.postpone(24*time.Hour+time.Duration(p.State().Next), r.take(1)...)
	}
	r.mu.Lock()
	if n := len(r.delayed); n > 2*leastSweep {
		t.Errorf("%d places in the schedule for one lane", n)
	}
	r.mu.Unlock()
	r.pass(48 * time.Hour)
	if job := r.take(1)[0]; job.Offset != 10*leastSweep-1 || !job.Waited {
		t.Errorf("@%d runs, waited %v", job.Offset, job.Waited)
	}
}

func TestOlderJobsAreSupersededAfterARestart(t *testing.T) {
	t.Parallel()
	var told []Durable
	r := newRig(t, Options{Durable: func(d []Durable) { told = append(told, d...) }})
	p := r.attach(orders)
	r.append(p, "a", "b", "a", "a", "", "a")
	r.reopen()
	p = r.attach(orders)
	r.must(p.OnlyLatest(true))
	if ran := r.drain(); !slices.Equal(ran, []int64{1, 4, 5}) && !slices.Equal(ran, []int64{5, 1, 4}) {
		t.Errorf("ran %v", ran)
	}
	r.sync()
	if got := superseded(told); !slices.Equal(got, []int64{0, 2, 3}) {
		t.Errorf("superseded %v", got)
	}
	r.reopen()
	if p = r.attach(orders); p.State().Open != 0 {
		t.Errorf("%d open after a restart", p.State().Open)
	}
}

func TestThePausedLaneKeepsItsLatest(t *testing.T) {
	t.Parallel()
	r, p, _ := latestRig(t)
	r.pause(Pause{Scope: laneA})
	r.append(p, "a", "a", "a")
	r.nothingStarts()
	r.wantStates(p, Paused)
	r.resume(laneA)
	r.wantTaken(2)
}
