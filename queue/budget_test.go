package queue

import (
	"bytes"
	"math"
	"testing"
	"time"
)

const kib = 1 << 10

// fat is n records of 1 KiB, each with the lane that the function gives.
func fat(from int64, n int, lane func(int64) Lane) []Record {
	recs := make([]Record, n)
	for i := range recs {
		offset := from + int64(i)
		recs[i] = record(offset, "")
		recs[i].Key = bytes.Repeat([]byte{byte(offset)}, kib-len(recs[i].Value))
		recs[i].Lane = lane(offset)
	}
	return recs
}

func ownLane(int64) Lane { return Lane{Own: true} }

func oneLane(int64) Lane { return Lane{ID: 1} }

func TestRoomEndsAtTheDiskBudgetAndComesBack(t *testing.T) {
	t.Parallel()
	const budget = 4 << 20
	r := newRig(t, Options{Disk: budget})
	p := r.attach(orders)
	next := int64(0)
	for p.Room() {
		r.must(errOf(p.Append(fat(next, 100, ownLane))))
		next += 100
		r.sync()
		if u := r.Usage(); u.InUse > budget {
			t.Fatalf("%d bytes in use with a budget of %d", u.InUse, budget)
		}
	}
	if u := r.Usage(); u.InUse < budget/2 {
		t.Errorf("no room with %d bytes in use of %d", u.InUse, budget)
	}
	other := r.attach(TopicPartition{"bills", 0})
	if !other.Room() {
		t.Error("a partition that holds nothing has no room in its share")
	}
	if n := len(r.drain()); int64(n) != next { // work goes on
		t.Errorf("%d of %d jobs ran", n, next)
	}
	r.sync()
	if !p.Room() {
		t.Errorf("no room after all was done: %+v", r.Usage())
	}
}

func TestWindowCountsABodyOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Memory: 4 * windowBytes})
	p := r.attach(orders)
	n := 0
	for p.Room() {
		r.must(errOf(p.Append(fat(int64(n), 100, ownLane))))
		n += 100
		r.sync() // the bodies are in the file now, and in memory still
	}
	if n*kib < windowBytes*3/4 { // what frames the bodies counts too
		t.Errorf("no room for more than %d KiB, the window is %d KiB", n, windowBytes/kib)
	}
}

func TestRoomEndsWhenTheDiskIsFull(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{MinFree: math.MaxInt64})
	p := r.attach(orders)
	r.append(p, "a")
	r.sync()
	if p.Room() {
		t.Error("there is room though less is free than is to stay free")
	}
	r.done(r.take(1)...)
}

func TestRoomComesBackWithTheDiskThoughNothingIsToBeDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{MinFree: math.MaxInt64})
	p := r.attach(orders)
	r.sync()
	if p.Room() {
		t.Fatal("there is room though less is free than is to stay free")
	}
	r.mu.Lock()
	r.Store.opt.MinFree = 0 // what it amounts to when somebody makes room
	r.mu.Unlock()
	for deadline := time.Now().Add(time.Minute); !p.Room(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the disk was not looked at again")
		}
		r.clock.advance(measureAgain / 10)
	}
}

func TestBodiesInMemoryStayWithinTheBudget(t *testing.T) {
	t.Parallel()
	const budget = 1 << 20
	r := newRig(t, Options{Memory: budget})
	p := r.attach(orders)
	const jobs = 5000
	for next := int64(0); next < jobs; next += 100 {
		r.must(errOf(p.Append(fat(next, 100, oneLane))))
		r.sync()
		if u := r.Usage(); u.Memory > budget {
			t.Fatalf("%d bytes of bodies held with a budget of %d", u.Memory, budget)
		}
	}
	for offset := range int64(jobs) {
		job := r.take(1)
		if job[0].Offset != offset || len(job[0].Key) == 0 || job[0].Key[0] != byte(offset) {
			t.Fatalf("took %d with the key %.8x, want %d", job[0].Offset, job[0].Key, offset)
		}
		r.done(job...)
	}
	r.sync()
	if u := r.Usage(); u.Memory != 0 {
		t.Errorf("%d bytes are held for no job", u.Memory)
	}
}

// TestBodiesStayInMemoryWhileThereIsRoom: those of finished jobs do not.
func TestBodiesStayInMemoryWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	var recs []Record
	for offset := range int64(20) {
		recs = append(recs, record(offset*offset, ""))
	}
	r.must(errOf(p.Append(recs)))
	r.done(r.take(3)...)
	r.sync()
	for _, c := range p.chunks {
		for i := range c.records {
			if rec := &c.records[i]; (rec.Value == nil) != (rec.Offset < 9) {
				t.Errorf("after the flush memory has the value %q of %d", rec.Value, rec.Offset)
			}
		}
	}
	jobs := make([]Job, len(recs))
	r.mu.Lock()
	n := r.fill(jobs, r.clock.Now())
	r.mu.Unlock()
	if n != 17 {
		t.Fatalf("%d jobs started", n)
	}
	for i := range jobs[:n] {
		if jobs[i].cold {
			t.Errorf("the body of %d would be read from the file", jobs[i].Offset)
		}
	}
}

func TestRoomEndsWithTheMemoryForWhatIsNotWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Memory: 4 << 20})
	p := r.attach(orders)
	r.must(errOf(p.Append(fat(0, 2000, oneLane))))
	if p.Room() {
		t.Error("2 MB wait for the flush, and there is room within 4 MiB")
	}
	r.sync()
	if !p.Room() {
		t.Error("no room after the flush")
	}
}

// TestRoomBeyondTheWindow: with a window of jobs waiting, more is fetched only
// while a worker has nothing to do because none of them can start.
func TestRoomBeyondTheWindow(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	recs := make([]Record, windowJobs+1)
	const lanes = 160 // none of them deep
	for i := range recs {
		recs[i] = record(int64(i), string([]byte{byte(1 + i%lanes)}))
	}
	r.must(errOf(p.Append(recs[:windowJobs-1])))
	if !p.Room() {
		t.Error("no room within the window")
	}
	r.must(errOf(p.Append(recs[windowJobs-1:])))
	if p.Room() {
		t.Error("room beyond the window while no worker waits")
	}
	stuck := r.take(lanes)
	jobs := r.takers(1)
	if !p.Room() {
		t.Error("no room though a worker waits and nothing can start")
	}
	r.append(p, "")
	r.receive(jobs, 1)
	if p.Room() {
		t.Error("room beyond the window once the worker is busy")
	}
	r.done(stuck...)
	p.Detach()
	if p.Room() {
		t.Error("room in a detached partition")
	}
}

func TestJobsThatEndBeforeTheFlushAreNotWritten(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, Options{}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	r.must(errOf(p.Append(fat(0, 1000, ownLane))))
	r.drain()
	r.must(errOf(p.Append(fat(1000, 1000, oneLane))))
	r.done(r.take(1)...)
	r.flush()
	u := r.Usage()
	if u.WrittenJobs != 999 || u.Skipped != 1001 || u.Written < 999*kib || u.Written > 999*(kib+100) {
		t.Errorf("%d jobs in %d bytes were written and %d skipped, want 999 of 1 KiB and 1001", u.WrittenJobs, u.Written, u.Skipped)
	}
	if f := p.Frontier(); f != 1001 {
		t.Errorf("frontier %d", f)
	}
	r.drain()
	r.flush()
	if again := r.Usage(); again.Written != u.Written {
		t.Errorf("completions wrote %d bytes of bodies", again.Written-u.Written)
	}
}

func TestUnsentPartitionsStayUnknownToTheFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	p, err := r.Attach(TopicPartition{"bills", 7})
	r.must(err)
	r.sync()
	tps, err := r.Partitions()
	r.must(err)
	if len(tps) != 1 || tps[0] != orders {
		t.Errorf("the file holds %v", tps)
	}
	if s := p.State(); s.Known || s.Next != -1 || s.Frontier != -1 || s.Acknowledged != -1 {
		t.Errorf("state of a new partition: %+v", s)
	}
	if f := p.Frontier(); f != -1 {
		t.Errorf("frontier of a new partition: %d", f)
	}
	if _, err := p.Append(records(0, "a")); err == nil {
		t.Error("a partition without a start took a record")
	}
}
