package queue

import (
	"slices"
	"testing"
)

// TestAStuckHeadDoesNotGrowTheFile lets 100,000 jobs be written and done
// behind one that is not.
func TestAStuckHeadDoesNotGrowTheFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "")
	stuck := r.take(1)
	const batch, batches = 2000, 50
	high := int64(0)
	for i := range int64(batches) {
		r.must(errOf(p.Append(fat(1+i*batch, batch, ownLane))))
		r.sync()
		if n := len(r.drain()); n != batch {
			t.Fatalf("%d jobs ran, want %d", n, batch)
		}
		r.sync()
		high = max(high, r.Usage().InUse)
	}
	if live := int64(batch * (kib + 100)); high > 3*live {
		t.Errorf("%d bytes were in use, with %d alive at a time", high, live)
	}
	if f := p.Frontier(); f != 0 {
		t.Errorf("frontier %d", f)
	}
	r.must(r.Close())
	r.open()
	p = r.attach(orders)
	if s := p.State(); s.Open != 1 || s.Next != 1+batch*batches {
		t.Errorf("reopened: %+v", s)
	}
	r.done(r.wantTaken(stuck[0].Offset)...)
	r.sync()
	if f := p.Frontier(); f != 1+batch*batches {
		t.Errorf("frontier %d", f)
	}
}

// TestStuckKeysAreGathered leaves every 25th job open.
func TestStuckKeysAreGathered(t *testing.T) {
	t.Parallel()
	l := standardLayout()
	l.deadBytes = 1 << 20
	r := prepareRig(t, Options{}, l)
	r.open()
	p := r.attach(orders)
	const batch, batches = 2000, 25
	var stuck []int64
	high, live := int64(0), int64(0)
	for i := range int64(batches) {
		r.must(errOf(p.Append(fat(i*batch, batch, ownLane))))
		r.sync()
		for _, j := range r.take(batch) {
			if j.Offset%25 == 0 {
				stuck = append(stuck, j.Offset)
				live += kib + 100
			} else {
				r.done(j)
			}
		}
		r.sync()
		high = max(high, r.Usage().InUse)
	}
	if bound := 4*live + 3*batch*(kib+100) + l.deadBytes; high > bound {
		t.Errorf("%d bytes were in use, %d alive", high, live)
	}
	r.reopen()
	r.attach(orders)
	ran := r.drain()
	if !slices.Equal(ran, stuck) {
		t.Errorf("%d jobs ran again, want the %d that were stuck", len(ran), len(stuck))
	}
}

func TestADrainedFileIsCompacted(t *testing.T) {
	t.Parallel()
	l := standardLayout()
	l.drainedFile = 24 << 20
	r := prepareRig(t, Options{}, l)
	r.open()
	p := r.attach(orders)
	r.append(p, "a")
	stuck := r.take(1)
	const jobs = 24 << 10
	r.must(errOf(p.Append(fat(1, jobs, ownLane))))
	r.sync()
	before := r.Usage().File
	if before < l.drainedFile {
		t.Fatalf("a file of %d bytes is too small for this test", before)
	}
	r.clock.advance(compactEvery)
	r.drain()
	r.sync()
	eventually(t, "the file shrinks", func() bool { return r.Usage().File < before*3/4 })
	r.append(p, "b")
	r.sync()
	r.done(r.take(1)...)
	r.finish(Outcome{Kind: Release}, stuck...)
	r.reopen()
	r.attach(orders)
	if ran := r.drain(); !slices.Equal(ran, []int64{0}) {
		t.Errorf("%v ran after the compaction, want the one that was left", ran)
	}
}

func TestARecordLargerThanABlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	recs := records(0, "a", "b", "c")
	recs[1].Key = make([]byte, 3*r.blockBytes)
	r.must(errOf(p.Append(recs)))
	r.reopen()
	r.attach(orders)
	jobs := r.wantTaken(0, 1, 2)
	if n := int64(len(jobs[1].Key)); n != 3*r.blockBytes {
		t.Errorf("%d bytes came back", n)
	}
	r.done(jobs...)
}

// TestSmallBlocksBetweenLargeOnesAreGathered lets a few records at a time be
// stored, as a slow topic does, and now and then many at once.
func TestSmallBlocksBetweenLargeOnesAreGathered(t *testing.T) {
	t.Parallel()
	testSpace(t, func(i int64) (records int) {
		if i%20 == 0 {
			return 20
		}
		return 13
	}, func(i, offset int64) bool { return i%20 == 0 || offset%13 == 0 })
}

// TestHalfEmptyBlocksAreGathered leaves 2 of 5 jobs open.
func TestHalfEmptyBlocksAreGathered(t *testing.T) {
	t.Parallel()
	testSpace(t, func(int64) int { return 1000 }, func(_, offset int64) bool { return offset%5 < 2 })
}

// testSpace stores blocks of so many records, finishes those that are not
// stuck, and compares the file with what it may be.
func testSpace(t *testing.T, records func(block int64) int, stuck func(block, offset int64) bool) {
	l := standardLayout()
	l.deadBytes = 128 << 10
	r := prepareRig(t, Options{}, l)
	r.open()
	p := r.attach(orders)
	live := int64(0)
	for i := int64(0); live < 2<<20; i++ {
		n := records(i)
		r.must(errOf(p.Append(fat(p.State().Next, n, ownLane))))
		r.sync()
		for _, j := range r.take(n) {
			if stuck(i, j.Offset) {
				live += kib + 100
			} else {
				r.done(j)
			}
		}
		r.sync()
	}
	if used, bound := r.Usage().InUse, 2*live+2*l.deadBytes; used > bound {
		t.Errorf("%d bytes are in use, %d alive", used, live)
	}
}
