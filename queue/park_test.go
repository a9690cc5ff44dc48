package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// park ends the run of a lane's head so that the lane is set aside.
func (r *rig) park(j *Job) {
	r.t.Helper()
	r.finish(Outcome{Kind: Park, Error: "no use"}, j)
}

func (r *rig) parkedLanes(tp TopicPartition) (lanes []ParkedLane) {
	r.t.Helper()
	for lane, err := range r.ParkedLanes(r.t.Context(), tp) {
		r.must(err)
		lanes = append(lanes, lane)
	}
	return lanes
}

// release releases the only parked lane.
func (r *rig) release(p *Partition) {
	r.t.Helper()
	lanes := r.parkedLanes(p.tp)
	if len(lanes) != 1 {
		r.t.Fatalf("%d parked lanes", len(lanes))
	}
	if changed, err := p.Release(lanes[0], false); !changed || err != nil {
		r.t.Fatalf("release: %v, %v", changed, err)
	}
	r.sync()
}

func TestAParkedLaneWaitsAndTheFrontierGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b", "a")
	r.sync() // these are in the file
	r.append(p, "a", "b")
	jobs := r.wantTaken(0, 2)
	r.park(jobs[0])
	r.append(p, "a", "b")
	r.done(jobs[1])
	r.done(r.wantTaken(5)...)
	r.sync()
	r.append(p, "a") // and this comes when the lane has long been parked
	r.sync()
	if s := p.State(); s.Frontier != 7 || s.Open != 1 || s.Parked != 1 || s.Aside != 0 {
		t.Errorf("%+v", s)
	}
	r.reopen()
	p = r.attach(orders)
	r.done(r.wantTaken(7)...)
	r.nothingStarts()
	r.append(p, "b", "a")
	r.done(r.wantTaken(9)...)
	r.sync()
	if s := p.State(); s.Frontier != 11 || s.Open != 0 || s.Parked != 1 {
		t.Errorf("reopened: %+v", s)
	}
	lanes := r.parkedLanes(orders)
	if len(lanes) != 1 {
		t.Fatalf("%+v", lanes)
	}
	if l := lanes[0]; l.Lane.ID != 'a' || string(l.Lane.Name) != "a" || l.Offset != 0 || l.Reason != "no use" || l.Released ||
		l.Jobs != 7 || l.Bytes < 7*20 || !l.Since.Equal(r.clock.Now()) || l.Elsewhere != nil {
		t.Errorf("%+v", l)
	}
	r.wantAside(orders, 0, 1, 3, 4, 6, 8, 10)

	r.release(p)
	r.append(p, "a")
	first := r.wantTaken(0)
	if first[0].Attempt != 2 || first[0].LastError != "no use" {
		t.Errorf("attempt %d after %q", first[0].Attempt, first[0].LastError)
	}
	r.done(first...)
	if ran := r.drain(); !slices.Equal(ran, []int64{1, 3, 4, 6, 8, 10, 11}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders)
	if lanes := r.parkedLanes(orders); len(lanes) > 0 {
		t.Errorf("%+v", lanes)
	}
	if s := p.State(); s.Frontier != 12 || s.Parked != 0 || s.Aside != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAReleaseOutlivesACrashAndRunsEachJobOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "a", "a")
	r.park(r.wantTaken(0)[0])
	r.release(p)
	r.done(r.wantTaken(0)...)
	r.done(r.wantTaken(1)...)
	r.sync()
	running := r.wantTaken(2)
	r.append(p, "a")
	r.reopen() // 2 runs again, 0 and 1 do not
	p = r.attach(orders)
	if s := p.State(); s.Aside != 2 || s.Parked != 0 || s.Frontier != 4 {
		t.Errorf("%+v", s)
	}
	if lanes := r.parkedLanes(orders); len(lanes) != 1 || !lanes[0].Released || lanes[0].Jobs != 2 {
		t.Errorf("%+v", lanes)
	}
	if ids, _ := p.ParkedIDs(); len(ids) != 1 || ids[0].Lane != 'a' || !ids[0].Here {
		t.Errorf("another owner may run later records: %+v", ids)
	}
	if ran := r.drain(); !slices.Equal(ran, []int64{2, 3, 4}) {
		t.Errorf("ran %v", ran)
	}
	if ids, _ := p.ParkedIDs(); len(ids) != 0 {
		t.Errorf("%+v", ids)
	}
	_ = running
}

func TestAReleasedLaneCanBeParkedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "a")
	r.park(r.wantTaken(0)[0])
	r.release(p)
	r.append(p, "a")
	r.done(r.wantTaken(0)...)
	r.park(r.wantTaken(1)[0])
	r.wantAside(orders, 1, 2, 3)
	if l := r.parkedLanes(orders)[0]; l.Offset != 1 || l.Jobs != 3 || l.Released {
		t.Errorf("%+v", l)
	}
	r.reopen()
	p = r.attach(orders)
	r.nothingStarts()
	r.release(p)
	if j := r.wantTaken(1)[0]; j.Attempt != 2 {
		t.Errorf("attempt %d", j.Attempt)
	} else {
		r.done(j)
	}
	if ran := r.drain(); !slices.Equal(ran, []int64{2, 3}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders)
}

func TestAReleasedJobThatIsParkedAgainKeepsItsAttempts(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(r *rig, p *Partition){
		"after a reset of its attempts":  func(r *rig, p *Partition) { r.change(p.Retry(r.find(p, 0), true)) },
		"after a reset of its partition": func(r *rig, p *Partition) { r.must(p.Reset(p.State().Frontier)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			p := r.attach(orders)
			r.append(p, "a", "a")
			r.park(r.wantTaken(0)[0])
			r.release(p)
			r.finish(Outcome{Kind: Retry, Error: "again"}, r.wantTaken(0)...)
			before(r, p)
			last := r.wantTaken(0)[0]
			r.park(last)
			r.reopen()
			p = r.attach(orders)
			r.release(p)
			if j := r.wantTaken(0)[0]; j.Attempt != last.Attempt+1 || j.LastError != "no use" {
				t.Errorf("attempt %d after %q, want %d", j.Attempt, j.LastError, last.Attempt+1)
			}
		})
	}
}

func TestAnOperatorParksALane(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b", "a", "")
	jobs := r.wantTaken(0, 2, 4)
	r.finish(Outcome{Kind: Halt, Error: "no use"}, jobs[1], jobs[2])
	seen := map[int64]Pending{}
	for j, err := range p.Pending(t.Context(), 0) {
		r.must(err)
		seen[j.Offset] = j
	}
	park := func(offset int64, want bool) {
		t.Helper()
		if changed, err := p.Park(seen[offset], "ticket 7"); changed != want || err != nil {
			t.Errorf("park %d: %v, %v", offset, changed, err)
		}
	}
	park(1, true) // 0 runs
	park(3, false)
	park(2, true)
	park(4, true)
	r.sync()
	if s := p.State(); s.Frontier != 0 || s.Open != 1 || s.Parked != 3 || s.Halted != 0 {
		t.Errorf("%+v", s)
	}
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour), Error: "later"}, jobs[0]) // goes aside, too
	r.wantAside(orders, 0, 1, 2, 3, 4)
	if f := p.Frontier(); f != 5 {
		t.Errorf("frontier %d", f)
	}
	var states []string
	for j, err := range p.Pending(t.Context(), 0) {
		r.must(err)
		states = append(states, fmt.Sprintf("%d %v %d %s", j.Offset, j.State, j.Attempts, j.Error))
		if _, err := p.Skip(j); !errors.Is(err, ErrJobParked) {
			t.Errorf("skip: %v", err)
		}
		if _, err := p.Retry(j, true); !errors.Is(err, ErrJobParked) {
			t.Errorf("retry: %v", err)
		}
	}
	if want := []string{"0 parked 1 later", "1 parked 0 ", "2 parked 1 no use", "3 parked 0 ", "4 parked 1 no use"}; !slices.Equal(states, want) {
		t.Errorf("%q", states)
	}
	lanes := r.parkedLanes(orders)
	if len(lanes) != 3 || lanes[0].Offset != -1 || lanes[0].Reason != "ticket 7" || string(lanes[1].Lane.Name) != "b" ||
		!lanes[2].Lane.Own || lanes[2].Offset != 4 || lanes[2].Jobs != 1 {
		t.Fatalf("%+v", lanes)
	}
	for _, l := range lanes {
		if changed, err := p.Release(l, l.Lane.Own); !changed || err != nil {
			t.Errorf("release %+v: %v, %v", l, changed, err)
		}
		if changed, err := p.Release(l, false); changed || err != nil {
			t.Errorf("release %+v again: %v, %v", l, changed, err)
		}
	}
	r.sync()
	again := r.take(3)
	slices.SortFunc(again, func(a, b *Job) int { return int(a.Offset - b.Offset) })
	if got := offsets(again); !slices.Equal(got, []int64{0, 2, 4}) || again[1].Attempt != 2 || again[2].Attempt != 1 {
		t.Fatalf("%v, attempts %d and %d", got, again[1].Attempt, again[2].Attempt)
	}
	r.done(again...)
	r.drain()
	r.wantAside(orders)
}

func TestDiscardedLanesAreGoneAndGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "", "b")
	jobs := r.wantTaken(0, 2, 3)
	r.park(jobs[0])
	r.park(jobs[1])
	r.done(jobs[2])
	lanes := r.parkedLanes(orders)
	r.append(p, "a") // on its way to the others
	for _, l := range lanes {
		if changed, err := p.DiscardParked(l); !changed || err != nil {
			t.Errorf("discard: %v, %v", changed, err)
		}
	}
	r.append(p, "a")
	r.wantAside(orders)
	if lanes := r.parkedLanes(orders); len(lanes) > 0 || p.State().Parked != 0 {
		t.Errorf("%+v", lanes)
	}
	if ran := r.drain(); !slices.Equal(ran, []int64{5}) {
		t.Errorf("ran %v", ran)
	}
	r.sync()
	if f := p.Frontier(); f != 6 {
		t.Errorf("frontier %d", f)
	}
}

func TestTooManyParkedLanesHaltInstead(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	p.LimitParked(1)
	r.append(p, "a", "b", "", "b")
	jobs := r.wantTaken(0, 1, 2)
	for _, j := range jobs {
		r.park(j)
	}
	r.sync()
	if s := p.State(); s.Parked != 2 || s.Halted != 1 || s.Frontier != 1 {
		t.Errorf("%+v", s)
	}
	found, err := p.Find(t.Context(), 1)
	r.must(err)
	if len(found) != 1 || found[0].State != Halted || !strings.Contains(found[0].Error, "too many parked lanes") {
		t.Fatalf("%+v", found)
	}
	if _, err := p.Park(found[0], ""); !errors.Is(err, ErrTooManyParked) {
		t.Errorf("park: %v", err)
	}
}

func TestParkedLanesSurviveWhatIsDecidedAboutOffsets(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	r.sync()
	r.append(p, "a")
	jobs := r.wantTaken(0, 2)
	r.park(jobs[0])
	r.must(p.Reset(0)) // while they are on their way
	r.append(p, "a", "a", "b", "a", "a")
	r.wantAside(orders, 0, 1, 3, 4)
	if s := p.State(); s.Frontier != 2 || s.Open != 1 || s.Parked != 1 {
		t.Errorf("reset: %+v", s)
	}
	if l := r.parkedLanes(orders)[0]; l.Jobs != 4 {
		t.Errorf("%+v", l)
	}
	r.must(p.SkipTo(9))
	r.done(jobs[1])
	r.leave(p)
	r.forget(r.as(orders))
	p = r.mustAttach(orders) // before that is on disk
	r.must(p.SetStart(20))
	p.Lease(Forever)
	r.append(p, "a", "b")
	r.wantAside(orders, 0, 1, 3, 4, 20)
	r.done(r.wantTaken(21)...)
	r.release(p)
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 3, 4, 20}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders)
}

func TestJobsOfANewSchemeWaitForParkedOnes(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.park(r.wantTaken(0)[0])
	r.must(p.Configure("topic-id", "another scheme"))
	r.append(p, "a", "b")
	for range 2 {
		r.sync()
		r.nothingStarts()
		r.reopen()
		p = r.attach(orders)
	}
	r.release(p)
	r.done(r.wantTaken(0)...)
	r.done(r.wantTaken(1)...)
	r.done(r.wantTaken(2, 3)...)
	r.wantAside(orders)
}
