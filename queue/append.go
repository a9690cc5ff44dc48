package queue

import "fmt"

// laterJob is a job of a newer scheme than the active one.
type laterJob struct {
	entry
	lane   Lane
	scheme uint16
}

// Append takes in records that Kafka delivered, ascending and not below
// State.Next. Offsets that are left out count as complete, and those that
// another owner has completed are dropped: jobs counts the rest. The slice is
// the store's from then on, and what it points to must not change: jobs that
// started before the next flush share it.
func (p *Partition) Append(recs []Record) (jobs int, err error) {
	if len(recs) == 0 {
		return 0, nil
	}
	known, err := p.asideAmong(recs)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", p.tp, err)
	}
	err = p.change(func() error {
		if err := p.checkAscending(recs); err != nil {
			return err
		}
		next := recs[len(recs)-1].Offset + 1
		if len(p.elsewhere) > 0 {
			recs = p.unfinished(recs)
			p.passed(next)
		}
		recs = p.withoutKnown(recs, known)
		p.next, jobs = next, len(recs)
		p.topic.counts.jobs += int64(jobs)
		p.appended += int64(jobs)
		if jobs == 0 {
			return nil
		}
		c := &chunk{records: recs, live: jobs, scheme: p.scheme, since: p.store.clock.Now().UnixNano()}
		bytes := int64(0)
		for i := range recs {
			r := &recs[i]
			bytes += r.size()
			p.open.add(r.Offset)
			if crashes := p.charges[r.Offset]; crashes > 0 {
				p.charge(r.Offset, crashes)
				delete(p.charges, r.Offset)
			}
			p.place(laterJob{entry{r.Offset, c}, r.Lane, p.scheme})
		}
		p.chunks = append(p.chunks, c)
		p.fresh = append(p.fresh, c)
		p.hold(c, bytes)
		p.topic.counts.bytes += bytes
		p.store.stats.Appended += bytes
		if p.store.fresh >= flushBytes {
			signal(p.store.urgent)
		}
		return nil
	})
	return jobs, err
}

func (p *Partition) checkAscending(recs []Record) error {
	at := p.next
	if at < 0 {
		return fmt.Errorf("append to %s: no start offset is set", p.tp)
	}
	for i := range recs {
		if recs[i].Offset < at {
			return fmt.Errorf("append %s@%d: %d or above expected", p.tp, recs[i].Offset, at)
		}
		at = recs[i].Offset + 1
	}
	return nil
}

// place puts a job into its lane, or aside while an older scheme has jobs.
func (p *Partition) place(j laterJob) {
	if j.scheme != p.active {
		if p.activeOpen > 0 || len(p.orphans) > 0 || p.parkedBefore(j.scheme) {
			p.later = append(p.later, j)
			return
		}
		p.active = j.scheme
	}
	p.activeOpen++
	if len(p.parked) > 0 && !j.lane.Own && p.parks(j.lane.ID) != nil {
		p.setAside(j.entry, Lane{ID: j.lane.ID}, j.scheme)
		return
	}
	if l := p.lane(j.lane, j.offset); len(l.jobs) > 0 {
		l.insert(j.entry)
		if l.head().offset == j.offset { // an aside job that waits does not hold up what comes before it
			l.turn()
			p.resettle(l)
		}
		if p.latest {
			p.supersede(l)
		}
		if l.gathered && l.enough() {
			p.settle(l)
		}
	} else {
		l.push(j.entry)
		p.settle(l)
	}
}

// promote lets the next scheme's jobs into lanes once the active one has none.
func (p *Partition) promote() {
	if p.activeOpen > 0 || len(p.orphans) > 0 || len(p.later) == 0 {
		return
	}
	if p.parkedBefore(p.later[0].scheme) {
		return
	}
	waiting := p.later
	p.later = nil
	for _, j := range waiting {
		p.place(j)
	}
}

// lane returns the lane that a record belongs to, made if need be.
func (p *Partition) lane(name Lane, offset int64) *lane {
	if name.Own {
		l := p.spare.take()
		l.part, l.id, l.own = p, name.ID, true
		p.own[offset] = l
		return l
	}
	l := p.lanes[name.ID]
	if l == nil {
		l = p.spare.take()
		l.part, l.id = p, name.ID
		p.lanes[name.ID] = l
	}
	return l
}
