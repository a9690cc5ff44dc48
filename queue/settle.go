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
		l.become(laneHeld)
		return
	}
	if len(p.parked) > 0 && p.holdsBack(l) {
		return
	}
	n := p.notes[offset]
	if n != nil && n.Halted {
		l.become(laneHalted)
		return
	}
	if len(p.pausedLanes) > 0 && p.pausesLane(l) {
		l.become(lanePaused)
		return
	}
	if n != nil && p.store.delays(l, n.Due) || l.postponed && p.store.delays(l, l.due) {
		return
	}
	if p.topic.wait > 0 && p.gathers(l, n) {
		return
	}
	p.makeReady(l)
}

// makeReady lets the lane's head start when its turn comes.
func (p *Partition) makeReady(l *lane) {
	if b := p.store.probation; b != nil && b.hold(l) {
		p.store.wake()
		return
	}
	l.become(laneReady)
	p.ready.push(l)
	p.schedule()
}

// leastSweep is the number of delayed lanes that are worth looking through.
const leastSweep = 1024

// delays keeps a lane aside until due, unless that has passed.
func (s *Store) delays(l *lane, due int64) bool {
	if due <= s.clock.Now().UnixNano() {
		return false
	}
	l.due = due
	if n := l.part.notes[l.head().offset]; n != nil && n.Attempts > 0 && n.Due == due {
		l.become(laneRetrying)
	} else { // it was postponed, or snoozed and has not failed
		l.become(laneWaiting)
	}
	if len(s.delayed) >= s.sweepAt {
		s.delayed.sweep()
		s.sweepAt = max(leastSweep, 2*len(s.delayed))
	}
	s.delayed.add(l)
	s.setAlarm()
	return true
}

// postpone puts the head of l back until due, if that is to come.
func (p *Partition) postpone(l *lane, due time.Time) {
	l.postponed, l.due = true, due.UnixNano()
	l.sortHead()
	p.settle(l)
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
