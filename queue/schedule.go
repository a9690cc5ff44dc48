package queue

import "time"

// topic is a topic's turn in the schedule: topics take turns, within a topic
// its partitions, within a partition its ready lanes. Guarded by Store.mu.
type topic struct {
	name    string
	limit   int // running jobs at a time; 0: no limit
	running int
	paused  bool          // by an operator
	batch   int           // how many jobs of a lane run together; 0 or 1: one
	wait    time.Duration // for more jobs
	pace    pace
	counts  counts
	turns   fifo[*Partition] // partitions with a ready lane
	queued  bool             // in Store.turns
}

// stopped: nothing of the topic may start for now. Whoever ends that schedules it.
func (t *topic) stopped() bool {
	return t.limit > 0 && t.running >= t.limit || t.paused || t.pace.dry
}

// begins counts a run that begins.
func (t *topic) begins(now time.Time) {
	t.running++
	t.pace.take(now)
}

// LimitTopic sets how many jobs of a topic run at a time; 0 is no limit.
// Jobs that run already are left alone.
func (s *Store) LimitTopic(name string, limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topic(name)
	t.limit = limit
	s.schedule(t)
	s.idle.wakeAll()
}

func (s *Store) topic(name string) *topic {
	t := s.topics[name]
	if t == nil {
		t = &topic{name: name, paused: s.pauses.has(Scope{Topic: name, Partition: AllPartitions})}
		s.topics[name] = t
	}
	return t
}

// schedule gives t a turn where it can use one, and wakes a caller of Take.
func (s *Store) schedule(t *topic) {
	if s.enqueue(t) {
		s.wake()
	}
}

// enqueue is schedule for a caller of Take.
func (s *Store) enqueue(t *topic) bool {
	if t.queued || t.turns.len() == 0 || t.stopped() {
		return false
	}
	t.queued = true
	s.turns.push(t)
	return true
}

// wake wakes one caller of Take, unless one is on its way: with its hands full
// it wakes the next where lanes are left, so that no more are woken than find
// something.
func (s *Store) wake() {
	if !s.waking && !s.pace.dry {
		s.waking = s.idle.wake()
	}
}

// schedule gives p a turn where it has a ready lane.
func (p *Partition) schedule() {
	if !p.queued && !p.paused && p.ready.len() > 0 {
		p.queued = true
		p.topic.turns.push(p)
	}
	p.store.schedule(p.topic)
}

// nextLane takes the next ready lane and puts its topic and partition at the
// end of their queues. Places that have become void are dropped on the way.
func (s *Store) nextLane(now time.Time) *lane {
	for !s.runsDry(&s.pace, nil, now) {
		if s.probation != nil {
			if l := s.nextSuspect(now); l != nil {
				return l
			}
		}
		t, ok := s.turns.pop()
		if !ok {
			return nil
		}
		t.queued = false
		if t.stopped() || s.runsDry(&t.pace, t, now) {
			continue // it gets a turn again when that ends
		}
		l := t.nextLane(now)
		if l != nil {
			t.begins(now)
			s.pace.take(now)
		}
		s.enqueue(t)
		if l != nil {
			return l
		}
	}
	return nil
}

// mayStart reports whether a job of p could start if it had its turn.
func (p *Partition) mayStart(now time.Time) bool {
	return now.Before(p.until) && !p.paused && !p.topic.stopped() && !p.store.runsDry(&p.topic.pace, p.topic, now)
}

func (t *topic) nextLane(now time.Time) *lane {
	for {
		p, ok := t.turns.pop()
		if !ok {
			return nil
		}
		p.queued = false
		if !now.Before(p.until) || p.paused {
			continue // Lease or Resume gives it a turn again
		}
		l := p.nextLane()
		if p.ready.len() > 0 {
			p.queued = true
			t.turns.push(p)
		}
		if l != nil {
			return l
		}
	}
}

func (p *Partition) nextLane() *lane {
	for {
		l, ok := p.ready.pop()
		if !ok || l.state == laneReady {
			return l
		}
	}
}
