package queue

import (
	"iter"
	"maps"
	"runtime"
	"slices"
)

// Who looks at many lanes lets go of the store's lock now and then: however many
// there are, the committer and the workers wait for a few of them only. What a
// visitor keeps of a lane is a copy: the lane may be another one later.

// restEvery is after how many lanes that is.
const restEvery = 256

// rest lets others have the store's lock, which is held before and after.
func (s *Store) rest() {
	s.rests++
	s.mu.Unlock()
	runtime.Gosched()
	s.mu.Lock()
}

// rested visits lanes, which seq yields with mu held.
func (p *Partition) rested(seq iter.Seq[*lane], visit func(*lane)) {
	n := 0
	for l := range seq {
		visit(l)
		if n++; n%restEvery == 0 {
			p.store.rest()
		}
	}
}

// eachLane visits the lanes that hold jobs, those that come or go meanwhile
// perhaps. It needs mu. A map may change while it is ranged over, as long as
// nobody else has the lock when the range goes on.
func (p *Partition) eachLane(visit func(*lane)) {
	for _, seq := range []iter.Seq[*lane]{maps.Values(p.lanes), maps.Values(p.own)} {
		p.rested(seq, func(l *lane) {
			if l.state != laneGone {
				visit(l)
			}
		})
	}
}

// walk is a place in a list of lanes that may change.
type walk struct{ next *lane }

// each visits the first lanes of a list, so many at most. It needs mu.
func (p *Partition) each(list *runList, most int, visit func(*lane)) {
	w := &walk{list.first}
	list.walks = append(list.walks, w)
	defer func() { list.walks = slices.DeleteFunc(list.walks, func(other *walk) bool { return other == w }) }()
	p.rested(func(yield func(*lane) bool) {
		for ; w.next != nil && most > 0 && !p.gone; most-- {
			l := w.next
			if w.next = l.next; !yield(l) {
				return
			}
		}
	}, visit)
}

// laneRef tells the lanes of a partition apart.
type laneRef struct {
	id  uint64
	own bool
}

func (l *lane) ref() laneRef { return laneRef{l.id, l.own} }
