package queue

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// batchOf takes the next job and those that run with it.
func (r *rig) batchOf(want ...int64) []Finished {
	r.t.Helper()
	head := r.take(1)[0]
	dst := make([]Job, 16)
	n, err := r.Follow(head, dst)
	r.must(err)
	batch := []Finished{{head, Outcome{Kind: Done}}}
	got := []int64{head.Offset}
	for i := range dst[:n] {
		batch = append(batch, Finished{&dst[i], Outcome{Kind: Done}})
		got = append(got, dst[i].Offset)
		if want := fmt.Sprintf("value %d", dst[i].Offset); string(dst[i].Value) != want {
			r.t.Errorf("job %d has the value %q", dst[i].Offset, dst[i].Value)
		}
	}
	if !slices.Equal(got, want) {
		r.t.Fatalf("took %v, want %v", got, want)
	}
	return batch
}

func TestBatchIsOfOneLaneAndInOrder(t *testing.T) {
	t.Parallel()
	for name, reopen := range map[string]bool{"in memory": false, "in the file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.BatchTopic("orders", 3, 0)
			p := r.attach(orders)
			r.append(p, "a", "b", "a", "a", "", "a")
			if reopen {
				r.reopen()
				r.BatchTopic("orders", 3, 0)
				p = r.attach(orders)
			}
			first := r.batchOf(0, 2, 3)
			second := r.batchOf(1)
			r.batchOf(4)
			r.nothingStarts() // 5 is behind the batch
			if n := p.Running(); n != 3 {
				t.Errorf("%d runs", n)
			}
			r.must(r.FinishBatch(second...))
			r.must(r.FinishBatch(first...))
			r.must(r.FinishBatch(first...)) // void
			r.batchOf(5)
			r.sync()
			if f := p.Frontier(); f != 4 {
				t.Errorf("frontier %d, want 4", f)
			}
		})
	}
}

func TestOneBadJobDoesNotFailItsBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.BatchTopic("orders", 5, 0)
	p := r.attach(orders)
	r.append(p, "a", "a", "a", "a", "a", "a")
	batch := r.batchOf(0, 1, 2, 3, 4)
	batch[1].Outcome = Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Minute), Error: "no"}
	batch[3].Outcome = Outcome{Kind: Halt, Error: "given up"}
	r.must(r.FinishBatch(batch...))
	r.nothingStarts()
	jobs, err := p.Find(t.Context(), 0, 1, 2, 3, 4, 5)
	r.must(err)
	got := make([]string, len(jobs))
	for i, j := range jobs {
		got[i] = fmt.Sprintf("%d %v %d %s", j.Offset, j.State, j.Attempts, j.Error)
	}
	if want := []string{"1 retrying 1 no", "3 blocked 1 given up", "5 blocked 0 "}; !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	r.reopen()
	r.BatchTopic("orders", 5, 0)
	p = r.attach(orders)
	r.nothingStarts()
	r.clock.advance(time.Minute)
	retried := r.batchOf(1) // 3 is halted, and 5 stays behind it
	if retried[0].Job.Attempt != 2 || retried[0].Job.LastError != "no" {
		t.Errorf("attempt %d after %q", retried[0].Job.Attempt, retried[0].Job.LastError)
	}
	r.must(r.FinishBatch(retried...))
	r.nothingStarts()
	jobs, err = p.Find(t.Context(), 3)
	r.must(err)
	if _, err := p.Skip(jobs[0]); err != nil {
		t.Fatal(err)
	}
	r.must(r.FinishBatch(r.batchOf(5)...))
	r.sync()
	if f := p.Frontier(); f != 6 {
		t.Errorf("frontier %d", f)
	}
}

func TestFollowersAreSeenToRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.BatchTopic("orders", 2, 0)
	p := r.attach(orders)
	r.append(p, "a", "a", "a")
	batch := r.batchOf(0, 1)
	jobs, err := p.Find(t.Context(), 0, 1, 2)
	r.must(err)
	if len(jobs) != 3 || jobs[0].State != Running || jobs[1].State != Running || jobs[2].State != Blocked {
		t.Errorf("jobs %+v", jobs)
	}
	_, err = p.Skip(jobs[1])
	wantIs(t, "skip a follower", err, ErrJobRunning)
	r.must(batch[0].Job.Run().Checkpoint(t.Context(), 1, []byte("half")))
	batch[1].Outcome = Outcome{Kind: Release}
	r.must(r.FinishBatch(batch...))
	again := r.batchOf(1, 2)
	r.wantCheckpoint(again[0].Job, "half")
}

func TestLaneWaitsForMoreWithoutAWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.BatchTopic("orders", 3, time.Second)
	p := r.attach(orders)
	r.append(p, "a", "", "b", "b", "b")
	r.batchOf(1) // alone in its lane: nothing would come
	full := r.batchOf(2, 3, 4)
	r.nothingStarts()
	jobs, err := p.Find(t.Context(), 0)
	r.must(err)
	if jobs[0].State != Delayed || !jobs[0].Due.Equal(r.clock.Now().Add(time.Second)) {
		t.Errorf("it stands as %+v", jobs[0])
	}
	r.clock.advance(999 * time.Millisecond)
	r.nothingStarts()
	r.append(p, "a", "a") // enough
	first := r.batchOf(0, 5, 6)
	r.append(p, "a")
	first[1].Outcome = Outcome{Kind: Retry, Error: "no"}
	r.must(r.FinishBatch(first...))
	r.batchOf(5, 7) // what has run does not wait
	r.append(p, "b")
	r.must(r.FinishBatch(full...))
	r.nothingStarts()
	r.clock.advance(time.Second)
	r.batchOf(8)
}

func TestBatchThatIsForgotten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forget func(*rig, *Partition)
		next   []int64 // what runs after the batch
	}{
		"all of it":      {func(r *rig, p *Partition) { r.must(p.SkipTo(3)) }, []int64{3}},
		"a part":         {func(r *rig, p *Partition) { r.must(p.SkipTo(2)) }, []int64{2, 3}},
		"a follower":     {func(r *rig, p *Partition) { r.must(p.CompleteElsewhere([]Range{{1, 2}})) }, []int64{3}},
		"and read again": {func(r *rig, p *Partition) { r.must(p.Reset(1)); r.append(p, "a", "a", "a") }, []int64{1, 2, 3}},
		"and read anew":  {func(r *rig, p *Partition) { r.must(p.Reset(0)); r.append(p, "a", "a", "a", "a") }, []int64{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.BatchTopic("orders", 3, 0)
			p := r.attach(orders)
			r.append(p, "a", "a", "a", "a")
			batch := r.batchOf(0, 1, 2)
			c.forget(r, p)
			r.nothingStarts() // the lane waits for the run
			r.must(r.FinishBatch(batch...))
			r.must(r.FinishBatch(r.batchOf(c.next...)...))
			r.sync()
			if f := p.Frontier(); f != 4 {
				t.Errorf("frontier %d", f)
			}
		})
	}
}

func TestSuspectsRunAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.BatchTopic("orders", 3, 0)
	p := r.attach(orders)
	r.append(p, "a", "a", "a")
	r.mu.Lock()
	p.note(1, &noteValue{Crashes: 1})
	r.mu.Unlock()
	r.must(r.FinishBatch(r.batchOf(0)...))
	r.must(r.FinishBatch(r.batchOf(1)...))
	r.batchOf(2)
}

// TestBatchesKeepTheirPromises whatever comes between: jobs of a lane run in
// the order of their offsets but for those of one batch, one run of a lane at a
// time, and what is done never runs again.
func TestBatchesKeepTheirPromises(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	template := filepath.Join(dir, FileName)
	if err := Create(template, Identity{StoreID: "s"}); err != nil {
		t.Fatal(err)
	}
	files := machine{dir: dir}
	rapid.Check(t, func(t *rapid.T) {
		m := &batchMachine{clock: newFakeClock(), lanes: map[string][]int64{}, runs: map[string][]Finished{}, failed: map[int64]bool{}}
		m.path = files.copy(t, template, 1<<20)
		m.open(t)
		defer func() { m.s.db.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "append more": m.append, "take": m.take, "take more": m.take, "finish": m.finish, "finish more": m.finish,
			"flush": m.flush, "time": func(t *rapid.T) {
				m.clock.advance(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second}).Draw(t, "d"))
			},
			"skip to": m.skipTo, "reopen": m.reopen, "": m.check,
		})
	})
}

type batchMachine struct {
	clock  *fakeClock
	path   string
	s      *Store
	p      *Partition
	lanes  map[string][]int64 // open jobs by lane
	runs   map[string][]Finished
	failed map[int64]bool
	next   int64
}

func (m *batchMachine) open(t *rapid.T) {
	s, err := open(m.path, Options{Clock: m.clock}, standardLayout())
	must(t, err)
	s.db.NoSync = true
	s.BatchTopic("orders", 4, rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "wait"))
	p, err := s.Attach(orders)
	must(t, err)
	if p.State().Next < 0 {
		must(t, p.SetStart(0))
	}
	p.Lease(Forever)
	m.s, m.p, m.runs = s, p, map[string][]Finished{}
}

func (m *batchMachine) append(t *rapid.T) {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a", "b"}), 1, 6).Draw(t, "lanes")
	must(t, errOf(m.p.Append(records(m.next, names...))))
	for i, name := range names {
		m.lanes[name] = append(m.lanes[name], m.next+int64(i))
	}
	m.next += int64(len(names))
}

func (m *batchMachine) take(t *rapid.T) {
	dst := make([]Job, 4)
	m.s.mu.Lock()
	n := m.s.fill(dst[:1], m.clock.Now())
	m.s.mu.Unlock()
	if n == 0 {
		return
	}
	_, err := m.s.warmAll(dst[:1])
	must(t, err)
	k, err := m.s.Follow(&dst[0], dst[1:])
	must(t, err)
	name := string(dst[0].Lane.Name)
	if len(m.runs[name]) > 0 {
		t.Fatalf("@%d runs beside %v of its lane", dst[0].Offset, m.runs[name][0].Job.Offset)
	}
	for i := range dst[:1+k] {
		j := &dst[i]
		if string(j.Lane.Name) != name || m.lanes[name][i] != j.Offset || string(j.Value) != fmt.Sprintf("value %d", j.Offset) {
			t.Fatalf("job %d of the batch is @%d of %s with %q, open are %v of %s", i, j.Offset, j.Lane.Name, j.Value, m.lanes[name], name)
		}
		if m.failed[j.Offset] != (j.Attempt > 1) {
			t.Fatalf("@%d has attempt %d", j.Offset, j.Attempt)
		}
		m.runs[name] = append(m.runs[name], Finished{Job: j})
	}
}

func (m *batchMachine) finish(t *rapid.T) {
	name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "lane")
	batch := m.runs[name]
	if len(batch) == 0 {
		return
	}
	delete(m.runs, name)
	for i := range batch {
		o := &batch[i].Outcome
		offset := batch[i].Job.Offset
		o.Kind = rapid.SampledFrom([]Kind{Done, Done, Skipped, Bury, Retry, Release, Snooze, Postpone}).Draw(t, "kind")
		counts := slices.Contains(m.lanes[name], offset)
		switch o.Kind {
		case Done, Skipped, Bury:
			m.remove(name, offset)
		case Retry:
			o.Due = m.clock.Now().Add(rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "delay"))
			m.failed[offset] = m.failed[offset] || counts
		case Snooze, Postpone:
			o.Due = m.clock.Now().Add(time.Second)
		}
	}
	// A run whose head was skipped counts for nothing: its followers run again.
	if head := batch[0].Job; head.lane.state != laneRunning {
		for _, f := range batch[1:] {
			m.putBack(name, f.Job.Offset)
			if f.Job.Attempt == 1 {
				delete(m.failed, f.Job.Offset)
			}
		}
	}
	must(t, m.s.FinishBatch(batch...))
}

func (m *batchMachine) remove(name string, offset int64) {
	m.lanes[name] = slices.DeleteFunc(m.lanes[name], func(o int64) bool { return o == offset })
}

// putBack is for an outcome that did not count.
func (m *batchMachine) putBack(name string, offset int64) {
	if m.p.open.has(offset) && !slices.Contains(m.lanes[name], offset) {
		m.lanes[name] = append(m.lanes[name], offset)
		slices.Sort(m.lanes[name])
	}
}

func (m *batchMachine) flush(t *rapid.T) {
	f := m.s.gather()
	must(t, m.s.write(f, newBodyWriter()))
	m.s.tell(f, 0)
}

func (m *batchMachine) skipTo(t *rapid.T) {
	if m.next == 0 {
		return
	}
	to := rapid.Int64Range(0, m.next).Draw(t, "to")
	must(t, m.p.SkipTo(to))
	for name := range m.lanes {
		m.lanes[name] = slices.DeleteFunc(m.lanes[name], func(o int64) bool { return o < to })
	}
}

// reopen is what a kill behind a flush leaves: the jobs that were out run again.
func (m *batchMachine) reopen(t *rapid.T) {
	m.flush(t)
	must(t, m.s.db.Close())
	m.clock.timers = nil
	m.open(t)
}

func (m *batchMachine) check(t *rapid.T) {
	var open []int64
	for _, offsets := range m.lanes {
		open = append(open, offsets...)
	}
	slices.Sort(open)
	if got := m.p.open.list(0, m.next, 1<<20); !slices.Equal(got, open) {
		t.Fatalf("open are %v, want %v", got, open)
	}
	for name, offsets := range m.lanes {
		for _, offset := range offsets {
			w, ok := m.p.find(offset, Lane{ID: uint64(name[0])})
			if !ok {
				t.Fatalf("@%d is in no lane", offset)
			}
			out := slices.ContainsFunc(m.runs[name], func(f Finished) bool { return f.Job.Offset == offset })
			if m.p.stateOf(w, offset) == Running && !out {
				t.Fatalf("@%d is said to run", offset)
			}
		}
	}
}

func TestFollowerParksItsLane(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]Outcome{
		"behind a job that is done":       {Kind: Done},
		"behind a job that failed":        {Kind: Retry, Error: "no"},
		"behind a job that parks as well": {Kind: Park, Error: "given up, too"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.BatchTopic("orders", 4, 0)
			p := r.attach(orders)
			p.LimitParked(10)
			r.append(p, "a", "a", "a", "a", "a")
			batch := r.batchOf(0, 1, 2, 3)
			batch[0].Outcome = head
			batch[1].Outcome = Outcome{Kind: Park, Error: "given up"}
			batch[3].Outcome = Outcome{Kind: Park, Error: "given up"}
			r.must(r.FinishBatch(batch...))
			r.append(p, "a")
			r.nothingStarts()
			r.sync()
			if f := p.Frontier(); f != 6 {
				t.Errorf("frontier %d, want 6", f)
			}
			if p.parks('a') == nil {
				t.Error("the lane is not parked")
			}
		})
	}
}
