package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

func (r *rig) wantProgress(p *Partition, want Progress) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	got, err := p.Progress(ctx)
	r.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Error(diff)
	}
}

func TestProgressIsWhatTheFileHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "a", "d", "e")
	jobs := r.take(5)                 // 0, 1, 2, 4 and 5
	r.done(jobs[1], jobs[2], jobs[4]) // 1, 2 and 5
	want := Progress{Frontier: 0, Ahead: []Range{{1, 3}, {5, 6}}}
	r.wantProgress(p, want)
	r.must(r.Close())
	r.open()
	r.wantProgress(r.attach(orders), want)
}

func TestProgressStepsOverGaps(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.must(errOf(p.Append([]Record{record(5000, "a"), record(9000, "b")})))
	r.wantProgress(p, Progress{Frontier: 5000, Ahead: []Range{{5001, 9000}}})
	r.must(p.AdvanceTo(9500))
	r.wantProgress(p, Progress{Frontier: 5000, Ahead: []Range{{5001, 9000}, {9001, 9500}}})
}

func TestProgressIsBoundedLowestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	recs := make([]Record, maxAhead+10)
	for i := range recs {
		recs[i] = record(int64(2*i), "a") // every second offset is missing
	}
	r.must(errOf(p.Append(recs)))
	got := p.progress()
	if len(got.Ahead) != maxAhead || got.Ahead[0] != (Range{1, 2}) || got.Left != 9 {
		t.Errorf("%d ranges from %v, %d left", len(got.Ahead), got.Ahead[0], got.Left)
	}
}

func TestWhatIsCompleteElsewhereNeverRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "a", "c", "a", "b") // 0 to 5
	r.must(p.CompleteElsewhere([]Range{{2, 4}, {7, 9}, {20, 30}}))
	r.wantProgress(p, Progress{Frontier: 0, Ahead: []Range{{2, 4}, {7, 9}, {20, 30}}})
	r.reopen()
	p = r.attach(orders)
	r.append(p, "a", "a", "b", "c") // 6 to 9
	ran := r.drain()
	slices.Sort(ran)
	if diff := cmp.Diff([]int64{0, 1, 4, 5, 6, 9}, ran); diff != "" {
		t.Error(diff)
	}
	r.wantProgress(p, Progress{Frontier: 10, Ahead: []Range{{20, 30}}})
	r.must(p.AdvanceTo(25))
	r.wantProgress(p, Progress{Frontier: 25, Ahead: []Range{{25, 30}}})
}

func TestNothingIsFetchedOfWhatIsCompleteElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.must(p.CompleteElsewhere([]Range{{1, 1000}}))
	if s := p.State(); s.Frontier != 0 || s.Next != 1000 || s.Open != 1 {
		t.Errorf("%+v", s)
	}
}

// TestARunWhoseJobIsCompleteElsewhere goes on, holds its lane, and its outcome
// counts for nothing.
func TestARunWhoseJobIsCompleteElsewhere(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Done, Retry, Halt, Release} {
		r := newRig(t, Options{})
		p := r.attach(orders)
		r.append(p, "a", "a", "b")
		jobs := r.wantTaken(0, 2)
		p.Detach()
		r.sync()
		p = r.attach(orders)
		r.must(p.CompleteElsewhere([]Range{{0, 1}}))
		r.nothingStarts()
		r.finish(Outcome{Kind: kind}, jobs[0])
		r.done(r.wantTaken(1)...)
		r.done(jobs[1])
		r.wantProgress(p, Progress{Frontier: 3})
		if ran := r.drain(); len(ran) > 0 {
			t.Errorf("%v: %v ran again", kind, ran)
		}
	}
}

func TestCompleteElsewhereRefusesDisorder(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	for _, bad := range [][]Range{{{3, 3}}, {{5, 4}}, {{-1, 2}}, {{1, 4}, {3, 5}}, {{4, 5}, {1, 2}}} {
		if err := p.CompleteElsewhere(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

// putBeside adds a bucket of a later version to the partition.
func (r *rig) putBeside(tp TopicPartition, name string) {
	r.t.Helper()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		_, err := partitionBucket(tx, tp).CreateBucket([]byte(name))
		return err
	}))
}

func TestForgetKeepsWhatIsNotInKafkasOrder(t *testing.T) {
	t.Parallel()
	for _, beside := range []string{"", "dead", "later"} {
		r := newRig(t, Options{})
		p := r.attach(orders)
		r.append(p, "a", "b")
		p.Detach()
		r.clock.advance(time.Minute)
		r.sync()
		if beside != "" {
			r.putBeside(orders, beside)
		}
		away, err := r.Away()
		r.must(err)
		if len(away) != 1 || away[0].State.Next != 2 || !away[0].Since.Equal(r.clock.Now().Add(-time.Minute)) {
			t.Errorf("away: %+v", away)
		}
		r.forget(r.as(orders))
		r.sync()
		if away, err = r.Away(); err != nil || len(away) > 0 {
			t.Errorf("still away: %+v, %v", away, err)
		}
		r.must(r.db.View(func(tx *bbolt.Tx) error {
			switch b := partitionBucket(tx, orders); {
			case beside == "" && b != nil:
				t.Error("the partition is still in the file")
			case beside != "" && (b == nil || b.Bucket([]byte(beside)) == nil):
				t.Errorf("%s is gone", beside)
			}
			return nil
		}))
		if s := r.mustAttach(orders).State(); s.Next != -1 || s.Open != 0 {
			t.Errorf("%q: %+v", beside, s)
		}
	}
}

func TestDamagedPartitionHidesNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	bills := TopicPartition{Topic: "bills"}
	for _, tp := range []TopicPartition{orders, bills} {
		r.append(r.attach(tp), "a")
	}
	r.reopen()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		return partitionBucket(tx, bills).Put(keyState, []byte("nonsense"))
	}))
	away, err := r.Away()
	var damage *DamageError
	if len(away) != 1 || away[0].TopicPartition != orders || !errors.As(err, &damage) {
		t.Errorf("%+v, %v", away, err)
	}
}

func (r *rig) mustAttach(tp TopicPartition) *Partition {
	r.t.Helper()
	p, err := r.Attach(tp)
	r.must(err)
	return p
}

func TestForgetLeavesAnAttachedPartitionAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.forget(r.as(orders))
	r.sync()
	if s := p.State(); s.Open != 1 {
		t.Errorf("%+v", s)
	}
}

// TestForgetLeavesWhatHasChangedAlone: it came back meanwhile, and went again.
func TestForgetLeavesWhatHasChangedAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	p.Detach()
	r.sync()
	away, err := r.Away()
	r.must(err)
	p = r.mustAttach(orders)
	p.Lease(Forever)
	r.append(p, "a")
	p.Detach()
	r.sync()
	if done, err := r.Forget(away[0]); done || err != nil {
		t.Errorf("forgotten: %v, %v", done, err)
	}
	r.sync()
	if s := r.mustAttach(orders).State(); s.Open != 2 {
		t.Errorf("%+v", s)
	}
}

// as is a partition as it would be listed now, were it away.
func (r *rig) as(tp TopicPartition) Away { return Away{TopicPartition: tp, detached: r.detached} }

func (r *rig) forget(a Away) {
	r.t.Helper()
	_, err := r.Forget(a)
	r.must(err)
}

// TestPartitionIsTakenWhileItIsForgotten begins anew, before and after the flush.
func TestPartitionIsTakenWhileItIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	p.Detach()
	r.sync()
	r.forget(r.as(orders))
	p = r.mustAttach(orders)
	if s := p.State(); s.Next != -1 {
		t.Fatalf("%+v", s)
	}
	r.must(p.SetStart(7))
	r.reopen()
	if s := r.mustAttach(orders).State(); s.Next != 7 || s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

func TestDamagedRangesRunAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.must(p.CompleteElsewhere([]Range{{5, 6}}))
	r.sync()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		return partitionBucket(tx, orders).Put(keyElsewhere, []byte("nonsense"))
	}))
	found := 0
	r.must(Verify(r.db, false, func(*DamageError) { found++ }))
	if found != 1 {
		t.Errorf("Verify found %d", found)
	}
	r.reopen()
	r.wantProgress(r.attach(orders), Progress{Frontier: 0})
}

func FuzzOpenRanges(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(ranges{{1, 2}, {5, 900}}.encode()[frameHeader:])
	f.Fuzz(func(t *testing.T, payload []byte) {
		set, err := openRanges(appendFrame(nil, payload))
		if err != nil {
			return
		}
		again, err := openRanges(set.encode())
		if err != nil || !slices.Equal(set, again) {
			t.Fatalf("%v became %v, %v", set, again, err)
		}
	})
}
