package queue

import (
	"testing"
	"time"
)

// suspects are jobs of orders that have lanes of the given names.
func suspects(first int64, lanes ...string) (list []Suspect) {
	for i, name := range lanes {
		r := record(first+int64(i), name)
		list = append(list, Suspect{orders, Lane{ID: r.Lane.ID, Own: r.Lane.Own}, r.Offset, r.Offset})
	}
	return list
}

// stored closes a store that holds a job per lane, unfinished, and opens it again.
func (r *rig) stored(lanes ...string) {
	r.t.Helper()
	r.append(r.attach(orders), lanes...)
	r.reopen()
}

func TestSuspectsRunOneAtATimeWhileOthersRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "b", "", "d", "e", "a")
	r.Probation(suspects(0, "a", "b", ""))
	p := r.attach(orders)

	jobs := r.wantTaken(0, 3, 4)
	if !jobs[0].Suspect || jobs[1].Suspect || jobs[2].Suspect {
		t.Errorf("suspect: %v, %v, %v", jobs[0].Suspect, jobs[1].Suspect, jobs[2].Suspect)
	}
	r.nothingStarts()
	if j := r.find(p, 1); j.State != Ready || !j.Suspect {
		t.Errorf("a suspect that waits: %+v", j)
	}
	waiting := r.takers(1)
	r.done(jobs[0])
	next := r.receive(waiting, 1)
	if next[0].Offset != 1 && next[0].Offset != 5 {
		t.Fatalf("took %d", next[0].Offset)
	}
	jobs = append(r.take(1), next...) // 1, the suspect, and 5, whose lane is no suspect any more
	r.nothingStarts()
	r.done(jobs...)
	r.done(r.wantTaken(2)...)
	if r.probation != nil {
		t.Error("probation goes on without a suspect")
	}
}

func TestAFailedRunAcquitsAndAnInterruptedOneDoesNot(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "b")
	r.Probation(suspects(0, "a", "b"))
	r.attach(orders)
	r.finish(Outcome{Kind: Release}, r.wantTaken(0)...)
	r.finish(Outcome{Kind: Retry, Error: "busy"}, r.wantTaken(0)...) // ready at once, like any other
	jobs := r.wantTaken(1, 0)
	if !jobs[0].Suspect || jobs[1].Suspect {
		t.Errorf("suspect: %v, %v", jobs[0].Suspect, jobs[1].Suspect)
	}
}

func TestSuspectWithoutALeaseKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "b")
	other := TopicPartition{"payments", 0}
	r.append(r.attach(other), "a")
	r.reopen()
	list := suspects(0, "a")
	list[0].TopicPartition = other
	r.Probation(append(suspects(0, "a", "b"), list...))
	p := r.attach(orders)
	p.Lease(time.Time{})
	q := r.attach(other)
	r.done(r.wantTaken(0)...)
	r.nothingStarts()
	waiting := r.takers(1)
	p.Lease(Forever)
	r.receive(waiting, 1)
	q.Detach()
}

func TestEndOfProbationLetsTheRestRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "b", "c")
	r.Probation(suspects(0, "a", "b", "c"))
	r.attach(orders)
	first := r.wantTaken(0)
	waiting := r.takers(2)
	r.EndProbation()
	r.receive(waiting, 2)
	r.done(first...)
}

func TestSuspectsOfOneLaneAreAcquittedUpToTheOneThatEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "a", "a")
	list := suspects(0, "a")
	list[0].Last = 1
	r.Probation(list)
	r.attach(orders)
	for _, suspect := range []bool{true, true, false} {
		job := r.take(1)
		if job[0].Suspect != suspect {
			t.Errorf("%d: suspect %v", job[0].Offset, job[0].Suspect)
		}
		r.done(job...)
	}
}

func TestChargesLast(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "b")
	p := r.attach(orders)
	for _, crashes := range []int{1, 1, 2, 1} {
		if open, err := p.Charge(0, Lane{ID: 'a'}, crashes); err != nil || !open {
			t.Errorf("charge of %d: %v, %v", crashes, open, err)
		}
	}
	if open, err := p.Charge(1, Lane{ID: 'x'}, 1); open || err != nil {
		t.Errorf("charge of a job that is not in its lane: %v, %v", open, err)
	}
	if open, err := p.Charge(2, Lane{ID: 'c'}, 2); open || err != nil {
		t.Errorf("charge of a job that is still to come: %v, %v", open, err)
	}
	r.append(p, "c")
	if j := r.find(p, 2); j.Crashes != 2 {
		t.Errorf("a job that came after its charge: %+v", j)
	}
	r.change(p.Skip(r.find(p, 2)))
	r.finish(Outcome{Kind: Retry, Error: "busy"}, r.wantTaken(0)...)
	r.reopen()
	p = r.attach(orders)
	if j := r.find(p, 0); j.Crashes != 2 || j.Attempts != 1 {
		t.Errorf("after a failed run and a restart: %+v", j)
	}

	// The one with fewer charges is first.
	r.reopen()
	r.Probation(suspects(0, "a", "b"))
	p = r.attach(orders)
	r.done(r.wantTaken(1)...)
	job := r.wantTaken(0)
	if job[0].Crashes != 2 {
		t.Errorf("taken with %d crashes", job[0].Crashes)
	}
	r.finish(halt, job...)
	r.change(p.Retry(r.find(p, 0), false))
	if j := r.find(p, 0); j.Crashes != 0 || j.Attempts != 2 {
		t.Errorf("after an operator's retry: %+v", j)
	}
}

func TestSkippedSuspectIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a", "b", "a")
	r.Probation(suspects(0, "a", "b"))
	p := r.attach(orders)
	r.change(p.Skip(r.find(p, 0)))
	jobs := r.wantTaken(1, 2)
	if !jobs[0].Suspect || jobs[1].Suspect {
		t.Errorf("suspect: %v, %v", jobs[0].Suspect, jobs[1].Suspect)
	}
	r.done(jobs...)
	r.must(p.Reset(10))
	r.must(errOf(p.Append(records(10, "a"))))
	r.done(r.wantTaken(10)...)
}

func TestLeaseWakesATakerForASuspect(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.stored("a")
	r.Probation(suspects(0, "a"))
	p, err := r.Attach(orders)
	r.must(err)
	jobs := r.takers(3)
	p.Lease(Forever)
	r.done(r.receive(jobs, 1)...)
}
