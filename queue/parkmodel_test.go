package queue

import (
	"maps"
	"slices"
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

// lanes counts those that a commit has to name.
func (m *parkModel) lanes() (n int) {
	for lane := range m.parked {
		if len(lane) == 1 {
			n++
		}
	}
	return n
}
