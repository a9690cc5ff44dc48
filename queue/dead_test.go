package queue

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
)

var bury = Outcome{Kind: Bury, Error: "not a number"}

// letters lists the dead letters of a partition with their records.
func (r *rig) letters(tp TopicPartition) (list []DeadLetter) {
	r.t.Helper()
	for l, err := range r.DeadLetters(r.t.Context(), tp, 0) {
		r.must(err)
		l, found, err := r.DeadLetter(l.DeadRef)
		r.must(err)
		if !found {
			r.t.Fatalf("%s is listed and not found", l)
		}
		list = append(list, l)
	}
	return list
}

func (r *rig) wantDead(tp TopicPartition, want ...int64) (list []DeadLetter) {
	r.t.Helper()
	list = r.letters(tp)
	var got []int64
	for _, l := range list {
		got = append(got, l.Offset)
		if v := fmt.Sprintf("value %d", l.Offset); l.Damaged == nil && string(l.Record.Value) != v {
			r.t.Errorf("dead letter %s has the value %q", l, l.Record.Value)
		}
	}
	if !slices.Equal(got, want) {
		r.t.Fatalf("dead letters %v, want %v", got, want)
	}
	letters := 0
	for _, c := range r.DeadCounts() {
		if c.TopicPartition == tp {
			letters = c.Letters
		}
	}
	if letters != len(want) {
		r.t.Errorf("counted %d dead letters, want %d", letters, len(want))
	}
	return list
}

// TestBuriedJobIsDeadAndItsLaneGoesOn buries one job that the file never held,
// and one that it did.
func TestBuriedJobIsDeadAndItsLaneGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	r.finish(bury, r.wantTaken(0, 2)[0])
	r.sync()
	if f := p.Frontier(); f != 1 {
		t.Errorf("frontier %d", f)
	}
	r.finish(bury, r.wantTaken(1)...)
	list := r.wantDead(orders, 0, 1)
	if l := list[1]; l.Reason != "not a number" || l.Error != l.Reason || l.Attempts != 1 || l.Operator || l.TopicID != "topic-id" ||
		!l.Buried.Equal(r.clock.Now()) || !l.Unsent || string(l.Record.Key) != "a" || l.Record.Lane.ID != 'a' {
		t.Errorf("dead letter %+v", l)
	}
	r.reopen()
	r.attach(orders)
	if got := r.wantDead(orders, 0, 1); got[0].Number != list[0].Number {
		t.Errorf("dead letter %+v", got[0])
	}
	r.done(r.wantTaken(2)...)
	r.nothingStarts()
	if found := r.verify(true); found != nil {
		t.Errorf("verify found %q", found)
	}
}

func TestOperatorBuriesAnyJobThatDoesNotRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a", "b", "c")
	r.finish(halt, r.wantTaken(0, 2, 3)[0])
	for _, offset := range []int64{0, 1} {
		r.change(p.Bury(r.find(p, offset), "agreed"))
	}
	changed, err := p.Bury(r.find(p, 2), "agreed")
	wantIs(t, "bury a running job", err, ErrJobRunning)
	if changed {
		t.Error("a running job was buried")
	}
	if l := r.wantDead(orders, 0, 1)[0]; !l.Operator || l.Reason != "agreed" || l.Error != "not a number" || l.Attempts != 1 {
		t.Errorf("dead letter %+v", l)
	}
	if n := p.State().Halted; n != 0 {
		t.Errorf("%d halted", n)
	}
}

func TestDiscardedLettersAreGone(t *testing.T) {
	t.Parallel()
	var told []Durable
	r := newRig(t, Options{Durable: func(d []Durable) { told = append(told, d...) }})
	r.append(r.attach(orders), "a", "b", "c")
	r.finish(bury, r.take(3)...)
	list := r.wantDead(orders, 0, 1, 2)
	told = nil
	gone, err := r.Discard(t.Context(), list[1].DeadRef, list[2].DeadRef, DeadRef{orders, 1, 77}, DeadRef{TopicPartition{"none", 0}, 1, 1})
	r.must(err)
	if !slices.Equal(gone, []DeadRef{list[1].DeadRef, list[2].DeadRef}) {
		t.Errorf("discarded %v", gone)
	}
	if want := []Durable{{orders, 1, Discarded, 1}, {orders, 2, Discarded, 1}}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	r.wantDead(orders, 0)
	if gone, err = r.Discard(t.Context(), gone...); err != nil || gone != nil {
		t.Errorf("discarded again: %v, %v", gone, err)
	}
}

// TestLettersOutliveTheirPartition: others own it, and it is forgotten here.
func TestLettersOutliveTheirPartition(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.finish(bury, r.take(2)[0])
	r.sync()
	p.Detach()
	r.sync()
	r.reopen()
	away, err := r.Away()
	r.must(err)
	if done, err := r.Forget(away[0]); !done || err != nil {
		t.Fatalf("forget: %v, %v", done, err)
	}
	list := r.wantDead(orders, 0)
	r.reopen()
	r.wantDead(orders, 0)
	if p = r.attach(orders); p.State().Next != 0 {
		t.Errorf("stands at %+v", p.State())
	}
	p.Detach()
	r.sync()
	away, err = r.Away()
	r.must(err)
	r.Forget(away[0])
	r.sync()
	if _, err := r.Discard(t.Context(), list[0].DeadRef); err != nil {
		t.Fatal(err)
	}
	if tps, err := r.Partitions(); err != nil || len(tps) > 0 {
		t.Errorf("the file holds %v, %v", tps, err)
	}
}

func TestOutboxGivesLettersInTheOrderOfTheirBurials(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "d", "e")
	jobs := r.take(5)
	for _, i := range []int{3, 0, 4, 1, 2} {
		r.finish(bury, jobs[i])
		r.clock.advance(-time.Second) // the order is not the clock's
	}
	r.sync()
	p.Detach()
	r.sync()
	unsent := func(limit int, bytes int64) (got []int64, list []DeadLetter) {
		list, err := r.Unsent(orders, limit, bytes)
		r.must(err)
		for _, l := range list {
			got = append(got, l.Offset)
		}
		return got, list
	}
	if got, _ := unsent(100, 1); !slices.Equal(got, []int64{3}) {
		t.Errorf("unsent within a byte: %v", got)
	}
	got, list := unsent(3, 1<<20)
	if !slices.Equal(got, []int64{3, 0, 4}) || string(list[0].Record.Value) != "value 3" {
		t.Errorf("unsent: %v, %+v", got, list[0])
	}
	r.must(r.Sent(t.Context(), list[0].DeadRef, list[1].DeadRef))
	r.reopen()
	if got, _ := unsent(100, 1<<20); !slices.Equal(got, []int64{4, 1, 2}) {
		t.Errorf("unsent: %v", got)
	}
	if c := r.DeadCounts(); len(c) != 1 || c[0].Letters != 5 || c[0].Unsent != 3 {
		t.Errorf("counts %+v", c)
	}
	if _, err := r.Discard(t.Context(), list[2].DeadRef); err != nil {
		t.Fatal(err)
	}
	if got, _ := unsent(100, 1<<20); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("unsent after a discard: %v", got)
	}
	if found := r.verify(true); found != nil {
		t.Errorf("verify found %q", found)
	}
}

// TestLettersTakeNoMemory runs by itself: it looks at the heap.
func TestLettersTakeNoMemory(t *testing.T) {
	r := newRig(t, Options{})
	p := r.attach(orders)
	const batch, batches = 2000, 10
	var before, after runtime.MemStats
	for i := range batches {
		r.append(p, make([]string, batch)...)
		for done := 0; done < batch; {
			jobs := r.take(min(500, batch-done))
			r.finish(bury, jobs...)
			done += len(jobs)
		}
		r.sync()
		if i == 0 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if c := r.DeadCount(orders); c.Letters != batch*batches {
		t.Errorf("%+v", c)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 20*batch*(batches-1) {
		t.Errorf("the heap grew by %d bytes with %d letters", grown, batch*(batches-1))
	}
}
