package queue

import (
	"sort"
	"time"
)

// place is where an open job is: its lane and its place there, or without a
// lane its place in Partition.later.
type place struct {
	lane *lane
	at   int
}

// find looks a job up in the lane that it was given.
func (p *Partition) find(offset int64, name Lane) (place, bool) {
	l := p.lanes[name.ID]
	if name.Own {
		l = p.own[offset]
	}
	if l != nil {
		if len(l.jobs) > 0 && l.jobs[0].offset == offset { // where it runs, the next may be lower
			return place{l, 0}, true
		}
		at := 1 + sort.Search(len(l.jobs)-1, func(i int) bool { return l.jobs[1+i].offset >= offset })
		if at < len(l.jobs) && l.jobs[at].offset == offset {
			return place{l, at}, true
		}
		if _, follows := l.inBatch(offset); follows {
			return place{l, 0}, true // it runs as the head does
		}
	}
	at := sort.Search(len(p.later), func(i int) bool { return p.later[i].offset >= offset })
	return place{nil, at}, at < len(p.later) && p.later[at].offset == offset
}

// isAside reports whether the job that was found is an aside job.
func (p *Partition) isAside(w place, found bool) bool {
	return found && w.lane != nil && w.lane.jobs[w.at].aside()
}

// describe is called with Store.mu held.
func (p *Partition) describe(w place, offset int64, name Lane) Pending {
	j := Pending{Offset: offset, Lane: Lane{ID: name.ID, Own: name.Own}, After: -1, gen: p.gen}
	j.State, j.Aside = p.stateOf(w, offset), p.isAside(w, true)
	j.Deferred = j.State == Running && w.lane != nil && w.lane.deferred
	j.alone = w.lane != nil && !w.lane.own && p.parks(w.lane.id) != nil
	j.later = w.lane == nil
	n := p.notes[offset]
	if n != nil {
		j.Attempts, j.Error, j.Crashes, j.Guarded = n.Attempts, n.Error, n.Crashes, n.Guarded
		j.History, j.Rerun = n.History.attempts(), n.Rerun
	}
	j.Suspect = w.lane != nil && w.at == 0 && w.lane.state == laneSuspect
	switch {
	case j.State == Retrying || j.State == Delayed:
		j.Due = time.Unix(0, w.lane.due)
	case j.State == Blocked && w.lane == nil:
		j.After, _ = p.open.min()
	case j.State == Blocked && w.at > 0:
		j.After = w.lane.head().offset
	}
	return j
}

func (p *Partition) stateOf(w place, offset int64) JobState {
	if p.orphans[offset] != nil {
		return Running
	}
	if w.lane == nil || w.at > 0 {
		return Blocked
	}
	switch w.lane.state {
	case laneRunning:
		return Running
	case laneWaiting:
		return Delayed
	case laneRetrying:
		return Retrying
	case lanePaused:
		return Paused
	case laneHalted:
		return Halted
	case laneHeld:
		if n := p.notes[offset]; n != nil && n.Halted {
			return Halted
		}
		return Blocked
	}
	if p.paused || p.topic.paused {
		return Paused
	}
	return Ready
}
