package queue

import (
	"maps"
	"slices"
	"time"
)

// LaneSeen is a lane that holds jobs, as it stood at one moment.
type LaneSeen struct {
	Lane     Lane // without its name
	Head     int64
	State    JobState  // of the head
	Due      time.Time // of a head that is Retrying or Delayed
	Deferred bool
	Jobs     int
	Attempts int    // of the head
	Error    string // of its last run
}

// Lanes looks at lanes of the partition: at all where they are not more than
// most, else at those of which it takes no search, as far as there are not more
// of a kind: lanes that run, whose heads have failed, are paused or delayed, and
// every lane of more than 64 jobs. all tells which. Jobs go on meanwhile.
func (p *Partition) Lanes(most int) (lanes []LaneSeen, all bool) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.gone {
		return nil, true
	}
	if all = len(p.lanes)+len(p.own) <= most; all {
		lanes = make([]LaneSeen, 0, len(p.lanes)+len(p.own))
		p.eachLane(func(l *lane) { lanes = append(lanes, p.see(l)) })
		return lanes, true
	}
	return p.notable(most), false
}

// notable sees the lanes that it takes no search to find.
func (p *Partition) notable(most int) []LaneSeen {
	found := map[laneRef]LaneSeen{}
	note := func(l *lane) { found[l.ref()] = p.see(l) }
	for _, list := range p.listed() {
		p.each(list, most, note)
	}
	p.rested(slices.Values(slices.Clone(p.depth.lanes)), func(l *lane) {
		if l.state != laneGone && len(l.jobs) > deepFrom && p.lanes[l.id] == l {
			note(l)
		}
	})
	return slices.Collect(maps.Values(found))
}

// listed are the lists of lanes that something is to be said of.
func (p *Partition) listed() []*runList {
	return []*runList{&p.runs, &p.waits[laneHalted].runList, &p.waits[laneRetrying].runList, &p.waits[lanePaused].runList,
		&p.waits[laneSuspect].runList, &p.waits[laneHeld].runList, &p.waits[laneWaiting].runList}
}

func (p *Partition) see(l *lane) LaneSeen {
	head := l.head().offset
	seen := LaneSeen{
		Lane: l.name(), Head: head, State: p.stateOf(place{l, 0}, head),
		Deferred: l.state == laneRunning && l.deferred, Jobs: len(l.jobs) + len(l.batch),
	}
	if l.delayed() {
		seen.Due = time.Unix(0, l.due)
	}
	if n := p.notes[head]; n != nil {
		seen.Attempts, seen.Error = n.Attempts, n.Error
	}
	return seen
}

// Behind counts the jobs of a lane that wait for its head, and returns the first
// of them; -1: there is none. The lane is that of a job which was listed.
func (p *Partition) Behind(seen Pending) (jobs int, first int64) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	w, ok := p.find(seen.Offset, seen.Lane)
	if !ok || w.lane == nil || w.at+1 >= len(w.lane.jobs) {
		return 0, -1
	}
	return len(w.lane.jobs) - w.at - 1, w.lane.jobs[w.at+1].offset
}

// Failing looks at lanes whose head has failed at least once, and waits for its
// next run, runs again or was given up: at most so many of each kind. total
// counts those that wait and were given up, however many they are.
func (p *Partition) Failing(most int) (lanes []LaneSeen, total int) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.gone {
		return nil, 0
	}
	for _, list := range []*runList{&p.waits[laneHalted].runList, &p.waits[laneRetrying].runList, &p.waits[lanePaused].runList, &p.runs} {
		p.each(list, most, func(l *lane) {
			if seen := p.see(l); seen.Attempts > 0 {
				lanes = append(lanes, seen)
			}
		})
	}
	return lanes, p.waits[laneHalted].count + p.waits[laneRetrying].count
}

// Stored returns when a job came in; the zero time where that was before memory
// had the partition, or it is not open.
func (p *Partition) Stored(seen Pending) time.Time {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	w, ok := p.find(seen.Offset, seen.Lane)
	if !ok {
		return time.Time{}
	}
	e := entry{}
	if w.lane == nil {
		e = p.later[w.at].entry
	} else {
		e = w.lane.jobs[w.at]
	}
	if e.from == nil || e.from.since == 0 || e.offset != seen.Offset {
		return time.Time{}
	}
	return time.Unix(0, e.from.since)
}

// CheckpointOf reads the checkpoint of a job that was listed; nil: it has none.
// The error of a damaged one is a *[DamageError].
func (p *Partition) CheckpointOf(seen Pending) ([]byte, error) {
	p.store.mu.Lock()
	n := p.notes[seen.Offset]
	p.store.mu.Unlock()
	if n == nil && seen.State != Parked || n != nil && !n.Checkpoint {
		return nil, nil
	}
	data, err := p.store.Checkpoint(&Job{Record: Record{Offset: seen.Offset}, part: p, Checkpointed: true})
	if seen.State == Parked && err != nil { // its note, which would tell whether there is one, is in the file only
		return nil, nil
	}
	return data, err
}
