package queue

import "math"

// GoesOn tells whether a job of the partition runs, or will without an operator:
// not those of lanes that are halted, paused or parked. It looks at no lane.
func (p *Partition) GoesOn() bool {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.goesOn()
}

// goesOn needs mu.
func (p *Partition) goesOn() bool {
	if p.running > 0 {
		return true
	}
	if p.paused || p.topic.paused {
		return false
	}
	for _, k := range p.parked {
		if k.Released && !k.loaded {
			return true
		}
	}
	return len(p.lanes)+len(p.own) > p.waits[laneHalted].count+p.waits[lanePaused].count
}

// Outlook counts the jobs of the partition that run or will without an operator,
// and the others, those that are parked apart. Jobs go on meanwhile: where they
// do, it is about right.
func (p *Partition) Outlook() (going, stuck int) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.outlook()
}

// outlook needs mu.
func (p *Partition) outlook() (going, stuck int) {
	if p.paused || p.topic.paused {
		for l := p.runs.first; l != nil; l = l.next {
			going += len(l.jobs) + len(l.batch)
		}
	} else {
		for _, state := range []laneState{laneHalted, lanePaused} {
			p.each(&p.waits[state].runList, math.MaxInt, func(l *lane) { stuck += len(l.jobs) })
		}
		going = p.open.count + p.asideJobs - len(p.later) - stuck
	}
	if all := p.open.count + p.asideJobs; going <= 0 {
		return 0, all
	} else if going += len(p.later); going < all { // they follow: their scheme is newer
		return going, all - going
	}
	return going, 0
}
