package queue

import (
	"math"
	"time"
)

// depth tells how many jobs of a partition sit so deep in their lanes that no
// worker comes to them for a while: those are no work to be had, and fetching on
// behind them is not looking ahead. Guarded by Store.mu.
type depth struct {
	lanes  []*lane // with lane.deep; a lane that is another one by now may be among them
	limit  int     // jobs of one lane that are within reach
	beyond int     // jobs that are not, at the last look and come since
	looked time.Time
}

const (
	// deepFrom is the length from which a lane is looked at.
	deepFrom = 64
	// lookEvery bounds the time that looking takes.
	lookEvery = 20 * time.Millisecond
)

// grown notes a lane of more than deepFrom jobs to which one was added.
func (d *depth) grown(l *lane) {
	if !l.deep {
		l.deep = true
		d.lanes = append(d.lanes, l)
	}
	if len(l.jobs) > d.limit {
		d.beyond++
	}
}

// look counts anew.
func (d *depth) look(limit int) {
	d.limit, d.beyond = max(limit, deepFrom), 0
	kept := d.lanes[:0]
	for _, l := range d.lanes {
		if !l.deep {
			continue
		}
		if l.deep = false; len(l.jobs) > deepFrom { // not twice
			kept = append(kept, l)
			d.beyond += max(0, len(l.jobs)-d.limit)
		}
	}
	clear(d.lanes[len(kept):])
	d.lanes = kept
	for _, l := range kept {
		l.deep = true
	}
}

// reachable is the number of open jobs without those that are too deep in their
// lanes to run within the window: runs of a lane follow one another, and last as
// long as the partition's runs do on average.
func (p *Partition) reachable() int {
	d := &p.depth
	if len(d.lanes) == 0 {
		return p.open.count
	}
	if now := p.store.clock.Now(); now.Sub(d.looked) >= lookEvery || now.Before(d.looked) {
		d.looked = now
		d.look(int(min(math.MaxInt32, windowSeconds*p.rate.perSecond/float64(max(p.running, 1)))))
	}
	if len(p.lanes)+len(p.own) <= len(d.lanes) { // all are like that: nothing tells that there are others to be found
		return p.open.count
	}
	return max(0, p.open.count-d.beyond)
}
