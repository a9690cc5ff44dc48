package queue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"

	"go.etcd.io/bbolt"
)

// An aside job is below the frontier, or as good as that, and is to run again:
// its completion removes it from the bucket aside and moves nothing else. It
// sits in its lane by its offset like any other, and memory knows it by the
// chunk that its entry points to.

// aside reports whether the job is in the bucket aside.
func (e entry) aside() bool { return e.from != nil && e.from.aside }

// asideEntry is the entry of one more aside job, whose body is in the file.
func (p *Partition) asideEntry(offset int64) entry {
	if p.aside == nil {
		p.aside = &chunk{aside: true, flushed: true}
	}
	p.aside.live++
	p.asideJobs++
	p.asideEnd = max(p.asideEnd, offset+1)
	return entry{offset, p.aside}
}

// placeAside puts aside jobs that the file holds by now into their lanes.
func (p *Partition) placeAside(back []asideBack) {
	jobs := make([]asideJob, len(back))
	for i, b := range back {
		jobs[i] = b.asideJob
		_, here := p.find(b.offset, b.lane) // then memory knows more than the file: it may run
		if b.note != nil && !here && !p.open.has(b.offset) {
			p.keepNote(b.offset, b.note)
		}
	}
	slices.SortFunc(jobs, func(a, b asideJob) int { return bytes.Compare(a.key(), b.key()) })
	for _, l := range p.mergeAside(jobs) {
		p.resettle(l)
	}
}

// mergeAside is placeAside without settling. It returns the lanes that have
// another head now.
func (p *Partition) mergeAside(jobs []asideJob) (changed []*lane) {
	for len(jobs) > 0 {
		name := jobs[0].lane
		n := 1
		for !name.Own && n < len(jobs) && jobs[n].lane.ID == name.ID && !jobs[n].lane.Own {
			n++
		}
		if l := p.mergeLane(name, jobs[:n]); l != nil {
			changed = append(changed, l)
		}
		jobs = jobs[n:]
	}
	return changed
}

// mergeLane puts jobs of one lane, which ascend, into it. It returns the lane
// where it has another head now.
func (p *Partition) mergeLane(name Lane, jobs []asideJob) *lane {
	if own := p.own[jobs[0].offset]; own != nil && name.Own {
		p.doubled(jobs[0], own.head())
		return nil
	}
	l := p.lane(name, jobs[0].offset)
	head := int64(-1)
	if len(l.jobs) > 0 {
		head = l.head().offset
	}
	fixed := 0
	if l.state == laneRunning && head >= 0 {
		fixed = 1
	}
	merged := make([]entry, fixed, len(l.jobs)+len(jobs))
	copy(merged, l.jobs[:fixed])
	rest := l.jobs[fixed:]
	for _, j := range jobs {
		for len(rest) > 0 && rest[0].offset < j.offset {
			merged, rest = append(merged, rest[0]), rest[1:]
		}
		switch {
		case fixed == 1 && merged[0].offset == j.offset:
			p.doubled(j, merged[0])
		case len(rest) > 0 && rest[0].offset == j.offset:
			p.doubled(j, rest[0])
		default:
			merged = append(merged, p.asideEntry(j.offset))
			if k := p.parked[name.ID]; k != nil && k.loaded && !name.Own {
				k.left++
			}
		}
	}
	if l.jobs = append(merged, rest...); l.head().offset == head {
		return nil
	}
	if l.turn(); head < 0 {
		l.become(laneGone) // until it is settled
	}
	return l
}

// doubled drops an aside job that is an open one, too: Kafka has delivered it
// again, and that one counts.
func (p *Partition) doubled(j asideJob, e entry) {
	if !e.aside() {
		p.asideDone = append(p.asideDone, j)
	}
}

// replaceAside is doubled for a partition that is being loaded: a crash came
// between the flush that stored the record and the next one.
func (p *Partition) replaceAside(w place, open entry) {
	p.asideJobs--
	p.aside.live--
	if k := p.parked[w.lane.id]; k != nil && !w.lane.own {
		k.left--
	}
	p.dropNote(open.offset)
	p.asideDone = append(p.asideDone, asideJob{open.offset, w.lane.name()})
	w.lane.jobs[w.at] = open
}

// insert puts a job into its place by offset, behind a head that runs.
func (l *lane) insert(e entry) {
	n := len(l.jobs)
	if n == 0 || l.jobs[n-1].offset < e.offset {
		l.push(e)
		return
	}
	at := 0
	if l.state != laneRunning || l.jobs[0].offset < e.offset {
		at = sort.Search(n, func(i int) bool { return l.jobs[i].offset > e.offset })
	} else {
		at = 1 + sort.Search(n-1, func(i int) bool { return l.jobs[1+i].offset > e.offset })
	}
	l.jobs = slices.Insert(l.jobs, at, e)
}

// sortHead puts a head that did not complete behind the jobs of lower offsets
// that came while it ran.
func (l *lane) sortHead() {
	if len(l.jobs) < 2 || l.jobs[0].offset < l.jobs[1].offset {
		return
	}
	head := l.jobs[0]
	n := sort.Search(len(l.jobs)-1, func(i int) bool { return l.jobs[1+i].offset > head.offset })
	copy(l.jobs, l.jobs[1:1+n])
	l.jobs[n] = head
	l.turn()
}

// completeAside takes an aside job of l out of memory's books.
func (p *Partition) completeAside(l *lane, e entry) {
	p.asideJobs--
	p.rate.count++
	p.unref(e.from)
	p.asideDone = append(p.asideDone, asideJob{e.offset, l.name()})
	if l.own {
		delete(p.own, e.offset)
	} else if k := p.parked[l.id]; k != nil && k.loaded {
		k.left--
		p.through(l.id)
	}
}

// takeAside empties memory of the aside jobs, to place them again.
func (p *Partition) takeAside() (jobs []asideBack) {
	for _, lanes := range []iter.Seq[*lane]{maps.Values(p.lanes), maps.Values(p.own)} {
		for l := range lanes {
			for _, e := range l.jobs {
				if e.aside() {
					jobs = append(jobs, asideBack{asideJob{e.offset, l.name()}, p.notes[e.offset]})
				}
			}
		}
	}
	p.asideJobs, p.aside = 0, nil
	for _, k := range p.parked {
		k.left = 0
	}
	return jobs
}

// name is that of a job's lane, without what is for people.
func (l *lane) name() Lane {
	if l.own {
		return Lane{Own: true}
	}
	return Lane{ID: l.id}
}

// loadAside puts the jobs of the bucket aside into lanes, but for those of lanes
// that are parked.
func (p *Partition) loadAside(b *bbolt.Bucket) ([]*lane, error) {
	t, ok := openAside(b)
	if !ok {
		if err := checkAside(p.tp, b); err != nil {
			return nil, err
		}
		return nil, nil
	}
	if err := p.loadParked(t); err != nil {
		return nil, err
	}
	if last, _ := t.index.Cursor().Last(); last != nil {
		p.asideEnd = mustOffset(last) + 1
	}
	var jobs []asideJob
	c := t.lanes.Cursor()
	for key, _ := c.First(); key != nil; {
		j, err := openAsideKey(key)
		if err != nil {
			return nil, &DamageError{p.tp.String() + " aside", err}
		}
		if p.isParked(t, j) {
			key, _ = c.Seek(append(laneKey(j.lane, j.offset), bytes.Repeat([]byte{0xff}, 8)...))
			continue
		}
		jobs = append(jobs, j)
		key, _ = c.Next()
	}
	if err := p.loadAsideNotes(t, jobs); err != nil {
		return nil, err
	}
	return p.mergeAside(jobs), nil
}

func (p *Partition) isParked(t *asideTable, j asideJob) bool {
	if j.lane.Own {
		return p.parkedOwn > 0 && t.parked.Get(laneKey(j.lane, j.offset)) != nil
	}
	return p.parks(j.lane.ID) != nil
}

// loadParked reads which lanes are parked. One that is damaged stays so.
func (p *Partition) loadParked(t *asideTable) error {
	return t.parked.ForEach(func(key, value []byte) error {
		if len(key) != laneKeySize {
			return &DamageError{p.tp.String() + " parked lanes", fmt.Errorf("key of %d bytes, %d expected", len(key), laneKeySize)}
		}
		if key[0] == 1 {
			p.parkedOwn++
			return nil
		}
		k := p.parkedLane(binary.BigEndian.Uint64(key[1:]))
		if err := decodeValue(value, &k.parkedValue); err != nil {
			p.store.opt.Logger.Warn("what is known of a parked lane is unreadable; it stays parked", "partition", p.tp.String(), "lane", fmt.Sprintf("%x", key), "error", err)
			k.parkedValue = parkedValue{Offset: -1, Scheme: p.scheme}
		}
		k.loaded = k.Released
		p.active = min(p.active, k.Scheme)
		return nil
	})
}

func (p *Partition) loadAsideNotes(t *asideTable, jobs []asideJob) error {
	now := p.store.clock.Now().UnixNano()
	for _, j := range jobs {
		n, err := t.notes.get(j.offset)
		if err != nil {
			return &DamageError{fmt.Sprintf("%s@%d note", p.tp, j.offset), err}
		}
		if n != nil {
			n.Due = min(n.Due, now+n.Delay)
			p.keepNote(j.offset, n)
		}
	}
	return nil
}

// asideBack is a job that a flush made an aside job.
type asideBack struct {
	asideJob
	note *noteValue
}
