package queue

// OnlyLatest says whether a job that has not run yet is complete once a newer
// one of its lane waits. Setting it is also about the jobs that are there. A
// job with a note has run, an aside job is to run again, and lanes of one record
// have no newer one: these stay.
func (p *Partition) OnlyLatest(on bool) error {
	return p.change(func() error {
		p.latest = on
		for _, l := range p.lanes {
			if on && len(l.jobs) > 1 {
				p.supersede(l)
			}
		}
		return nil
	})
}

// supersede completes the jobs of l that are older than the last one and have
// not run.
func (p *Partition) supersede(l *lane) {
	head, last := l.head(), len(l.jobs)-1
	kept := l.jobs[:0]
	for i, e := range l.jobs {
		if i == last || i == 0 && l.state == laneRunning || e.aside() || p.notes[e.offset] != nil {
			kept = append(kept, e)
			continue
		}
		p.complete(e)
		p.tells(e.offset, Superseded, 0)
	}
	clear(l.jobs[len(kept):])
	l.jobs = kept
	if l.head() != head {
		l.turn()
		p.resettle(l)
	}
}
