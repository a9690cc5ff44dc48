package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	for variable, work := range map[string]func(string) error{buryVariable: buryUntilKilled, parkVariable: parkUntilKilled, againVariable: runAgainUntilKilled} {
		if path := os.Getenv(variable); path != "" {
			fmt.Fprintln(os.Stderr, work(path))
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// fakeClock moves when it is told to. Its timers run on the goroutine that
// moves it.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*fakeTimer
}

type fakeTimer struct {
	clock *fakeClock
	at    time.Time
	f     func()
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Unix(1_700_000_000, 0)} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := &fakeTimer{c, c.now.Add(d), f}
	c.timers = append(c.timers, timer)
	return timer
}

func (t *fakeTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	i := slices.Index(t.clock.timers, t)
	if i < 0 {
		return false
	}
	t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	return true
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []*fakeTimer
	c.timers = slices.DeleteFunc(c.timers, func(t *fakeTimer) bool {
		if t.at.After(c.now) {
			return false
		}
		due = append(due, t)
		return true
	})
	c.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}

// jump sets the clock and leaves the timers the time that they have to go.
func (c *fakeClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for _, t := range c.timers {
		t.at = t.at.Add(d)
	}
}

// pass lets time pass once everything is durable: else nothing would start.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.sync()
	r.clock.advance(d)
}

// rig is a store in a directory of its own, over a clock that stands still
// unless the test moves it: a flush comes with Sync and Close only.
type rig struct {
	t     *testing.T
	path  string
	clock *fakeClock
	opt   Options
	layout
	manual bool // no committer runs: the test flushes
	*Store
}

var orders = TopicPartition{"orders", 3}

func newRig(t *testing.T, opt Options) *rig {
	t.Helper()
	r := prepareRig(t, opt, standardLayout())
	r.open()
	return r
}

func prepareRig(t *testing.T, opt Options, l layout) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), FileName), clock: newFakeClock(), opt: opt, layout: l}
	r.opt.Clock = r.clock
	r.must(Create(r.path, Identity{Cluster: "c", Group: "g", StoreID: "s"}))
	t.Cleanup(func() { r.Close() })
	return r
}

func (r *rig) open() {
	r.t.Helper()
	s, err := open(r.path, r.opt, r.layout)
	r.must(err)
	r.Store = s
	if !r.manual {
		go s.commitLoop()
	}
}

func (r *rig) Close() error {
	if r.manual && !r.Store.closed {
		go r.Store.commitLoop()
	}
	return r.Store.Close()
}

// flush is one round of the committer.
func (r *rig) flush() {
	r.t.Helper()
	r.must(r.commit(newBodyWriter()))
}

// reopen closes the store and opens its file again.
func (r *rig) reopen() {
	r.t.Helper()
	r.must(r.Close())
	r.open()
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) sync() {
	r.t.Helper()
	r.must(r.Sync(r.t.Context()))
}

// attach gives a partition that starts at 0 and may run.
func (r *rig) attach(tp TopicPartition) *Partition {
	r.t.Helper()
	p, err := r.Attach(tp)
	r.must(err)
	if p.State().Next < 0 {
		r.must(p.Configure("topic-id", "scheme"))
		r.must(p.SetStart(0))
	}
	p.Lease(Forever)
	return p
}

// append adds a record per lane from the next offset on.
func (r *rig) append(p *Partition, lanes ...string) {
	r.t.Helper()
	r.must(errOf(p.Append(records(p.State().Next, lanes...))))
}

func records(from int64, lanes ...string) []Record {
	recs := make([]Record, len(lanes))
	for i, name := range lanes {
		recs[i] = record(from+int64(i), name)
	}
	return recs
}

// record has a value that follows from its offset, and a lane by its name's
// first letter; an empty name is an own lane.
func record(offset int64, lane string) Record {
	r := Record{Offset: offset, Timestamp: offset, Value: fmt.Appendf(nil, "value %d", offset)}
	if lane == "" {
		r.Lane.Own = true
		return r
	}
	r.Key = []byte(lane)
	r.Lane = Lane{ID: uint64(lane[0]), Name: r.Key}
	return r
}

// take waits for n jobs, each with its right body.
func (r *rig) take(n int) []*Job {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	var jobs []*Job
	for len(jobs) < n {
		dst := make([]Job, n-len(jobs))
		got, err := r.Take(ctx, dst)
		if err != nil {
			r.t.Fatalf("take job %d of %d: %v", len(jobs)+1, n, err)
		}
		for i := range dst[:got] {
			j := &dst[i]
			if want := fmt.Sprintf("value %d", j.Offset); j.Damaged == nil && string(j.Value) != want {
				r.t.Fatalf("job %s@%d has the value %q, want %q", j.TopicPartition(), j.Offset, j.Value, want)
			}
			jobs = append(jobs, j)
		}
	}
	return jobs
}

func (r *rig) finish(o Outcome, jobs ...*Job) {
	r.t.Helper()
	for _, j := range jobs {
		r.must(r.Finish(Finished{j, o}))
	}
}

func (r *rig) done(jobs ...*Job) {
	r.t.Helper()
	r.finish(Outcome{Kind: Done}, jobs...)
}

// nothingStarts fails if a job could start now.
func (r *rig) nothingStarts() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	dst := make([]Job, 1)
	if r.fill(dst, r.clock.Now()) > 0 {
		r.t.Fatalf("%s@%d started", dst[0].TopicPartition(), dst[0].Offset)
	}
}

// wantTaken takes as many jobs as offsets are given and compares them.
func (r *rig) wantTaken(want ...int64) []*Job {
	r.t.Helper()
	jobs := r.take(len(want))
	if got := offsets(jobs); !slices.Equal(got, want) {
		r.t.Fatalf("took %v, want %v", got, want)
	}
	return jobs
}

func offsets(jobs []*Job) (list []int64) {
	for _, j := range jobs {
		list = append(list, j.Offset)
	}
	return list
}

// drain takes and completes jobs until none can start, and returns their
// offsets in the order of their start.
func (r *rig) drain() (ran []int64) {
	r.t.Helper()
	for {
		r.mu.Lock()
		dst := make([]Job, 64)
		n := r.fill(dst, r.clock.Now())
		r.mu.Unlock()
		if n == 0 {
			return ran
		}
		for i := range dst[:n] {
			ran = append(ran, dst[i].Offset)
			r.done(&dst[i])
		}
	}
}

// eventually waits for a state that another goroutine brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func wantIs(t testing.TB, op string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, want %v", op, err, target)
	}
}

// errOf is the error of an Append.
func errOf(_ int, err error) error { return err }
