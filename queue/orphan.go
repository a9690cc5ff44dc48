package queue

// An orphan is a gone lane whose run is still under way, because Reset or
// SkipTo came meanwhile. When its record becomes the head of a lane again, that
// lane adopts the run. Until then the run holds back the lane of the same id,
// and every newer scheme, so that two jobs of one lane never run at a time.

// abandon takes a running lane out of the books; its run goes on without them.
func (p *Partition) abandon(l *lane) {
	l.become(laneGone)
	p.runs.remove(l)
	l.batch = nil
	offset := l.head().offset
	run := p.orphans[offset]
	if run != nil { // l had adopted it
		run.adopter, run.id, run.own = nil, l.id, l.own
	} else {
		if p.orphans == nil {
			p.orphans, p.orphaned = map[int64]*lane{}, map[uint64]int{}
		}
		run = l
		p.orphans[offset] = l
	}
	if !run.own {
		p.orphaned[run.id]++
	}
}

// takeOver makes l, whose head is the record that run is about, its lane.
func (p *Partition) takeOver(run, l *lane) {
	run.adopter = l
	l.become(laneRunning)
	l.run, l.deferred = run.run, run.deferred
	p.runs.add(l)
	p.unhold(run)
}

// endOrphan takes note of the end of an orphan's run and returns the lane that
// its outcome is for, or nil.
func (p *Partition) endOrphan(run *lane, offset int64) *lane {
	delete(p.orphans, offset)
	if run.adopter == nil {
		p.unhold(run)
		p.promote()
	}
	return run.adopter
}

// unhold lets the lane go on that run has held back.
func (p *Partition) unhold(run *lane) {
	if run.own {
		return
	}
	p.orphaned[run.id]--
	if p.orphaned[run.id] > 0 {
		return
	}
	delete(p.orphaned, run.id)
	if l := p.lanes[run.id]; l != nil && l.state == laneHeld {
		p.settle(l)
	}
}
