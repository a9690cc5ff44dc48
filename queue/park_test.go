package queue

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
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

// TestReleaseAndParkDuringOneFlush changes its mind while the flush that
// releases is under way.
func TestReleaseAndParkDuringOneFlush(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, Options{}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.park(r.wantTaken(0)[0])
	r.flush()
	lane := ParkedLane{Lane: Lane{ID: 'a'}}
	release := func() {
		t.Helper()
		if changed, err := p.Release(lane, false); !changed || err != nil {
			t.Fatalf("release: %v, %v", changed, err)
		}
	}
	release()
	f := r.gather()
	r.append(p, "a") // behind the jobs that are not in memory yet
	r.nothingStarts()
	if found, err := p.page([]int64{2}, p.gen); err == nil && len(found) == 1 && found[0].State != Blocked {
		t.Errorf("%+v", found)
	}
	w, ok := p.find(2, Lane{ID: 'a'})
	if !ok {
		t.Fatal("2 is not in its lane")
	}
	if changed, err := p.parkSeen(p.describe(w, 2, Lane{ID: 'a'}), nil, "again"); !changed || err != nil {
		t.Fatalf("park: %v, %v", changed, err)
	}
	release()
	r.must(r.write(f, newBodyWriter()))
	r.tell(f, 0)
	r.nothingStarts()
	r.flush()
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 2}) {
		t.Errorf("ran %v", ran)
	}
	r.flush()
	if s := p.State(); s.Aside != 0 || s.Parked != 0 || s.Frontier != 3 {
		t.Errorf("%+v", s)
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

func TestParkingMovesBodiesOutOfTheBlocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Memory: 1}) // no body stays in memory
	p := r.attach(orders)
	recs := make([]Record, 500)
	for i := range recs {
		recs[i] = record(int64(i), "a")
		recs[i].Headers = []Header{{"h", bytes.Repeat([]byte{byte(i)}, 100)}}
	}
	for chunk := range slices.Chunk(recs, 50) {
		r.must(errOf(p.Append(slices.Clone(chunk))))
		r.sync()
	}
	r.park(r.wantTaken(0)[0])
	r.sync()
	if s := p.State(); s.Open != 0 || s.Frontier != 500 || len(p.blocks) != 0 || p.liveBytes != 0 {
		t.Errorf("%+v, %d blocks", s, len(p.blocks))
	}
	r.release(p)
	for i := range recs {
		j := r.wantTaken(int64(i))[0]
		if !sameRecord(&j.Record, &recs[i]) {
			t.Fatalf("%+v", j.Record)
		}
		r.done(j)
	}
	r.wantAside(orders)
}

func TestADamagedLineOfAParkedLaneKeepsItParked(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.park(r.wantTaken(0)[0])
	r.sync()
	r.leave(p)
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		aside, _ := openAside(partitionBucket(tx, orders))
		return aside.parked.Put(laneKey(Lane{ID: 'a'}, 0), []byte("nonsense"))
	}))
	damaged := 0
	r.must(Verify(r.db, false, func(*DamageError) { damaged++ }))
	if damaged != 1 {
		t.Errorf("verify finds %d", damaged)
	}
	p = r.attach(orders)
	r.append(p, "a")
	r.sync()
	r.nothingStarts()
	r.release(p)
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 2}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders)
}

// TestARunThatEndsDuringTheFlushOfARelease began before its lane was parked.
func TestARunThatEndsDuringTheFlushOfARelease(t *testing.T) {
	t.Parallel()
	for _, o := range []Outcome{{Kind: Done}, {Kind: Bury, Error: "hopeless"}, {Kind: Retry, Error: "not yet"}} {
		r := prepareRig(t, Options{}, standardLayout())
		r.manual = true
		r.open()
		p := r.attach(orders)
		r.append(p, "a", "a", "a")
		r.park(r.wantTaken(0)[0])
		r.flush()
		lane := ParkedLane{Lane: Lane{ID: 'a'}}
		release := func() {
			t.Helper()
			if changed, err := p.Release(lane, false); !changed || err != nil {
				t.Fatalf("release: %v, %v", changed, err)
			}
		}
		release()
		r.flush()
		running := r.wantTaken(0)
		w, _ := p.find(0, Lane{ID: 'a'})
		if changed, err := p.parkSeen(p.describe(w, 0, Lane{ID: 'a'}), nil, "again"); !changed || err != nil {
			t.Fatalf("park: %v, %v", changed, err)
		}
		r.flush()
		release()
		f := r.gather()
		r.finish(o, running...)
		r.must(r.write(f, newBodyWriter()))
		r.tell(f, 0)
		r.flush()
		want := []int64{1, 2}
		if o.Kind == Retry {
			again := r.wantTaken(0)
			if again[0].Attempt != 3 || again[0].LastError != o.Error {
				t.Errorf("attempt %d after %q", again[0].Attempt, again[0].LastError)
			}
			r.done(again...)
		}
		if ran := r.drain(); !slices.Equal(ran, want) {
			t.Errorf("after outcome %d: ran %v, want %v", o.Kind, ran, want)
		}
		r.flush()
		r.wantAsideNow(orders)
		if s := p.State(); s.Aside != 0 || s.Parked != 0 || s.Frontier != 3 {
			t.Errorf("%+v", s)
		}
	}
}

// TestARecordThatComesAgainDuringItsRelease is not stored twice.
func TestARecordThatComesAgainDuringItsRelease(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		for _, lane := range []string{"a", ""} {
			r := prepareRig(t, Options{}, standardLayout())
			r.manual = true
			r.open()
			p := r.attach(orders)
			r.append(p, lane, "b")
			r.park(r.wantTaken(0, 1)[0])
			r.flush()
			l := ParkedLane{Lane: Lane{ID: 'a', Own: lane == ""}}
			if changed, err := p.Release(l, false); !changed || err != nil {
				t.Fatal(changed, err)
			}
			r.must(p.Reset(0))
			r.append(p, lane)
			r.flush()
			if crash {
				r.must(r.db.Close())
				r.open()
				p = r.attach(orders)
			}
			if ran := r.drain(); !slices.Equal(ran, []int64{0}) {
				t.Errorf("ran %v", ran)
			}
			r.flush()
			r.wantAsideNow(orders)
			if s := p.State(); s.Frontier != 1 || s.Open != 0 || s.Aside != 0 || s.Parked != 0 {
				t.Errorf("%+v", s)
			}
		}
	}
}

// TestAReleaseOfManyJobsIsQuickAndNeedsNoBodies in memory.
func TestAReleaseOfManyJobsIsQuickAndNeedsNoBodies(t *testing.T) {
	t.Parallel()
	const jobs = 100_000
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.park(r.wantTaken(0)[0])
	r.sync()
	for at := int64(1); at < jobs; {
		recs := make([]Record, 0, 10_000)
		for range min(10_000, jobs-at) {
			rec := record(at, "a")
			rec.Headers = []Header{{"h", bytes.Repeat([]byte{'.'}, 200)}}
			recs = append(recs, rec)
			at++
		}
		r.must(errOf(p.Append(recs)))
		r.sync()
	}
	if u := r.Usage(); u.Memory != 0 || len(p.lanes) != 0 {
		t.Errorf("parked: %d bytes in memory, %d lanes", u.Memory, len(p.lanes))
	}
	began := time.Now()
	r.release(p)
	if took := time.Since(began); took > 5*time.Second { // it is a fraction of one, where nothing else runs
		t.Errorf("the release took %v", took)
	}
	s := p.State()
	if u := r.Usage(); u.Memory != 0 || s.Aside != jobs || s.Frontier != jobs {
		t.Errorf("released: %d bytes in memory, %+v", u.Memory, s)
	}
	t.Logf("released after %v", time.Since(began))
	for i := range int64(50) {
		r.done(r.wantTaken(i)...)
	}
}

func TestACheckpointGoesAsideWithItsJob(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	jobs := r.wantTaken(0, 1)
	for _, j := range jobs {
		r.must(j.Run().Checkpoint(t.Context(), j.Offset, fmt.Appendf(nil, "half of %d", j.Offset)))
		r.park(j)
	}
	r.reopen()
	p = r.attach(orders)
	for _, l := range r.parkedLanes(orders) {
		if _, err := p.Release(l, true); err != nil {
			t.Fatal(err)
		}
	}
	r.sync()
	for _, j := range r.wantTaken(0, 1) {
		data, err := r.Checkpoint(j)
		if want := fmt.Sprintf("half of %d", j.Offset); err != nil || string(data) != want || j.Attempt != 1 {
			t.Errorf("attempt %d of %d has %q, %v", j.Attempt, j.Offset, data, err)
		}
		r.done(j)
	}
	r.wantAside(orders)
}

func TestCrashesAreChargedToAsideJobs(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "")
	for _, j := range r.wantTaken(0, 1) {
		r.park(j)
	}
	for _, l := range r.parkedLanes(orders) {
		if _, err := p.Release(l, false); err != nil {
			t.Fatal(err)
		}
	}
	r.reopen()
	p = r.attach(orders)
	for offset := range int64(2) {
		if open, err := p.Charge(offset, Lane{ID: 'a', Own: offset == 1}, 2); !open || err != nil {
			t.Errorf("charge %d: %v, %v", offset, open, err)
		}
	}
	r.reopen()
	r.attach(orders)
	for _, j := range r.wantTaken(0, 1) {
		if j.Crashes != 2 {
			t.Errorf("%d has %d crashes", j.Offset, j.Crashes)
		}
	}
}
