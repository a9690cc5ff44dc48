package queue

// GoesOn tells whether a job of the partition runs, or will without an operator:
// not those of lanes that are halted, paused or parked. It stops at the first
// one, so that only a partition in which all is stuck is looked through.
func (p *Partition) GoesOn() bool {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
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
	for _, l := range p.lanes {
		if l.goesOn() {
			return true
		}
	}
	for _, l := range p.own {
		if l.goesOn() {
			return true
		}
	}
	return false
}

func (l *lane) goesOn() bool {
	return len(l.jobs) > 0 && l.state != laneHalted && l.state != lanePaused
}

// Outlook counts the jobs of the partition that run or will without an operator,
// and the others, those that are parked apart.
func (p *Partition) Outlook() (going, stuck int) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	stopped := p.paused || p.topic.paused
	count := func(l *lane) {
		switch {
		case l.state == laneRunning, l.goesOn() && !stopped:
			going += len(l.jobs) + len(l.batch)
		default:
			stuck += len(l.jobs)
		}
	}
	for _, l := range p.lanes {
		count(l)
	}
	for _, l := range p.own {
		count(l)
	}
	if going > 0 { // those of a newer scheme follow
		going += len(p.later)
	} else {
		stuck += len(p.later)
	}
	return going, stuck
}
