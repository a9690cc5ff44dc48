package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// find returns an open job as it stands now.
func (r *rig) find(p *Partition, offset int64) Pending {
	r.t.Helper()
	found, err := p.Find(r.t.Context(), offset)
	r.must(err)
	if len(found) != 1 {
		r.t.Fatalf("%s@%d is not open", p.tp, offset)
	}
	return found[0]
}

func (r *rig) wantState(p *Partition, offset int64, want JobState, after int64) {
	r.t.Helper()
	if j := r.find(p, offset); j.State != want || j.After != after {
		r.t.Errorf("%s@%d is %v after %d, want %v after %d", p.tp, offset, j.State, j.After, want, after)
	}
}

func (r *rig) change(changed bool, err error) {
	r.t.Helper()
	r.must(err)
	if !changed {
		r.t.Fatal("nothing was to be done")
	}
}

var (
	halt  = Outcome{Kind: Halt, Error: "not a number"}
	later = func(r *rig) Outcome {
		return Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour), Error: "busy"}
	}
)

func TestPendingTellsWhatEachJobWaitsFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "halted", "retrying", "x", "halted", "", "y", "y")
	jobs := r.wantTaken(0, 1, 2, 4, 5)
	r.finish(halt, jobs[0])
	r.finish(later(r), jobs[1])
	r.done(jobs[3])
	r.finish(Outcome{Kind: Release}, jobs[4])
	var got []string
	for j, err := range p.Pending(t.Context(), 0) {
		r.must(err)
		got = append(got, fmt.Sprintf("%d %v %d %q", j.Offset, j.State, j.Attempts, j.Error))
	}
	want := []string{`0 halted 1 "not a number"`, `1 retrying 1 "busy"`, `2 running 0 ""`, `3 blocked 0 ""`, `5 ready 0 ""`, `6 blocked 0 ""`}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	r.wantState(p, 3, Blocked, 0)
	r.wantState(p, 6, Blocked, 5)
	if due := r.find(p, 1).Due; !due.Equal(r.clock.Now().Add(time.Hour)) {
		t.Errorf("runs again at %v", due)
	}
}

func TestPendingGoesOnOverPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	const n = 3*pageJobs + 5
	r.append(p, make([]string, n)...)
	next := int64(7)
	for j, err := range p.Pending(t.Context(), 7) {
		r.must(err)
		if j.Offset != next {
			t.Fatalf("%d follows %d", j.Offset, next-1)
		}
		if next++; j.Offset == 10 { // what comes meanwhile is not listed, what finishes is left out
			r.append(p, "late")
			for _, offset := range []int64{9, 11, n - 1} {
				r.change(p.Skip(Pending{Offset: offset, Lane: Lane{Own: true}, State: Ready}))
			}
		}
		if next == n-1 {
			next++
		}
	}
	if next != n {
		t.Errorf("the list ends before %d, want %d", next, n)
	}
}

func TestPendingEndsWithItsContextAndWithAReset(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, make([]string, 2*pageJobs)...)
	ctx, cancel := context.WithCancel(t.Context())
	list := func(ctx context.Context, first func()) (n int, failure error) {
		for _, err := range p.Pending(ctx, 0) {
			if err != nil {
				return n, err
			}
			if n++; n == 1 {
				first()
			}
		}
		return n, nil
	}
	if n, err := list(ctx, cancel); !errors.Is(err, context.Canceled) || n != pageJobs {
		t.Errorf("cancelled: %d jobs, %v", n, err)
	}
	n, err := list(t.Context(), func() {
		r.must(p.Reset(0))
		r.append(p, make([]string, 2*pageJobs)...)
	})
	if !errors.Is(err, ErrReset) || n != pageJobs {
		t.Errorf("reset: %d jobs, %v", n, err)
	}
}

func TestRetriedJobRunsAtOnceAndKeepsItsAttempts(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]func(*rig) Outcome{
		"halted":   func(*rig) Outcome { return halt },
		"retrying": later,
	} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", reset ", reset), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, Options{})
				p := r.attach(orders)
				r.append(p, "a", "a")
				r.finish(outcome(r), r.wantTaken(0)...)
				r.nothingStarts()
				r.change(p.Retry(r.find(p, 0), reset))
				r.sync()
				r.reopen()
				r.attach(orders)
				job := r.wantTaken(0)[0]
				if reset != (job.Attempt == 1) || reset != (job.LastError == "") {
					t.Errorf("attempt %d after %q", job.Attempt, job.LastError)
				}
				r.clock.advance(2 * time.Hour) // the old due time is void
				r.nothingStarts()
				r.done(job)
				r.done(r.wantTaken(1)...)
			})
		}
	}
}

func TestRetryRefusesWhatWouldBreakTheOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.must(p.Configure("topic-id", "first"))
	r.append(p, "a", "a", "b")
	r.must(p.Configure("topic-id", "second"))
	r.append(p, "c")
	r.finish(halt, r.wantTaken(0, 2)...)
	for _, offset := range []int64{1, 3} {
		if _, err := p.Retry(r.find(p, offset), false); !errors.Is(err, ErrJobBlocked) {
			t.Errorf("retry of %d: %v", offset, err)
		}
	}
	r.nothingStarts()
	if j := r.find(p, 3); j.After != 0 {
		t.Errorf("a job of a later scheme waits for %d", j.After)
	}
}

func TestRetryOfWhatRunsAnywayIsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	halted := r.wantTaken(0, 1, 2)
	r.finish(halt, halted[0])
	r.done(halted[2])
	seen := r.find(p, 0)
	r.change(p.Retry(seen, false))
	for what, j := range map[string]Pending{"ready": seen, "running": r.find(p, 1), "done": {Offset: 2}} {
		if changed, err := p.Retry(j, false); changed || err != nil {
			t.Errorf("retry of one that is %s: %v, %v", what, changed, err)
		}
	}
	if _, err := p.Retry(r.find(p, 1), true); !errors.Is(err, ErrJobRunning) {
		t.Errorf("reset of one that runs: %v", err)
	}
	r.wantTaken(0) // once
	r.nothingStarts()
}

func TestSkipWhereverTheJobIsInItsLane(t *testing.T) {
	t.Parallel()
	const jobs = 7
	for offset := range int64(jobs) {
		for _, head := range []JobState{Ready, Halted, Retrying} {
			t.Run(fmt.Sprint(offset, " of a lane whose head is ", head), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, Options{})
				p := r.attach(orders)
				r.append(p, slices.Repeat([]string{"a"}, jobs)...)
				switch head {
				case Halted:
					r.finish(halt, r.wantTaken(0)...)
				case Retrying:
					r.finish(later(r), r.wantTaken(0)...)
				}
				r.change(p.Skip(r.find(p, offset)))
				r.sync()
				if offset == 0 && p.Frontier() != 1 || offset > 0 && p.Frontier() != 0 {
					t.Errorf("frontier %d", p.Frontier())
				}
				if changed, err := p.Skip(Pending{Offset: offset}); changed || err != nil {
					t.Errorf("skipped again: %v, %v", changed, err)
				}
				r.clock.advance(2 * time.Hour)
				if head == Halted && offset > 0 {
					r.nothingStarts()
					r.change(p.Retry(r.find(p, 0), false))
				}
				want := slices.DeleteFunc([]int64{0, 1, 2, 3, 4, 5, 6}, func(o int64) bool { return o == offset })
				if ran := r.drain(); !slices.Equal(ran, want) {
					t.Errorf("ran %v, want %v", ran, want)
				}
				r.sync()
				if p.Frontier() != jobs {
					t.Errorf("frontier %d at the end", p.Frontier())
				}
			})
		}
	}
}

func TestSkipRefusesAJobThatRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "b")
	seen := r.find(p, 0)
	running := r.wantTaken(0, 1)
	if _, err := p.Skip(seen); !errors.Is(err, ErrJobRunning) {
		t.Errorf("skip: %v", err)
	}
	// A run that a reset has forgotten is one too, wherever its record is now.
	r.must(p.Reset(0))
	r.append(p, "b", "b")
	for _, offset := range []int64{0, 1} {
		r.wantState(p, offset, Running, -1)
		if _, err := p.Skip(r.find(p, offset)); !errors.Is(err, ErrJobRunning) {
			t.Errorf("skip of %d: %v", offset, err)
		}
	}
	r.done(running...)
}

func TestOperatorActsOnWhatWasSeenOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	waiting := r.find(p, 0)
	r.finish(halt, r.wantTaken(0)...)
	halted := r.find(p, 0)
	r.change(p.Retry(halted, false))
	r.finish(halt, r.wantTaken(0)...)
	for what, seen := range map[string]Pending{"before it ran": waiting, "before it ran again": halted} {
		if _, err := p.Skip(seen); !errors.Is(err, ErrJobChanged) {
			t.Errorf("skip of a job seen %s: %v", what, err)
		}
		if _, err := p.Retry(seen, false); !errors.Is(err, ErrJobChanged) {
			t.Errorf("retry of a job seen %s: %v", what, err)
		}
	}
	again := r.find(p, 0)
	r.must(p.Reset(0))
	r.append(p, "a")
	if _, err := p.Skip(again); !errors.Is(err, ErrJobChanged) {
		t.Errorf("skip of a job seen before a reset: %v", err)
	}
}

// The head is skipped while the flush that says that it halted is under way.
func TestSkipWhileTheHaltIsOnItsWay(t *testing.T) {
	t.Parallel()
	var told []Durable
	r := prepareRig(t, Options{Durable: func(d []Durable) { told = append(told, d...) }}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.flush()
	seen := Pending{Offset: 0, Lane: Lane{ID: 'a'}, State: Halted, Attempts: 1}
	r.finish(halt, r.wantTaken(0)...)
	f := r.gather()
	r.change(p.Skip(seen))
	r.must(r.write(f, newBodyWriter()))
	r.tell(f, 0)
	if p.Frontier() != 0 {
		t.Errorf("frontier %d before the skip is durable", p.Frontier())
	}
	r.flush()
	if p.Frontier() != 1 {
		t.Errorf("frontier %d", p.Frontier())
	}
	want := []Durable{{orders, 0, Halt, 1}, {orders, 0, Skipped, 1}}
	if !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	r.done(r.wantTaken(1)...)
}

func TestFailedStoreTakesNoCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	seen := r.find(p, 0)
	r.fail(errors.New("disk"))
	_, err := p.Skip(seen)
	wantIs(t, "skip", err, ErrStoreFailed)
	_, err = p.Retry(seen, true)
	wantIs(t, "retry", err, ErrStoreFailed)
	_, err = p.Find(t.Context(), 0)
	wantIs(t, "find", err, ErrStoreFailed)
}

// The jobs from the last one to the first are those from the first one to the last,
// aside jobs among them.
func TestPendingFromTheLastJob(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	const n = 5000
	for range n / 100 {
		r.append(p, make([]string, 100)...)
	}
	for left := n; left > 0; left -= 100 {
		for _, j := range r.take(100) {
			switch {
			case j.Offset%3 == 0 && j.Offset < 3000:
				r.finish(bury, j)
			case j.Offset%7 == 0:
				r.done(j)
			default:
				r.finish(Outcome{Kind: Halt}, j)
			}
		}
	}
	r.sync()
	r.wantRequeued(false, r.letters(orders)...)
	for _, before := range []int64{math.MaxInt64, n, 4097, 3000, 2999, 1024, 1, 0} {
		var want, got []int64
		for j, err := range p.Pending(t.Context(), 0) {
			if r.must(err); j.Offset < before {
				want = append(want, j.Offset)
			}
		}
		for j, err := range p.PendingBelow(t.Context(), before) {
			r.must(err)
			got = append(got, j.Offset)
		}
		slices.Reverse(got)
		if !slices.Equal(got, want) || before == n && len(got) < n/2 {
			t.Errorf("below %d: %d jobs, want %d", before, len(got), len(want))
		}
	}
}
