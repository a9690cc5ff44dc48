package queue

import "container/heap"

type laneState uint8

const (
	laneReady   laneState = iota // in Partition.ready
	laneRunning                  // its head is with a worker
	laneGone                     // removed; a run that is under way may still hold it

	// From here on lanes are in Partition.waits.
	laneWaiting  // in Store.delayed until due; its head has not failed
	laneRetrying // there, too; its head has failed
	laneHalted   // its head waits for an operator
	laneHeld     // an orphan of the same id still runs
	laneSuspect  // in probation.waiting
	lanePaused   // in Partition.pausedLanes
	laneStates
)

// lane is a queue of open jobs in offset order; it exists as long as it has
// one. Guarded by Store.mu.
type lane struct {
	part  *Partition
	id    uint64 // key in Partition.lanes; of an own lane the offset, in Partition.own
	own   bool
	state laneState
	// postponed: a run found that the head is to wait until due. It outlives
	// that time, so that the next run does not ask again.
	postponed bool
	forced    bool // an operator wants the head to run
	deep      bool // in depth.lanes
	deferred  bool // laneRunning: no worker has the run any more
	gathered  bool // the head has waited, or waits, for more jobs to run with
	jobs      []entry
	room      [1]entry // first backing array of jobs: most lanes of a wide topic hold one
	due       int64    // delayed or postponed: Unix nanoseconds
	run       uint64   // laneRunning: number of the run
	batch     []entry  // laneRunning: followers of the head, which run with it

	// adopter is the lane whose head is the job that this one, an orphan, runs.
	adopter    *lane
	prev, next *lane // list of running lanes or of those that wait, or with next alone of spare ones
}

func (l *lane) head() entry { return l.jobs[0] }

// become changes the state. Lanes that neither are ready nor run are listed, so
// that they can be counted and shown without looking at all.
func (l *lane) become(state laneState) {
	if l.state > laneGone || state > laneGone {
		l.relist(state)
	}
	l.state = state
}

func (l *lane) relist(state laneState) {
	if l.state > laneGone {
		l.part.waits[l.state].remove(l)
	}
	if state > laneGone {
		l.part.waits[state].add(l)
	}
}

// delayed: the lane is in Store.delayed.
func (l *lane) delayed() bool { return l.state == laneWaiting || l.state == laneRetrying }

// isOut reports whether the job of offset is with the run of l, which is running.
func (l *lane) isOut(offset int64) bool {
	_, follows := l.inBatch(offset)
	return follows || l.head().offset == offset
}

func (l *lane) push(e entry) {
	if l.jobs == nil {
		l.jobs = l.room[:0]
	}
	l.jobs = append(l.jobs, e)
	if len(l.jobs) > deepFrom {
		l.part.depth.grown(l)
	}
}

func (l *lane) pop() entry {
	e := l.jobs[0]
	l.jobs[0] = entry{}
	l.jobs = l.jobs[1:]
	l.turn()
	return e
}

// turn is for a lane whose head has gone.
func (l *lane) turn() { l.postponed, l.forced = false, false }

// spares are lanes to be used again: a wide topic makes and drops one for nearly
// every record. The zero value is empty.
type spares struct {
	first *lane
	count int
}

const maxSpares = 8192

// add takes a lane that nothing knows any more but, perhaps, void places in
// the schedule.
func (s *spares) add(l *lane) {
	if s.count == maxSpares {
		return
	}
	*l = lane{state: laneGone, next: s.first}
	s.first = l
	s.count++
}

// take returns a lane as new.
func (s *spares) take() *lane {
	l := s.first
	if l == nil {
		return new(lane)
	}
	s.first = l.next
	s.count--
	l.state, l.next = laneReady, nil // all else is as new since add
	return l
}

// runList is the list of the lanes of a partition that run. The zero value is
// empty.
type runList struct {
	first *lane
	walks []*walk // under way
}

func (r *runList) add(l *lane) {
	l.prev, l.next = nil, r.first
	if r.first != nil {
		r.first.prev = l
	}
	r.first = l
}

func (r *runList) remove(l *lane) {
	for _, w := range r.walks {
		if w.next == l {
			w.next = l.next
		}
	}
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		r.first = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	}
	l.prev, l.next = nil, nil
}

// laneList is a list of lanes of one state that is not running. The zero value
// is empty.
type laneList struct {
	runList
	count int
}

func (w *laneList) add(l *lane) {
	w.runList.add(l)
	w.count++
}

func (w *laneList) remove(l *lane) {
	w.runList.remove(l)
	w.count--
}

// delay is a lane's place in the delayed heap. It is void when the lane is not
// delayed any more or waits for another time.
type delay struct {
	due  int64
	lane *lane
}

func (d delay) void() bool { return !d.lane.delayed() || d.lane.due != d.due }

// delays is a heap by due time.
type delays []delay

func (h delays) Len() int           { return len(h) }
func (h delays) Less(i, j int) bool { return h[i].due < h[j].due }
func (h delays) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *delays) Push(v any)        { *h = append(*h, v.(delay)) }

func (h *delays) Pop() any {
	old := *h
	v := old[len(old)-1]
	old[len(old)-1] = delay{}
	*h = old[:len(old)-1]
	return v
}

func (h *delays) add(l *lane) { heap.Push(h, delay{l.due, l}) }

// sweep drops void places: where jobs are delayed for days and superseded
// meanwhile, nothing else would.
func (h *delays) sweep() {
	kept := (*h)[:0]
	for _, d := range *h {
		if !d.void() {
			kept = append(kept, d)
		}
	}
	clear((*h)[len(kept):])
	*h = kept
	heap.Init(h)
}

// popDue returns the next lane that is due at now, or nil.
func (h *delays) popDue(now int64) *lane {
	for len(*h) > 0 && ((*h)[0].void() || (*h)[0].due <= now) {
		d := heap.Pop(h).(delay)
		if !d.void() {
			return d.lane
		}
	}
	return nil
}
