package queue

import "testing"

func TestResetAdoptsTheRunWhoseRecordComesAgain(t *testing.T) {
	t.Parallel()
	for _, resets := range []int{1, 2, 3} {
		r := newRig(t, Options{})
		p := r.attach(orders)
		r.append(p, "a", "a", "b")
		running := r.wantTaken(0, 2)
		for range resets {
			r.must(p.Reset(0))
			r.append(p, "a", "a", "b")
			r.nothingStarts()
		}
		r.done(running...)
		if ran := r.drain(); len(ran) != 1 || ran[0] != 1 {
			t.Errorf("after %d resets and the end of the runs of 0 and 2, %v ran, want only 1", resets, ran)
		}
		if n := p.Running(); n != 0 {
			t.Errorf("%d jobs run", n)
		}
	}
}

func TestALaneWaitsForTheRunThatAResetForgot(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "a", "b")
	r.done(r.wantTaken(0, 3)...)
	running := r.wantTaken(1)
	r.must(p.Reset(0))
	r.append(p, "a", "a", "a", "b")
	r.done(r.wantTaken(3)...)
	r.nothingStarts() // 0 is of the lane in which 1 still runs
	r.done(running...)
	r.done(r.wantTaken(0)...)
	r.done(r.wantTaken(1)...) // its run of before the reset ended before its turn came
	r.done(r.wantTaken(2)...)
}

func TestSkipToKeepsTheLaneOfARunningJobInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "a", "b", "a")
	running := r.wantTaken(0, 1)
	r.must(p.SkipTo(2))
	if s := p.State(); s.Frontier != 2 || s.Open != 3 {
		t.Errorf("state %+v", s)
	}
	r.nothingStarts()
	r.finish(Outcome{Kind: Retry}, running[0]) // it is complete elsewhere
	r.wantTaken(2)
	r.nothingStarts()
	r.done(running[1])
	r.wantTaken(3)
}

func TestSkippedRunsHoldBackANewerScheme(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	running := r.wantTaken(0)
	r.must(p.Configure("topic-id", "another scheme"))
	r.append(p, "b")
	r.must(p.SkipTo(1))
	r.nothingStarts()
	r.done(running...)
	r.wantTaken(1)
}

func TestReplaceTwiceHoldsOneBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.sync()
	job := r.take(1)
	r.must(p.Replace(record(0, "a")))
	r.must(p.Replace(record(0, "a")))
	r.finish(Outcome{Kind: Release}, job...)
	r.done(r.wantTaken(0)...)
	r.sync()
	if u := r.Usage(); u.Memory != 0 {
		t.Errorf("%d bytes are held for no job", u.Memory)
	}
}

func TestABodyThatAResetRemovedIsNoDamage(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Memory: 1})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.sync()
	cold := make([]Job, 2)
	r.mu.Lock()
	n := r.fill(cold, r.clock.Now())
	r.mu.Unlock()
	if n != 2 || !cold[0].cold || !cold[1].cold {
		t.Fatalf("%d jobs started, want two whose bodies are in the file only", n)
	}
	r.must(p.Reset(0))
	r.append(p, "a") // adopts the run of 0
	r.sync()
	n, err := r.warmAll(cold)
	r.must(err)
	if n != 1 || cold[0].Offset != 0 || cold[0].Damaged != nil {
		t.Fatalf("%d jobs are to run, the first %+v; want 0 alone", n, cold[0])
	}
	if running := p.Running(); running != 1 {
		t.Errorf("%d jobs run", running)
	}
	r.done(&cold[0])
	r.nothingStarts()
}

// TestARunHoldsBackTheLaneThatAdoptedIt: the record came again in another lane.
func TestARunHoldsBackTheLaneThatAdoptedIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	running := r.wantTaken(0)
	r.must(p.Reset(0))
	r.append(p, "b", "b", "a")
	r.done(r.wantTaken(2)...) // the run is b's now
	r.nothingStarts()
	r.must(p.SkipTo(1))
	r.nothingStarts()
	r.done(running...)
	r.done(r.wantTaken(1)...)
}

// A job is never run beside itself: its run is still out when SkipTo makes its
// record, which has another lane since the reset, the head of a ready lane.
func TestSkipToAJobWhoseForgottenRunIsOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "")
	running := r.wantTaken(0, 1)
	r.must(p.Reset(0))
	r.append(p, "c", "c")
	r.finish(Outcome{Kind: Release}, running[0])
	r.must(p.SkipTo(1))
	r.nothingStarts()
	r.done(running[1])
	r.sync()
	if p.Frontier() != 2 {
		t.Errorf("frontier %d", p.Frontier())
	}
}
