package queue

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// setAside writes jobs into the bucket aside of a partition that nobody has.
func (r *rig) setAside(tp TopicPartition, note *noteValue, recs ...Record) {
	r.t.Helper()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		t, err := makeAside(partitionBucket(tx, tp))
		r.must(err)
		for _, rec := range recs {
			w := newBodyWriter()
			place := w.add(&rec, 0)
			r.must(t.put(place.row, w.buf, note))
		}
		return nil
	}))
}

// leave gives a partition up and lets the store forget it.
func (r *rig) leave(p *Partition) {
	r.t.Helper()
	p.Detach()
	r.sync()
}

// wantAside compares the offsets of the bucket aside.
func (r *rig) wantAside(tp TopicPartition, want ...int64) {
	r.t.Helper()
	r.sync()
	r.wantAsideNow(tp, want...)
}

// wantAsideNow is wantAside without a flush.
func (r *rig) wantAsideNow(tp TopicPartition, want ...int64) {
	r.t.Helper()
	var got []int64
	r.must(r.db.View(func(tx *bbolt.Tx) error {
		f, err := formatReader{tx}.aside(partitionBucket(tx, tp))
		for _, j := range f.jobs {
			got = append(got, j.rec.Offset)
		}
		return err
	}))
	if !slices.Equal(got, want) {
		r.t.Errorf("aside are %v, want %v", got, want)
	}
	r.must(Verify(r.db, true, func(d *DamageError) { r.t.Errorf("verify: %v", d) }))
}

func TestAsideJobsRunInTheirLanesAndMoveNoFrontier(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b", "", "a", "a")
	r.done(r.wantTaken(0, 2, 3)...) // heads
	r.done(r.wantTaken(1)...)
	r.leave(p)
	r.setAside(orders, &noteValue{Attempts: 2, Error: "refused"}, record(0, "a"), record(1, "a"), record(2, "b"), record(3, ""))
	p = r.attach(orders)
	if s := p.State(); s.Frontier != 4 || s.Open != 2 || s.Aside != 4 {
		t.Errorf("%+v", s)
	}
	jobs := r.take(3)
	slices.SortFunc(jobs, func(a, b *Job) int { return int(a.Offset - b.Offset) })
	if got := offsets(jobs); !slices.Equal(got, []int64{0, 2, 3}) || jobs[0].Attempt != 3 || jobs[0].LastError != "refused" {
		t.Fatalf("%v, attempt %d after %q", got, jobs[0].Attempt, jobs[0].LastError)
	}
	r.done(jobs...)
	r.done(r.wantTaken(1)...)
	r.wantAside(orders)
	r.done(r.wantTaken(4)...)
	r.sync()
	if s := p.State(); s.Frontier != 5 || s.Aside != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAsideJobsKeepTheirOutcomesOverARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "a")
	r.done(r.take(2)...)
	r.leave(p)
	r.setAside(orders, nil, record(0, "a"), record(1, "b"))
	r.attach(orders)
	jobs := r.wantTaken(0, 1)
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour), Error: "later"}, jobs[0])
	r.finish(Outcome{Kind: Halt, Error: "no use"}, jobs[1])
	r.reopen()
	p = r.attach(orders)
	r.nothingStarts() // 2 is behind 0
	var seen []Pending
	for j, err := range p.Pending(t.Context(), 0) {
		r.must(err)
		seen = append(seen, j)
	}
	if len(seen) != 3 || !seen[0].Aside || seen[0].State != Retrying || seen[0].Attempts != 1 ||
		!seen[1].Aside || seen[1].State != Halted || seen[1].Error != "no use" || seen[2].Aside || seen[2].After != 0 {
		t.Fatalf("%+v", seen)
	}
	found, err := p.Find(t.Context(), 1, 2)
	if r.must(err); len(found) != 2 || !found[0].Aside || found[1].Aside {
		t.Fatalf("%+v", found)
	}
	if rec, open, err := p.Record(1); !open || err != nil || string(rec.Value) != "value 1" {
		t.Errorf("%+v, %v, %v", rec, open, err)
	}
	if changed, err := p.Retry(seen[0], true); !changed || err != nil {
		t.Errorf("retry: %v, %v", changed, err)
	}
	if changed, err := p.Skip(seen[1]); !changed || err != nil {
		t.Errorf("skip: %v, %v", changed, err)
	}
	if changed, err := p.Skip(seen[1]); changed || err != nil {
		t.Errorf("skip again: %v, %v", changed, err)
	}
	r.wantAside(orders, 0)
	if j := r.wantTaken(0)[0]; j.Attempt != 1 {
		t.Errorf("attempt %d after a reset", j.Attempt)
	}
	if s := p.State(); s.Halted != 0 || s.Frontier != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAsideJobsComeBeforeAWaitingHeadAndNotBeforeARunningOne(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{false, true} {
		r := prepareRig(t, Options{}, standardLayout())
		r.manual = true
		r.open()
		p := r.attach(orders)
		r.append(p, "a", "a", "a")
		r.done(r.wantTaken(0)...)
		head := r.wantTaken(1)
		if !running {
			r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour)}, head...)
		}
		r.flush()
		r.requeue(p, record(0, "a"))
		if running {
			r.nothingStarts()
			if found, err := p.page([]int64{1, 2}, p.gen); err != nil || len(found) != 2 || found[0].State != Running || found[1].After != 1 {
				t.Errorf("%+v, %v", found, err)
			}
			r.finish(Outcome{Kind: Retry}, head...)
		}
		if ran, want := r.drain(), []int64{0, 1, 2}; !slices.Equal(ran, want[:len(ran)]) || running != (len(ran) == 3) {
			t.Errorf("ran %v", ran)
		}
		r.flush()
		r.clock.advance(time.Hour)
		r.drain()
		r.flush()
		if s := p.State(); s.Frontier != 3 || s.Aside != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// requeue lets one flush make an aside job.
func (r *rig) requeue(p *Partition, rec Record) {
	r.t.Helper()
	p.Acknowledge(0)
	f := r.gather()
	r.must(r.write(f, newBodyWriter()))
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		t, err := makeAside(partitionBucket(tx, p.tp))
		r.must(err)
		w := newBodyWriter()
		place := w.add(&rec, 0)
		f.parts[0].back = append(f.parts[0].back, asideBack{place.row.aside(), nil})
		return t.put(place.row, w.buf, nil)
	}))
	r.tell(f, 0)
}

func TestAsideJobsSurviveWhatIsDecidedAboutOffsets(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "a", "b", "c")
	r.done(r.wantTaken(0, 1, 4)...)
	r.leave(p)
	r.setAside(orders, nil, record(0, "a"), record(1, "b"), record(4, "c"))
	p = r.attach(orders)
	running := r.wantTaken(0)
	r.must(p.SkipTo(10))
	r.sync()
	if s := p.State(); s.Frontier != 10 || s.Open != 0 || s.Aside != 3 {
		t.Errorf("skipped: %+v", s)
	}
	r.must(p.Reset(0))
	r.sync()
	r.append(p, "a", "b", "a") // 0 and 1 are aside: what is here knows more
	if s := p.State(); s.Frontier != 2 || s.Open != 1 || s.Aside != 3 {
		t.Errorf("reset: %+v", s)
	}
	rest := r.wantTaken(1, 4)
	r.nothingStarts() // lane a runs
	r.done(running...)
	r.done(r.wantTaken(2)...)
	r.done(rest...)
	r.wantAside(orders)
	if f := p.Frontier(); f != 3 {
		t.Errorf("frontier %d", f)
	}
}

// TestRecordsThatComeAgainRunBeforeAnAsideJobThatWaits goes back behind it.
func TestRecordsThatComeAgainRunBeforeAnAsideJobThatWaits(t *testing.T) {
	t.Parallel()
	for name, note := range map[string]*noteValue{
		"halted":   {Attempts: 1, Error: "no use", Halted: true},
		"retrying": {Attempts: 1, Error: "not yet", Due: newFakeClock().Now().Add(time.Hour).UnixNano(), Delay: int64(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			p := r.attach(orders)
			r.append(p, "a", "a", "a")
			for offset := range int64(3) {
				r.done(r.wantTaken(offset)...)
			}
			r.leave(p)
			r.setAside(orders, note, record(2, "a"))
			p = r.attach(orders)
			r.nothingStarts()
			r.must(p.Reset(0))
			r.append(p, "a", "a", "a")
			r.wantState(p, 0, Ready, -1)
			r.wantState(p, 2, Blocked, 0)
			r.done(r.wantTaken(0)...)
			r.done(r.wantTaken(1)...)
			r.nothingStarts()
			r.change(p.Retry(r.find(p, 2), false))
			r.done(r.wantTaken(2)...)
			r.wantAside(orders)
		})
	}
}

func TestForgetLeavesAsideJobs(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.done(r.wantTaken(0)...)
	r.leave(p)
	r.setAside(orders, &noteValue{Attempts: 1}, record(0, "a"))
	r.forget(r.as(orders))
	r.wantAside(orders, 0)
	p = r.mustAttach(orders)
	if s := p.State(); s.Next != -1 || s.Open != 0 || s.Aside != 1 {
		t.Errorf("%+v", s)
	}
	p.Lease(Forever)
	if j := r.wantTaken(0)[0]; j.Attempt != 2 {
		t.Errorf("attempt %d", j.Attempt)
	}
}

// TestRecordsOfATopicCreatedAnewAreNotTakenForParkedOnes of the same offsets: they
// would be dropped as known.
func TestRecordsOfATopicCreatedAnewAreNotTakenForParkedOnes(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	jobs := r.wantTaken(0, 2)
	r.park(jobs[0])
	r.done(jobs[1])
	r.leave(p)
	r.forget(r.as(orders))
	p = r.mustAttach(orders)
	wantIs(t, "configure", p.Configure("another-id", "scheme"), ErrTopicAnew)
	if changed, err := p.DiscardParked(r.parkedLanes(orders)[0]); !changed || err != nil {
		t.Fatalf("discard: %v, %v", changed, err)
	}
	r.sync()
	r.must(p.Configure("another-id", "scheme"))
	r.must(p.SetStart(0))
	p.Lease(Forever)
	r.append(p, "a", "a", "a")
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 2}) {
		t.Errorf("ran %v", ran)
	}
}

// TestAForgottenPartitionKnowsTheSchemeOfItsParkedLanes.
func TestAForgottenPartitionKnowsTheSchemeOfItsParkedLanes(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.park(r.wantTaken(0)[0])
	r.leave(p)
	r.forget(r.as(orders))
	p = r.mustAttach(orders)
	r.must(p.Configure("topic-id", "another scheme"))
	r.must(p.SetStart(1))
	p.Lease(Forever)
	r.append(p, "x") // the same key may have this lane now
	r.sync()
	r.nothingStarts()
	r.release(p)
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1}) {
		t.Errorf("ran %v", ran)
	}
}

func TestADamagedAsideBodyIsTheDamageOfThatJob(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.done(r.take(2)...)
	r.leave(p)
	r.setAside(orders, nil, record(0, "a"), record(1, "b"))
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		aside, _ := openAside(partitionBucket(tx, orders))
		body := slices.Clone(aside.jobs.Get(offsetKey(0)))
		body[len(body)-1] ^= 1
		return aside.jobs.Put(offsetKey(0), body)
	}))
	var damaged []string
	r.must(Verify(r.db, true, func(d *DamageError) { damaged = append(damaged, d.Where) }))
	if !slices.Equal(damaged, []string{"orders/3@0"}) {
		t.Errorf("verify names %v", damaged)
	}
	p = r.attach(orders)
	jobs := r.take(2)
	if jobs[0].Damaged == nil || jobs[1].Damaged != nil {
		t.Fatalf("%v, %v", jobs[0].Damaged, jobs[1].Damaged)
	}
	r.must(p.Replace(record(0, "a")))
	r.finish(Outcome{Kind: Release}, jobs...)
	if again := r.take(2); again[0].Damaged != nil || again[1].Damaged != nil {
		t.Errorf("%+v", again)
	} else {
		r.done(again...)
	}
	r.wantAside(orders)
}

func TestAListOfManyAsideJobsComesInPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	const n = 2*pageJobs + 10
	recs := make([]Record, n)
	for i := range recs {
		recs[i] = record(int64(i), "")
	}
	r.must(errOf(p.Append(slices.Clone(recs))))
	for _, j := range r.take(n) {
		if j.Offset%2 == 0 {
			r.done(j)
		} else {
			r.finish(Outcome{Kind: Release}, j)
		}
	}
	r.leave(p)
	for i := 0; i < n; i += 2 {
		r.setAside(orders, nil, recs[i])
	}
	p = r.attach(orders)
	at := int64(0)
	for j, err := range p.Pending(context.Background(), 0) {
		if r.must(err); j.Offset != at || j.Aside != (at%2 == 0) {
			t.Fatalf("%+v, want %d", j, at)
		}
		at++
	}
	if at != n {
		t.Errorf("%d jobs", at)
	}
}
