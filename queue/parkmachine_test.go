package queue

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

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
