package queue

import (
	"slices"
	"testing"
)

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

// TestARecordThatWasDiscardedComesAgain seeks back behind a discard, wherever the
// discarded jobs are on their way to the file.
func TestARecordThatWasDiscardedComesAgain(t *testing.T) {
	t.Parallel()
	for steps, phase := range []string{"before the flush that parks", "as it is gathered", "as it is written", "as it is told"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			r := prepareRig(t, Options{}, standardLayout())
			r.manual = true
			r.open()
			p := r.attach(orders)
			r.append(p, "a", "b", "a")
			r.park(r.wantTaken(0)[0])
			var f *flush
			flushing := []func(){
				func() { f = r.gather() },
				func() { r.must(r.write(f, newBodyWriter())) },
				func() { r.tell(f, 0) },
			}
			for _, step := range flushing[:steps] {
				step()
			}
			r.change(p.DiscardParked(ParkedLane{TopicPartition: orders, Lane: Lane{ID: 'a'}}))
			r.must(p.Reset(0))
			r.append(p, "a", "b", "a")
			if s := p.State(); s.Open != 3 || s.Frontier != 0 {
				t.Errorf("%+v", s)
			}
			for _, step := range flushing[steps:] {
				step()
			}
			r.flush()
			r.wantAsideNow(orders)
			if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 2}) {
				t.Errorf("ran %v", ran)
			}
		})
	}
}

// TestALaneIsDiscardedWhileAJobOfItComesBack: a dead letter, or a record that is
// to run again, on its way to the file when its parked lane is discarded.
func TestALaneIsDiscardedWhileAJobOfItComesBack(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(*rig) error{
		"requeued": func(r *rig) error {
			acts := newDeadActs(deadAct{kind: Requeued, do: (*deadTable).requeue}, []DeadRef{{orders, 0, 1}})
			return r.submit(r.mayRequeue, acts)
		},
		"run again": func(r *rig) error {
			rec := record(1, "a")
			return r.submitAgain(&again{Again: Again{TopicPartition: orders, TopicID: "topic-id", Scheme: "scheme"}, acts: []againAct{{rec: &rec}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := prepareRig(t, Options{}, standardLayout())
			r.manual = true
			r.open()
			p := r.attach(orders)
			r.append(p, "a", "a", "a")
			r.finish(bury, r.wantTaken(0)...)
			r.done(r.wantTaken(1)...)
			r.park(r.wantTaken(2)[0])
			r.flush()
			r.must(back(r))
			f := r.gather()
			if changed, err := p.DiscardParked(ParkedLane{Lane: Lane{ID: 'a'}}); !changed || err != nil {
				t.Fatalf("discard: %v, %v", changed, err)
			}
			r.must(r.write(f, newBodyWriter()))
			r.tell(f, 0)
			r.flush()
			dst := make([]Job, 4)
			r.mu.Lock()
			n := r.fill(dst, r.clock.Now())
			r.mu.Unlock()
			if got, err := r.warmAll(dst[:n]); err != nil || got != n {
				t.Fatalf("%d of %d jobs are to run: %v", got, n, err)
			}
			for i := range dst[:n] {
				if dst[i].Damaged != nil {
					t.Errorf("%d has no body any more: %v", dst[i].Offset, dst[i].Damaged)
				}
				r.done(&dst[i])
			}
			r.flush()
			if s := p.State(); s.Aside != 0 || s.Parked != 0 || s.Frontier != 3 {
				t.Errorf("%+v", s)
			}
			r.reopen()
			if s := r.attach(orders).State(); s.Aside != 0 || s.Parked != 0 || s.Frontier != 3 {
				t.Errorf("%+v", s)
			}
		})
	}
}
