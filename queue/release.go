package queue

import (
	"fmt"
	"slices"
)

// release is a lane that a flush lets go on.
type release struct {
	lane  []byte // its key
	id    uint64
	round int
	reset bool // its attempts count from the beginning
	jobs  []asideBack
}

// Release lets the jobs of a parked lane run again, in the order of their
// offsets, and its later records behind them. With reset their attempts count
// from the beginning. It reports false where there is nothing to do. The change
// is durable after [Store.Sync].
func (p *Partition) Release(seen ParkedLane, reset bool) (changed bool, err error) {
	err = p.change(func() error {
		key := laneKey(seen.Lane, seen.Offset)
		r := release{lane: key, id: seen.Lane.ID, reset: reset}
		if seen.Lane.Own {
			if changed = p.own[seen.Offset] == nil && !p.freeing[seen.Offset]; changed {
				p.freeing[seen.Offset] = true
				p.changeParked(key, nil)
				p.releases = append(p.releases, &r)
			}
			return nil
		}
		k := p.parks(seen.Lane.ID)
		if changed = k != nil; !changed {
			return nil
		}
		k.Released, k.Elsewhere = true, nil
		k.round++
		r.round = k.round
		p.rewriteParked(seen.Lane.ID)
		p.releases = append(p.releases, &r)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("release lane %s of %s: %w", seen.Lane.Name, p.tp, err)
	}
	return changed, nil
}

// load puts the jobs of released lanes, and requeued ones, into memory. It is
// called when the flush is on disk.
func (f *partFlush) load() {
	p := f.part
	f.leaveOutDone()
	for _, r := range f.releases {
		k := p.parked[r.id]
		switch {
		case r.own():
			delete(p.freeing, r.offset())
			p.placeAside(r.jobs)
		case k != nil && k.round == r.round && k.Released:
			p.placeAside(r.jobs)
			k.loaded = true
			if l := p.lanes[r.id]; l != nil {
				k.left = l.countAside()
				if l.state == laneHeld {
					p.settle(l)
				}
			}
			p.through(r.id)
		}
	}
	gone := p.discarding()
	p.placeAside(slices.DeleteFunc(f.back, func(b asideBack) bool {
		running, discarded := gone[b.lane.ID]
		return !b.lane.Own && (p.parks(b.lane.ID) != nil || discarded && running != b.offset)
	}))
}

// discarding are the lanes of several records whose jobs the next flush removes
// from the file, each with the job that stays because it runs.
func (p *Partition) discarding() map[uint64]int64 {
	lanes := map[uint64]int64{}
	for _, j := range p.leaving {
		if j.discard && !j.lane.Own {
			lanes[j.lane.ID] = j.offset
		}
	}
	return lanes
}

// leaveOutDone takes those jobs out of the released ones whose run, which was out
// when their lane was parked, has ended since the flush began.
func (f *partFlush) leaveOutDone() {
	if len(f.releases) == 0 || len(f.part.asideDone) == 0 {
		return
	}
	done := map[int64]bool{}
	for _, j := range f.part.asideDone {
		done[j.offset] = true
	}
	for _, r := range f.releases {
		r.jobs = slices.DeleteFunc(r.jobs, func(b asideBack) bool { return done[b.offset] })
	}
}

// countAside counts the aside jobs of the lane.
func (l *lane) countAside() (n int) {
	for _, e := range l.jobs {
		if e.aside() {
			n++
		}
	}
	return n
}

func (r *release) own() bool     { return r.lane[0] != 0 }
func (r *release) offset() int64 { return mustOffset(r.lane[1:]) }

// through forgets a released lane when its last aside job is done.
func (p *Partition) through(id uint64) {
	if k := p.parked[id]; k != nil && k.loaded && k.left == 0 {
		p.unpark(id)
	}
}

func (p *Partition) unpark(id uint64) {
	delete(p.parked, id)
	p.changeParked(laneKey(Lane{ID: id}, 0), nil)
	p.promote()
}

// collect lists the jobs of a released lane.
func (r *release) collect(t *asideTable) error {
	jobs, err := t.ofLane(r.lane)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		n, err := t.notes.get(j.offset)
		if err != nil || n != nil && (r.reset || n.Crashes > 0) {
			if err != nil || n.retried(r.reset) { // what is damaged is lost
				n = nil
			}
			if err := t.notes.put(j.offset, n); err != nil {
				return err
			}
		}
		r.jobs = append(r.jobs, asideBack{j, n})
	}
	return nil
}
