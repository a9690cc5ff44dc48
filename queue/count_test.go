package queue

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOutcomesAreCountedByTopic: those of runs, and what operators did.
func TestOutcomesAreCountedByTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "d", "e")
	jobs := r.take(5)
	r.done(jobs[0], jobs[1])
	r.finish(Outcome{Kind: Retry, Error: "no", Due: r.clock.Now().Add(time.Hour)}, jobs[2])
	r.finish(Outcome{Kind: Bury, Error: "no"}, jobs[3])
	r.finish(Outcome{Kind: Halt, Error: "no"}, jobs[4])
	r.sync()
	halted, err := p.Find(t.Context(), jobs[4].Offset)
	r.must(err)
	if _, err := p.Skip(halted[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Discard(t.Context(), DeadRef{TopicPartition: orders, Offset: jobs[3].Offset, Number: 1}); err != nil {
		t.Fatal(err)
	}
	r.attach(TopicPartition{"bills", 0})
	want := []TopicCount{
		{Topic: "bills", Outcomes: map[Kind]int64{}},
		{Topic: "orders", Jobs: 5, Outcomes: map[Kind]int64{Done: 2, Retry: 1, Bury: 1, Halt: 1, Skipped: 1, Discarded: 1}},
	}
	got := r.TopicCounts()
	for i := range got {
		if (got[i].Bytes > 0) != (got[i].Jobs > 0) {
			t.Errorf("%s: %d jobs of %d bytes", got[i].Topic, got[i].Jobs, got[i].Bytes)
		}
		got[i].Bytes = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAFlushTellsWhatItWrote: a record whose job was done before is not written.
func TestAFlushTellsWhatItWrote(t *testing.T) {
	t.Parallel()
	var told []Flushed
	r := prepareRig(t, Options{Flushed: func(f Flushed) { told = append(told, f) }}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	r.flush()
	told = nil
	r.append(p, "a", "b", "c")
	jobs := r.take(3)
	r.done(jobs[0])
	r.flush()
	r.done(jobs[1])
	r.flush()
	r.flush() // with nothing to write
	if len(told) != 2 {
		t.Fatalf("told of %d flushes, want 2: %+v", len(told), told)
	}
	for i, want := range []Flushed{{Outcomes: 1, Jobs: 2}, {Outcomes: 1}} {
		got := told[i]
		if got.Outcomes != want.Outcomes || got.Jobs != want.Jobs || (got.Bytes > 0) != (got.Jobs > 0) || got.Sync <= 0 || got.Took < got.Sync {
			t.Errorf("flush %d: %+v, want %+v", i, got, want)
		}
	}
	u := r.Usage()
	if u.Skipped != 1 || u.WrittenJobs != 2 || u.SkippedBytes <= 0 || u.Appended != 3*u.SkippedBytes {
		t.Errorf("usage %+v: of three records alike one was skipped", u)
	}
}
