package queue

// Counts splits the jobs of a partition by what they wait for, as [JobState]
// has it.
type Counts struct {
	Ready    int
	Blocked  int
	Running  int
	Deferred int // runs that no worker has any more; not among Running
	Retrying int
	Halted   int
	Delayed  int
	Paused   int
	Suspects int   // of Ready or Paused, those whose turn comes when no other suspect runs
	Parked   int64 // jobs of parked lanes, which are not among State.Open
	Lanes    int   // that hold a job
}

// counts needs mu. It looks at the runs under way, and at no other job: lanes
// that wait are counted as they begin and end to wait.
func (p *Partition) counts() Counts {
	heads := len(p.lanes) + len(p.own)
	c := Counts{Lanes: heads, Parked: p.parkedJobs()}
	followers, runs := 0, 0
	for l := p.runs.first; l != nil; l = l.next {
		runs++
		followers += len(l.batch)
		if l.deferred {
			c.Deferred++
		}
	}
	c.Running = runs + followers - c.Deferred
	c.Retrying, c.Delayed = p.waits[laneRetrying].count, p.waits[laneWaiting].count
	c.Halted, c.Paused = p.waits[laneHalted].count, p.waits[lanePaused].count
	held := p.waits[laneHeld].count
	for l := p.waits[laneHeld].first; l != nil; l = l.next {
		if n := p.notes[l.head().offset]; n != nil && n.Halted {
			c.Halted++
			held--
		}
	}
	c.Suspects = p.waits[laneSuspect].count
	c.Ready = heads - runs - p.waiting() + c.Suspects
	if p.paused || p.topic.paused {
		c.Paused += c.Ready
		c.Ready = 0
	}
	c.Blocked = p.open.count + p.asideJobs - heads - followers + held
	return c
}

// waiting counts the lanes that neither are ready nor run.
func (p *Partition) waiting() (n int) {
	for i := range p.waits {
		n += p.waits[i].count
	}
	return n
}

// parkedJobs counts those of parked lanes, on disk and on their way there.
func (p *Partition) parkedJobs() int64 {
	n := int64(p.parkedOwn)
	for _, k := range p.parked {
		if !k.Released {
			n += k.Jobs
		}
	}
	for _, list := range [][]leaving{p.leaving, p.flying} {
		for i := range list {
			if !list[i].stays && !list[i].discard {
				n++
			}
		}
	}
	return n
}
