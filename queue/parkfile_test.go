package queue

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

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

// TestAReleaseOfManyJobsMovesNoBodies: neither in the file, of which they fill
// thousands of pages, nor into memory. It looks for each job once.
func TestAReleaseOfManyJobsMovesNoBodies(t *testing.T) {
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
	before := r.db.Stats()
	r.release(p)
	after := r.db.Stats()
	written := after.Sub(&before).TxStats
	if pages, looks := written.GetPageCount(), written.GetCursorCount(); pages > 100 || looks > 2*jobs {
		t.Errorf("the release wrote %d pages and looked %d times", pages, looks)
	}
	s := p.State()
	if u := r.Usage(); u.Memory != 0 || s.Aside != jobs || s.Frontier != jobs {
		t.Errorf("released: %d bytes in memory, %+v", u.Memory, s)
	}
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
