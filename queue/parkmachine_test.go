package queue

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// parkModel is what a partition with parked lanes has to be: jobs by offset, and
// lanes that are parked or released. A lane of one record is named "own" and its
// offset.
type parkModel struct {
	next   int64
	jobs   map[int64]parkJob
	parked map[string]parkState
}

type parkJob struct {
	lane     string
	aside    bool
	attempts int
	halted   bool // too many lanes were parked when it was to be
}

type parkState struct {
	released bool
	loads    int // released: with the end of this flush its jobs are in memory
	loaded   bool
}

func (m parkModel) clone() parkModel {
	return parkModel{m.next, maps.Clone(m.jobs), maps.Clone(m.parked)}
}

// setAside is for all jobs of a lane but one that runs.
func (m *parkModel) setAside(lane string, running int64) {
	for offset, j := range m.jobs {
		if j.lane == lane && offset != running {
			j.aside, j.halted = true, false
			m.jobs[offset] = j
		}
	}
}

// leads reports whether no earlier job of the lane is left.
func (m *parkModel) leads(offset int64) bool {
	for o, j := range m.jobs {
		if j.lane == m.jobs[offset].lane && o < offset {
			return false
		}
	}
	return true
}

func (m *parkModel) haltedJobs() (offsets []int64) {
	for offset, j := range m.jobs {
		if j.halted {
			offsets = append(offsets, offset)
		}
	}
	slices.Sort(offsets)
	return offsets
}

func (m *parkModel) frontier() int64 {
	lowest := m.next
	for offset, j := range m.jobs {
		if !j.aside {
			lowest = min(lowest, offset)
		}
	}
	return lowest
}

func (m *parkModel) openJobs() (n int) {
	for _, j := range m.jobs {
		if !j.aside {
			n++
		}
	}
	return n
}

func (m *parkModel) asideOf(lane string) (n int) {
	for _, j := range m.jobs {
		if j.lane == lane && j.aside {
			n++
		}
	}
	return n
}

// through forgets released lanes of which nothing is left.
func (m *parkModel) through() {
	for lane, k := range m.parked {
		if k.released && k.loaded && m.asideOf(lane) == 0 {
			delete(m.parked, lane)
		}
	}
}

func (m *parkModel) holds(lane string) bool {
	k, ok := m.parked[lane]
	return ok && !(k.released && k.loaded)
}

// startable is the head of every lane that may go on.
func (m *parkModel) startable(running map[int64]*Job) map[int64]bool {
	heads, busy := map[string]int64{}, map[string]bool{}
	for offset, j := range m.jobs {
		if head, ok := heads[j.lane]; !ok || offset < head {
			heads[j.lane] = offset
		}
		busy[j.lane] = busy[j.lane] || running[offset] != nil
	}
	start := map[int64]bool{}
	for lane, offset := range heads {
		if !busy[lane] && !m.holds(lane) && !m.jobs[offset].halted {
			start[offset] = true
		}
	}
	return start
}

// parkMachine drives a store, of one partition, and the model.
type parkMachine struct {
	machine
	parkModel
	p       *Partition
	running map[int64]*Job

	flushes int
	pending *parkModel // in the flush under way
	file    parkModel
	// Lanes that were discarded since that flush began, and before, while it is
	// under way, each with a job that ran: that one is left.
	dropped, dropping map[string]int64
}

func TestParkedLanesBehaveAsTheirModel(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), FileName)
	must(t, Create(template, Identity{StoreID: "s"}))
	rapid.Check(t, func(rt *rapid.T) {
		m := &parkMachine{machine: machine{dir: t.TempDir(), clock: newFakeClock()}}
		m.opt = Options{Clock: m.clock, Memory: rapid.SampledFrom([]int64{1, 0}).Draw(rt, "memory")}
		m.reopen(rt, m.copy(rt, template, 1<<20))
		must(rt, m.p.Configure("id", "scheme"))
		must(rt, m.p.SetStart(0))
		m.flushAll(rt)
		defer func() { m.store.db.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"":             m.check,
			"append":       m.append,
			"append more":  m.append,
			"take":         m.take,
			"finish":       m.finish,
			"finish more":  m.finish,
			"retry":        m.retry,
			"park":         m.park,
			"release":      m.release,
			"release more": m.release,
			"discard":      m.discard,
			"reset":        m.reset,
			"skip to":      m.skipTo,
			"run again":    m.runAgain,
			"flush step":   m.flushStep,
			"flush":        m.flushAll,
			"list":         m.list,
			"detach":       m.detach,
			"crash":        m.crash,
		})
	})
}

// reopen goes on with the file as it is.
func (m *parkMachine) reopen(t *rapid.T, path string) {
	m.clock.timers = nil
	l := standardLayout()
	l.blockRows = rapid.SampledFrom([]int32{2, 4096}).Draw(t, "blockRows")
	l.bucketBytes = rapid.SampledFrom([]int64{0, 16 << 10}).Draw(t, "bucketBytes")
	l.deadBytes = 0
	s, err := open(path, m.opt, l)
	must(t, err)
	s.db.NoSync = true
	m.store, m.flush, m.written, m.pending = s, nil, false, nil
	if m.file.jobs == nil {
		m.file = parkModel{next: 0, jobs: map[int64]parkJob{}, parked: map[string]parkState{}}
	}
	m.parkModel, m.running = m.file.clone(), map[int64]*Job{}
	m.dropped, m.dropping = map[string]int64{}, nil
	m.load(t)
}

// load attaches the partition, rebuilt from the file.
func (m *parkMachine) load(t *rapid.T) {
	var err error
	m.p, err = m.store.Attach(orders)
	must(t, err)
	m.p.LimitParked(3)
	m.p.Lease(Forever)
	for lane, k := range m.parked {
		if k.released {
			m.parked[lane] = parkState{released: true, loaded: true}
		} else {
			m.setAside(lane, -1)
		}
	}
	m.through()
}

// record has a lane that follows from its offset.
func (m *parkMachine) record(offset int64) (Record, string) {
	name := []string{"a", "b", "a", "c", "", "d", "b", "e"}[offset%8]
	if name == "" {
		return record(offset, name), fmt.Sprintf("own %d", offset)
	}
	return record(offset, name), name
}

func (m *parkMachine) append(t *rapid.T) {
	var recs []Record
	for range rapid.IntRange(1, 6).Draw(t, "records") {
		m.next += rapid.SampledFrom([]int64{0, 0, 0, 3}).Draw(t, "gap")
		rec, lane := m.record(m.next)
		recs = append(recs, rec)
		j := parkJob{lane: lane}
		if k, ok := m.parked[lane]; ok && !k.released {
			j.aside = true
		}
		written := m.file.jobs[m.next].aside || m.flush != nil && m.pending.jobs[m.next].aside
		if known := m.jobs[m.next].aside || written && !m.discarded(m.next, lane); !known { // else what is here counts
			m.jobs[m.next] = j
		}
		m.next++
	}
	must(t, errOf(m.p.Append(recs)))
	m.through()
}

func (m *parkMachine) take(t *rapid.T) {
	want := m.startable(m.running)
	dst := make([]Job, rapid.SampledFrom([]int{1, 3, 64}).Draw(t, "jobs"))
	m.store.mu.Lock()
	n := m.store.fill(dst, m.clock.Now())
	m.store.mu.Unlock()
	if n != min(len(want), len(dst)) {
		t.Fatalf("%d jobs started, want %v", n, want)
	}
	run, err := m.store.warmAll(dst[:n])
	must(t, err)
	for i := range dst[:run] {
		j := &dst[i]
		model := m.jobs[j.Offset]
		if rec, _ := m.record(j.Offset); !want[j.Offset] || run != n || !sameRecord(&j.Record, &rec) || j.Attempt != model.attempts+1 {
			t.Fatalf("started %+v, want one of %v after %d attempts", j.Record, want, model.attempts)
		}
		m.running[j.Offset] = j
	}
}

func (m *parkMachine) finish(t *rapid.T) {
	if len(m.running) == 0 {
		return
	}
	offset := rapid.SampledFrom(slices.Sorted(maps.Keys(m.running))).Draw(t, "offset")
	run, j := m.running[offset], m.jobs[offset]
	delete(m.running, offset)
	kind := rapid.SampledFrom([]Kind{Done, Done, Done, Park, Park, Retry, Release}).Draw(t, "kind")
	must(t, m.store.Finish(Finished{run, Outcome{Kind: kind, Error: "no use"}}))
	if kind == Done {
		delete(m.jobs, offset)
		m.through()
		return
	}
	if kind != Release {
		j.attempts = run.Attempt
		m.jobs[offset] = j
	}
	k, known := m.parked[j.lane]
	if kind == Park && (known || run.Lane.Own || m.lanes() < 3) {
		m.parked[j.lane] = parkState{}
		m.setAside(j.lane, -1)
	} else if kind == Park {
		j.halted = true
		m.jobs[offset] = j
	} else if known && !k.released {
		m.setAside(j.lane, -1)
	}
}

// lanes counts those that a commit has to name.
func (m *parkModel) lanes() (n int) {
	for lane := range m.parked {
		if len(lane) == 1 {
			n++
		}
	}
	return n
}

// operate acts on a job as it stands.
func (m *parkMachine) operate(offset int64, f func(Pending) error) error {
	m.store.mu.Lock()
	name := Lane{Own: true}
	if rec, _ := m.record(offset); !rec.Lane.Own {
		name = Lane{ID: rec.Lane.ID}
	}
	w, ok := m.p.find(offset, name)
	if !ok {
		m.store.mu.Unlock()
		return fmt.Errorf("%d is in no lane", offset)
	}
	seen := m.p.describe(w, offset, name)
	m.store.mu.Unlock()
	return f(seen)
}

// retry lets a job go on that was halted, unless an earlier one of its lane was
// made to run again meanwhile.
func (m *parkMachine) retry(t *rapid.T) {
	halted := m.haltedJobs()
	if len(halted) == 0 {
		return
	}
	offset := rapid.SampledFrom(halted).Draw(t, "offset")
	leads := m.leads(offset)
	must(t, m.operate(offset, func(seen Pending) error {
		changed, err := m.p.Retry(seen, false)
		if changed != leads || leads && err != nil || !leads && !errors.Is(err, ErrJobBlocked) {
			return fmt.Errorf("retry %d, which leads its lane: %v: %v, %v", offset, leads, changed, err)
		}
		return nil
	}))
	if leads {
		j := m.jobs[offset]
		j.halted = false
		m.jobs[offset] = j
	}
}

// park is an operator's, of a lane that has a job in memory.
func (m *parkMachine) park(t *rapid.T) {
	var offsets []int64
	for offset, j := range m.jobs {
		if k, ok := m.parked[j.lane]; !ok || k.released && (k.loaded || !j.aside) {
			offsets = append(offsets, offset)
		}
	}
	if len(offsets) == 0 {
		return
	}
	slices.Sort(offsets)
	offset := rapid.SampledFrom(offsets).Draw(t, "offset")
	lane, running := m.jobs[offset].lane, int64(-1)
	for o := range m.running {
		if m.jobs[o].lane == lane {
			running = o
		}
	}
	_, known := m.parked[lane]
	own := len(lane) > 1
	wanted := !(own && running >= 0) && (known || own || m.lanes() < 3)
	must(t, m.operate(offset, func(seen Pending) error {
		changed, err := m.p.parkSeen(seen, nil, "ticket 7")
		if changed != wanted || (err == nil) != wanted {
			return fmt.Errorf("park %q: %v, %v, want %v", lane, changed, err, wanted)
		}
		return nil
	}))
	if wanted {
		m.parked[lane] = parkState{}
		m.setAside(lane, running)
	}
}

// drawParked draws a lane that is parked, as it is listed.
func (m *parkMachine) drawParked(t *rapid.T) (string, ParkedLane) {
	lanes := slices.DeleteFunc(slices.Sorted(maps.Keys(m.parked)), func(lane string) bool { return m.parked[lane].released })
	if len(lanes) == 0 {
		return "", ParkedLane{}
	}
	lane := rapid.SampledFrom(lanes).Draw(t, "lane")
	if len(lane) == 1 {
		return lane, ParkedLane{Lane: Lane{ID: uint64(lane[0])}}
	}
	var offset int64
	fmt.Sscanf(lane, "own %d", &offset)
	return lane, ParkedLane{Lane: Lane{Own: true}, Offset: offset}
}

func (m *parkMachine) release(t *rapid.T) {
	lane, seen := m.drawParked(t)
	if lane == "" {
		return
	}
	changed, err := m.p.Release(seen, false)
	if must(t, err); !changed {
		t.Fatalf("%q was not released", lane)
	}
	m.parked[lane] = parkState{released: true, loads: m.flushes + 1}
}

func (m *parkMachine) discard(t *rapid.T) {
	lane, seen := m.drawParked(t)
	if lane == "" || rapid.IntRange(0, 2).Draw(t, "seldom") > 0 {
		return
	}
	changed, err := m.p.DiscardParked(seen)
	if must(t, err); !changed {
		t.Fatalf("%q was not discarded", lane)
	}
	delete(m.parked, lane)
	m.dropped[lane] = -1
	for offset := range m.running {
		if m.jobs[offset].lane == lane {
			m.dropped[lane] = offset
		}
	}
	maps.DeleteFunc(m.jobs, func(o int64, j parkJob) bool { return j.lane == lane && j.aside && m.running[o] == nil })
}

// discarded reports whether a flush is to remove the job.
func (m *parkMachine) discarded(offset int64, lane string) bool {
	for _, lanes := range []map[string]int64{m.dropping, m.dropped} {
		if left, ok := lanes[lane]; ok && left != offset {
			return true
		}
	}
	return false
}

// reset and skipTo leave what is aside. They are tried between runs.
func (m *parkMachine) reset(t *rapid.T) {
	if len(m.running) > 0 {
		return
	}
	m.next = rapid.Int64Range(max(0, m.frontier()-10), m.next).Draw(t, "offset")
	must(t, m.p.Reset(m.next))
	maps.DeleteFunc(m.jobs, func(_ int64, j parkJob) bool { return !j.aside })
}

func (m *parkMachine) skipTo(t *rapid.T) {
	if len(m.running) > 0 {
		return
	}
	offset := rapid.Int64Range(m.frontier(), m.next+2).Draw(t, "offset")
	must(t, m.p.SkipTo(offset))
	maps.DeleteFunc(m.jobs, func(o int64, j parkJob) bool { return !j.aside && o < offset })
	m.next = max(m.next, offset)
}

// runAgain makes a job of a record that is finished, in between other flushes or
// with what there is to write.
func (m *parkMachine) runAgain(t *rapid.T) {
	if m.flush != nil || m.next == 0 {
		return
	}
	offset := rapid.Int64Range(0, m.next-1).Draw(t, "offset")
	rec, lane := m.record(offset)
	a := &again{Again: Again{TopicPartition: orders, TopicID: "id", Scheme: "scheme"}, acts: []againAct{{rec: &rec}}}
	must(t, m.store.submitAgain(a))
	_, known := m.jobs[offset]
	if known {
		m.flushAll(t)
	} else {
		m.jobs[offset] = parkJob{lane: lane, aside: true}
		m.flushAll(t)
	}
	if done := a.acts[0].done; done == known || done != (a.acts[0].refused == nil) {
		t.Fatalf("%d, which is known: %v, runs again: %v, %v", offset, known, done, a.acts[0].refused)
	}
}

func (m *parkMachine) flushStep(t *rapid.T) {
	switch {
	case m.flush == nil:
		m.flush, m.written = m.store.gather(), false
		m.flushes++
		file := m.clone()
		m.pending, m.dropping, m.dropped = &file, m.dropped, map[string]int64{}
	case !m.written:
		must(t, m.store.write(m.flush, newBodyWriter()))
		m.written = true
		if len(m.flush.parts) > 0 {
			m.file = m.pending.clone()
		}
		m.checkFile(t)
	default:
		m.store.tell(m.flush, 0)
		m.flush, m.dropping = nil, nil
		for lane, k := range m.parked {
			if k.released && !k.loaded && k.loads <= m.flushes {
				m.parked[lane] = parkState{released: true, loaded: true}
			}
		}
		m.through()
	}
}

func (m *parkMachine) flushAll(t *rapid.T) {
	m.flushStep(t)
	for m.flush != nil {
		m.flushStep(t)
	}
}

// list compares the jobs that are told of with the model's.
func (m *parkMachine) list(t *rapid.T) {
	if m.flush != nil {
		m.flushAll(t)
	}
	m.flushAll(t)
	m.flushAll(t)
	var got []int64
	for from, more := int64(0), true; more; {
		var page []Pending
		var err error
		page, from, more, err = m.p.nextPage(from, m.next, m.p.gen)
		must(t, err)
		for _, seen := range page {
			got = append(got, seen.Offset)
			j := m.jobs[seen.Offset]
			k, known := m.parked[j.lane]
			parked := known && !k.released && m.running[seen.Offset] == nil
			halted := j.halted && m.leads(seen.Offset)
			if seen.Aside != j.aside || (seen.State == Parked) != parked || (seen.State == Halted) != halted || seen.Attempts != j.attempts {
				t.Fatalf("%+v, want %+v", seen, j)
			}
		}
	}
	if want := slices.Sorted(maps.Keys(m.jobs)); !slices.Equal(got, want) {
		t.Fatalf("listed %v, want %v", got, want)
	}
}

// detach gives the partition up and takes it again, from memory or from the file.
func (m *parkMachine) detach(t *rapid.T) {
	if len(m.running) > 0 {
		return
	}
	m.p.Detach()
	if m.flush != nil {
		m.flushAll(t)
	}
	m.flushAll(t)
	m.load(t)
}

func (m *parkMachine) crash(t *rapid.T) {
	old := m.store
	var size int64
	must(t, old.db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	}))
	m.reopen(t, m.copy(t, old.path, size))
	must(t, old.db.Close())
}

func (m *parkMachine) check(t *rapid.T) {
	s := m.p.State()
	if s.Frontier != m.frontier() || s.Next != m.next || s.Open != m.openJobs() || s.Halted != len(m.haltedJobs()) {
		t.Fatalf("it stands at %+v, want %d to %d with %d open of %+v", s, m.frontier(), m.next, m.openJobs(), m.parkModel)
	}
	aside, loading := 0, false
	for _, k := range m.parked {
		loading = loading || k.released && !k.loaded
	}
	for offset, j := range m.jobs {
		if j.aside && (!m.holds(j.lane) || m.running[offset] != nil) {
			aside++
		}
	}
	if s.Aside != aside && !loading { // a job that ran when its lane was parked may still be in memory
		t.Fatalf("%d jobs are aside and run, want %d of %+v", s.Aside, aside, m.parkModel)
	}
	m.checkMemory(t)
}

// checkFile reads the file as a program would that knows FORMAT.md only.
func (m *parkMachine) checkFile(t *rapid.T) {
	must(t, m.store.db.View(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, orders)
		if b == nil {
			return nil
		}
		r := formatReader{tx}
		open, err := r.partition(b)
		if err != nil {
			return err
		}
		aside, err := r.aside(b)
		if err != nil {
			return err
		}
		jobs := slices.Concat(open.jobs, aside.jobs)
		slices.SortFunc(jobs, func(a, b modelJob) int { return cmp.Compare(a.rec.Offset, b.rec.Offset) })
		if len(jobs) != len(m.file.jobs) || open.next != m.file.next {
			return fmt.Errorf("%d jobs below %d, want %+v", len(jobs), open.next, m.file)
		}
		for _, j := range jobs {
			want, ok := m.file.jobs[j.rec.Offset]
			isAside := open.job(j.rec.Offset) == nil
			rec, _ := m.record(j.rec.Offset)
			if !ok || want.aside != isAside || want.attempts != j.attempts || want.halted != j.halted || !sameRecord(&rec, &j.rec) {
				return fmt.Errorf("%+v, want %+v", j, want)
			}
		}
		for lane, k := range m.file.parked {
			name := modelLane{id: uint64(lane[0])}
			if len(lane) > 1 {
				name.own = true
				fmt.Sscanf(lane, "own %d", &name.id)
			}
			v, ok := aside.parked[name]
			if own := len(lane) > 1; ok != (!own || !k.released) || ok && v.Released != k.released {
				return fmt.Errorf("lane %q is %+v, want %+v", lane, v, k)
			}
			delete(aside.parked, name)
		}
		if len(aside.parked) > 0 {
			return fmt.Errorf("parked are %+v, want %+v", aside.parked, m.file.parked)
		}
		return nil
	}))
}
