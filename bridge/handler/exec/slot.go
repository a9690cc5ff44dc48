package exec

import "time"

// A child that ends by itself is followed by another one after a delay, which grows while
// children end without having answered anything.
const (
	firstRest = 100 * time.Millisecond
	longRest  = 10 * time.Second
)

// slot is where one child at a time is. Between two children it rests and keeps back its
// places, so that jobs go to the others.
type slot struct {
	stream *Stream

	// Guarded by stream.mu.
	child   *child // nil: none runs
	resting bool
	kept    int // places, while it rests

	fruitless int // children in a row that answered nothing; of the keeper
}

// childOf is the child of a slot, which is started where there is none; nil while the slot
// rests or the stream is closed; the slot then keeps the place that was taken.
func (s *Stream) childOf(place *slot) *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case place.resting, s.closed:
		place.kept++
		return nil
	case place.child == nil:
		place.child = newChild(s.program, s.log, place)
		s.keepers.Add(1)
		go place.keep(place.child)
	}
	return place.child
}

// keep owns a child from its start until the slot can have the next one.
func (p *slot) keep(c *child) {
	defer p.stream.keepers.Done()
	err := c.live(p.stream.closing)
	p.rest(c) // before its jobs fail: none that comes after them may find it
	lost := c.end(err)
	if c.fruitful {
		p.fruitless = 0
	}
	delay := min(longRest, firstRest<<min(p.fruitless, 10))
	p.fruitless++
	select {
	case <-p.stream.closing:
	default:
		p.stream.log.Warn("exec: "+err.Error(), "jobs", lost, "next_in", delay.String())
		pause := time.NewTimer(delay)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-p.stream.closing:
		}
	}
	p.wake()
}

// rest parts the slot from a child that is ending, unless that has happened before.
func (p *slot) rest(c *child) {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	if p.child == c {
		p.child, p.resting = nil, true
	}
}

// wake gives back the places that were kept.
func (p *slot) wake() {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	p.resting = false
	for ; p.kept > 0; p.kept-- {
		p.stream.places <- p
	}
}
