package demo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// twoLanes is a log of two partitions: lane 0 has demo/0@0 and demo/0@2, lane 1 has
// demo/0@1, lane 2 has all of demo/1.
func twoLanes() *stream {
	return &stream{lanes: [][]int32{{0, 1, 0}, {2, 2}}, count: 3}
}

func start(p int32, offset int64) event { return event{kind: started, partition: p, offset: offset} }
func end(p int32, offset int64) event {
	return event{kind: finished, partition: p, offset: offset, took: 10 * time.Millisecond}
}
func disk(p int32, offset int64) event { return event{kind: durable, partition: p, offset: offset} }

// judge returns what an observer finds in events.
func judge(events ...event) findings {
	o := newObserver(twoLanes(), time.Now)
	o.see(events...)
	f := o.findings()
	f.work, f.elapsed = nil, 0
	return f
}

// clean is a run without a fault: lanes interleave, order within a lane is kept.
var clean = []event{
	start(0, 1), start(0, 0), start(1, 0), end(1, 0), start(1, 1), end(0, 0), start(0, 2),
	disk(1, 0), disk(0, 0), end(0, 2), end(1, 1), end(0, 1), disk(0, 1), disk(0, 2), disk(1, 1),
}

func TestCleanRunHasNoFindings(t *testing.T) {
	t.Parallel()
	want := findings{handled: 5, distinct: 5, finished: 5, durable: 5}
	if diff := cmp.Diff(want, judge(clean...), cmp.AllowUnexported(findings{})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events []event
		want   findings
	}{
		"second job of a lane starts while the first runs": {
			[]event{start(1, 0), start(1, 1), end(1, 0), end(1, 1)},
			findings{handled: 2, distinct: 2, finished: 2, breaks: 1},
		},
		"second job of a lane runs before the first": {
			[]event{start(1, 1), end(1, 1), start(1, 0), end(1, 0)},
			findings{handled: 2, distinct: 2, finished: 2, breaks: 1},
		},
		"order breaks over another lane's offset": {
			[]event{start(0, 2), start(0, 1), end(0, 1)},
			findings{handled: 2, distinct: 2, finished: 1, running: 1, breaks: 1},
		},
		"a job runs again while it runs": {
			[]event{start(0, 1), start(0, 1), end(0, 1)},
			findings{handled: 2, distinct: 1, finished: 1, rerunRunning: 1},
		},
		"a finished job runs again": {
			[]event{start(0, 1), end(0, 1), start(0, 1), end(0, 1)},
			findings{handled: 2, distinct: 1, finished: 1, rerunFinished: 1},
		},
		"a durable job runs again": {
			[]event{start(0, 1), end(0, 1), disk(0, 1), start(0, 1)},
			findings{handled: 2, distinct: 1, finished: 1, durable: 1, running: 1, rerunDurable: 1},
		},
		"an earlier job of the lane runs again: a duplicate, no break": {
			[]event{start(1, 0), end(1, 0), start(1, 1), end(1, 1), start(1, 0), end(1, 0)},
			findings{handled: 3, distinct: 2, finished: 2, rerunFinished: 1},
		},
		"a record that was never produced": {
			[]event{start(0, 3), start(2, 0), start(-1, 0), start(0, -1)},
			findings{strange: 4},
		},
	}
	for name, tt := range tests {
		if diff := cmp.Diff(tt.want, judge(tt.events...), cmp.AllowUnexported(findings{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestKilledJobsDoNotRun(t *testing.T) {
	t.Parallel()
	o := newObserver(twoLanes(), time.Now)
	o.see(start(0, 0), start(1, 0))
	o.killed()
	if n := o.findings().running; n != 0 {
		t.Errorf("%d jobs run after the kill", n)
	}
	o.see(start(0, 0), end(0, 0))
	if f := o.findings(); f.running != 0 || f.rerunRunning != 1 || f.breaks != 0 {
		t.Errorf("findings %+v", f)
	}
}

func TestMarksAreReachedByDistinctJobs(t *testing.T) {
	t.Parallel()
	o := newObserver(twoLanes(), time.Now)
	two := o.reached(2)
	closed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	o.see(start(0, 0), end(0, 0), start(0, 0), end(0, 0))
	if closed(two) {
		t.Error("one job that ran twice counts as two")
	}
	o.see(start(0, 1), end(0, 1))
	if !closed(two) || !closed(o.reached(1)) || closed(o.reached(3)) {
		t.Error("marks do not follow what has finished")
	}
}

// One at a time, the partition with the most work decides.
func TestSerialRateComesFromMeasuredWork(t *testing.T) {
	t.Parallel()
	now := time.Unix(100, 0)
	o := newObserver(twoLanes(), func() time.Time { return now })
	now = now.Add(time.Hour) // until the first job starts nothing counts
	for _, e := range clean {
		o.see(e)
		if e == end(0, 0) {
			o.see(end(0, 0)) // a second run is no work that had to be done
		}
		now = now.Add(time.Millisecond)
	}
	s := summarize(Options{Records: 5}, 3, o.findings(), 0, nil)
	// 3 jobs of 10 ms in partition 0; the last end is the 12th event.
	if got, want := s.SerialRate, 5/0.030; got < want*0.999 || got > want*1.001 {
		t.Errorf("serial rate %v, want %v", got, want)
	}
	if got, want := s.Elapsed, 0.011; got < want*0.999 || got > want*1.001 {
		t.Errorf("elapsed %v, want %v", got, want)
	}
}
