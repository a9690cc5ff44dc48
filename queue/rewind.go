package queue

import (
	"fmt"
	"maps"
)

// Reset forgets all jobs and completions, and goes on from offset as if the
// partition had never been held. Runs under way are adopted by their record if
// Kafka delivers it again, and dropped otherwise; their lanes wait for them.
func (p *Partition) Reset(offset int64) error {
	return p.change(func() error {
		aside := p.takeAside()
		for l := p.runs.first; l != nil; l = p.runs.first {
			p.abandon(l)
		}
		for _, l := range p.lanes {
			l.become(laneGone)
		}
		for _, l := range p.own {
			l.become(laneGone)
		}
		for _, c := range p.chunks {
			p.release(c)
		}
		p.lanes, p.own = map[uint64]*lane{}, map[int64]*lane{}
		p.ready, p.later, p.chunks, p.fresh, p.done = fifo[*lane]{}, nil, nil, nil, nil
		touched := p.touched
		p.notes, p.touched, p.halted, p.followed = nil, nil, 0, nil
		maps.DeleteFunc(p.checkpoints, func(_ int64, c checkpoint) bool { return !c.aside })
		p.open, p.depth, p.activeOpen = openSet{}, depth{}, 0
		p.store.dead -= p.deadBytes
		p.liveBytes, p.deadBytes = 0, 0
		p.elsewhere, p.elsewhereChanged = nil, false
		p.next, p.stored, p.durable, p.acked = offset, offset, -1, -1
		p.gen++
		p.resets++
		p.oldest = oldest{}
		p.wipe = true
		p.placeAside(aside)
		for _, b := range aside {
			if _, ok := touched[b.offset]; ok {
				p.touchNote(b.offset)
				p.touched[b.offset] = true
			}
		}
		return nil
	})
}

// SkipTo counts everything below offset as complete: another owner did it.
// Runs under way below it are dropped at their Finish; their lanes wait for it.
func (p *Partition) SkipTo(offset int64) error {
	return p.change(func() error {
		p.skipAll(func(o int64) bool { return o < offset })
		p.next = max(p.next, offset)
		p.passed(p.next)
		return nil
	})
}

// skipAll completes the open jobs whose offsets are done elsewhere.
func (p *Partition) skipAll(done func(offset int64) bool) {
	for _, l := range p.lanes {
		p.skip(l, done)
	}
	for _, l := range p.own {
		p.skip(l, done)
	}
	p.skipLater(done)
	p.promote()
}

// skip completes the jobs of l that are done.
func (p *Partition) skip(l *lane, done func(offset int64) bool) {
	if !done(l.head().offset) || l.head().aside() {
		p.skipJobs(l, 1, done)
		p.skipFollowers(l, done)
		return
	}
	rest := l
	if l.state == laneRunning {
		head, jobs := l.head(), l.withBatch()
		p.abandon(l)
		rest = &lane{part: p, id: l.id, own: l.own, jobs: jobs, state: laneGone}
		l.jobs = []entry{head}
	}
	p.skipJobs(rest, 0, done)
	rest.turn()
	switch {
	case len(rest.jobs) == 0:
		p.drop(rest)
	default:
		p.lanes[rest.id] = rest
		p.resettle(rest)
	}
}

// skipJobs completes those of l's jobs, from the i-th on, that are done.
func (p *Partition) skipJobs(l *lane, i int, done func(offset int64) bool) {
	kept := l.jobs[:i]
	for _, e := range l.jobs[i:] {
		if !done(e.offset) || e.aside() {
			kept = append(kept, e)
			continue
		}
		p.dropNote(e.offset)
		p.complete(e)
	}
	clear(l.jobs[len(kept):])
	l.jobs = kept
}

func (p *Partition) skipLater(done func(offset int64) bool) {
	kept := p.later[:0]
	for _, j := range p.later {
		if !done(j.offset) {
			kept = append(kept, j)
			continue
		}
		p.activeOpen++ // complete counts a job of the active scheme
		p.complete(j.entry)
	}
	clear(p.later[len(kept):])
	p.later = kept
}

// Replace gives a job whose stored body is damaged the record that Kafka still
// had. The job gets it when it is next taken.
func (p *Partition) Replace(rec Record) error {
	return p.change(func() error {
		l := p.lanes[rec.Lane.ID]
		if rec.Lane.Own {
			l = p.own[rec.Offset]
		}
		if l == nil || len(l.jobs) == 0 || l.head().offset != rec.Offset {
			return fmt.Errorf("replace %s@%d: it is not at the head of its lane", p.tp, rec.Offset)
		}
		if l.jobs[0].from.at(rec.Offset) != nil {
			return nil // memory still has it as it came
		}
		aside := l.head().aside()
		c := &chunk{records: []Record{rec}, live: 1, flushed: true, aside: aside, scheme: p.active}
		p.hold(c, rec.size())
		p.chunks = append(p.chunks, c)
		p.unref(l.jobs[0].from)
		l.jobs[0].from = c
		return nil
	})
}
