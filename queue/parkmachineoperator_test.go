package queue

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

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
