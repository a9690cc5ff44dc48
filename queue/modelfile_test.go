package queue

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

type modelJob struct {
	rec      Record
	scheme   int
	attempts int
	due      time.Time
	halted   bool
	guarded  bool
	err      string
	history  []Attempt // never changed in place: the model's files share it

	checkpoint string
}

// modelFile is what the file knows of a partition.
type modelFile struct {
	known       bool
	next, acked int64
	topicID     string
	fingerprint string
	scheme      int
	resets      uint64
	away        time.Time   // when it was detached; zero: attached
	jobs        []modelJob  // open ones, ascending
	dead        []modelDead // of a file that was read; modelPartition has them apart
	elsewhere   string      // offsets from next on that another owner completed, as a list of ranges

	// What was ever done or buried here; of a file that was read, what it says of that.
	ended, buried map[int64]bool
	overtaken     []overtaking
}

// modelDead is a dead letter.
type modelDead struct {
	rec      Record
	number   uint64 // zero until it is gathered
	buried   time.Time
	operator bool
	reason   string
	topicID  string
	attempts int
	err      string
	unsent   bool
}

func (f modelFile) clone() modelFile {
	f.jobs = slices.Clone(f.jobs)
	f.ended, f.buried = maps.Clone(f.ended), maps.Clone(f.buried)
	return f
}

// completedElsewhere reads elsewhere.
func (f *modelFile) completedElsewhere() (set ranges) {
	for pair := range strings.FieldsSeq(f.elsewhere) {
		var r Range
		fmt.Sscanf(pair, "%d-%d", &r.From, &r.To)
		set = append(set, r)
	}
	return set
}

// elsewhereFrom writes the part of a set that is not below next.
func elsewhereFrom(set ranges, next int64) string {
	var b strings.Builder
	for _, r := range set {
		if r.From = max(r.From, next); r.From < r.To {
			fmt.Fprintf(&b, "%d-%d ", r.From, r.To)
		}
	}
	return b.String()
}

// moveTo makes offset the next one, if it is above.
func (f *modelFile) moveTo(offset int64) {
	f.next = max(f.next, offset)
	f.elsewhere = elsewhereFrom(f.completedElsewhere(), f.next)
}

// progress is what the store has to say once the file is like this.
func (f *modelFile) progress() Progress {
	pr := Progress{Frontier: f.frontier()}
	at := pr.Frontier
	for _, j := range f.jobs {
		pr.add(Range{at, j.rec.Offset})
		at = j.rec.Offset + 1
	}
	pr.add(Range{at, f.next})
	for _, r := range f.completedElsewhere() {
		pr.add(r)
	}
	pr.Left = 0
	return pr
}

func (f *modelFile) frontier() int64 {
	if len(f.jobs) > 0 {
		return f.jobs[0].rec.Offset
	}
	return f.next
}

func (f *modelFile) job(offset int64) *modelJob {
	i, ok := slices.BinarySearchFunc(f.jobs, offset, func(j modelJob, o int64) int { return cmp.Compare(j.rec.Offset, o) })
	if !ok {
		return nil
	}
	return &f.jobs[i]
}

func (f *modelFile) remove(offset int64) {
	f.jobs = slices.DeleteFunc(f.jobs, func(j modelJob) bool { return j.rec.Offset == offset })
}

// end completes a job here.
func (f *modelFile) end(offset int64) {
	f.remove(offset)
	put(&f.ended, offset, true)
}

// sameRecord compares what Kafka delivered with what came out.
func sameRecord(a, b *Record) bool {
	return a.Offset == b.Offset && a.Timestamp == b.Timestamp &&
		sameBytes(a.Key, b.Key) && sameBytes(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y Header) bool { return x.Key == y.Key && sameBytes(x.Value, y.Value) }) &&
		a.Lane.ID == b.Lane.ID && a.Lane.Own == b.Lane.Own && bytes.Equal(a.Lane.Name, b.Lane.Name)
}

// sameFile compares what was read from a file with what it has to hold.
func sameFile(got, want modelFile) error {
	if err := sameOvertaken(got.overtaken, want.ended, want.buried); err != nil {
		return err
	}
	if !want.known {
		want = modelFile{}
	}
	if !got.known {
		got = modelFile{}
	}
	gotJobs, wantJobs := got.jobs, want.jobs
	got.jobs, want.jobs = nil, nil
	got.dead, got.overtaken, want.ended, want.buried = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the file says %+v, want %+v", got, want)
	}
	if len(gotJobs) != len(wantJobs) {
		return fmt.Errorf("the file has %d open jobs, want %d", len(gotJobs), len(wantJobs))
	}
	for i, g := range gotJobs {
		w := wantJobs[i]
		if !sameRecord(&g.rec, &w.rec) || g.scheme != w.scheme || g.attempts != w.attempts || g.err != w.err ||
			g.halted != w.halted || g.guarded != w.guarded || g.checkpoint != w.checkpoint || !g.due.Equal(w.due) || !reflect.DeepEqual(g.history, w.history) {
			return fmt.Errorf("the file has %+v, want %+v", g, w)
		}
	}
	return nil
}

func sameLetters(got, want []modelDead) error {
	want = slices.SortedFunc(slices.Values(want), func(a, b modelDead) int { return cmp.Compare(a.number, b.number) })
	if !slices.EqualFunc(got, want, func(a, b modelDead) bool {
		same := sameRecord(&a.rec, &b.rec) && a.buried.Equal(b.buried)
		a.rec, a.buried = b.rec, b.buried
		return same && reflect.DeepEqual(a, b)
	}) {
		return fmt.Errorf("the file has the dead letters %+v, want %+v", got, want)
	}
	return nil
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func cloneRecord(r Record) Record {
	r.Key, r.Value, r.Lane.Name = bytes.Clone(r.Key), bytes.Clone(r.Value), bytes.Clone(r.Lane.Name)
	r.Headers = slices.Clone(r.Headers)
	for i := range r.Headers {
		r.Headers[i].Value = bytes.Clone(r.Headers[i].Value)
	}
	return r
}
