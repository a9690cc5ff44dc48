package queue

import "time"

// settle decides what a lane with a new head does next.
func (p *Partition) settle(l *lane) {
	offset := l.head().offset
	if run := p.orphans[offset]; run != nil && run.adopter == nil {
		p.takeOver(run, l)
		return
	}
	if !l.own && p.orphaned[l.id] > 0 {
		l.state = laneHeld
		return
	}
	if n := p.notes[offset]; n != nil {
		if n.Halted {
			l.state = laneHalted
			return
		}
		if n.Due > p.store.clock.Now().UnixNano() {
			p.store.delay(l, n.Due)
			return
		}
	}
	p.makeReady(l)
}

// makeReady lets the lane's head start when its turn comes.
func (p *Partition) makeReady(l *lane) {
	if b := p.store.probation; b != nil && b.hold(l) {
		p.store.wake()
		return
	}
	l.state = laneReady
	p.ready.push(l)
	p.schedule()
}

// delay keeps a lane aside until due.
func (s *Store) delay(l *lane, due int64) {
	l.state, l.due = laneWaiting, due
	s.delayed.add(l)
	s.setAlarm()
}

func (s *Store) setAlarm() {
	if len(s.delayed) == 0 || s.closed {
		return
	}
	due := s.delayed[0].due
	if s.alarm != nil {
		if s.alarmTime <= due {
			return
		}
		s.alarm.Stop()
	}
	wait := max(0, time.Duration(due-s.clock.Now().UnixNano()))
	s.alarmTime = due
	s.alarm = s.clock.AfterFunc(wait, s.ring)
}

// ring makes the lanes ready that are due.
func (s *Store) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm = nil
	now := s.clock.Now().UnixNano()
	for l := s.delayed.popDue(now); l != nil; l = s.delayed.popDue(now) {
		l.part.makeReady(l)
	}
	s.setAlarm()
}
