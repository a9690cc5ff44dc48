package queue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// AllPartitions as [Scope.Partition] is a topic as a whole.
const AllPartitions int32 = -1

// Scope is what a pause stops: a topic, a partition of it, or a lane of a
// partition.
type Scope struct {
	Topic     string
	Partition int32 // AllPartitions: the topic
	OfLane    bool  // one lane of the partition
	Lane      uint64
}

// Pause keeps the jobs of its scope from starting. Runs under way go on, and
// records are still taken in. It is about what the scope names, not about what
// is there: a partition need not be attached, nor a lane have a job.
type Pause struct {
	Scope
	LaneName []byte    // for people; may be unknown
	Since    time.Time // filled in by Store.Pause where it is zero
	Until    time.Time // it ends by itself then; the zero time is never
	Reason   string    // cut to [MaxError] bytes
}

// PauseChange is a pause, or the end of one, that the file now holds.
type PauseChange struct {
	Pause
	Ended bool
}

// pauses are those in force. Guarded by Store.mu.
type pauses map[Scope]Pause

func (p pauses) has(scope Scope) bool {
	_, ok := p[scope]
	return ok
}

// list returns those that belong, topics first and then by their numbers.
func (p pauses) list(belongs func(Scope) bool) []Pause {
	list := slices.Collect(maps.Values(p))
	list = slices.DeleteFunc(list, func(each Pause) bool { return !belongs(each.Scope) })
	slices.SortFunc(list, func(a, b Pause) int { return a.compare(b.Scope) })
	return list
}

func (s Scope) compare(other Scope) int {
	return cmp.Or(cmp.Compare(s.Topic, other.Topic), cmp.Compare(s.Partition, other.Partition),
		boolToInt(s.OfLane)-boolToInt(other.OfLane), cmp.Compare(s.Lane, other.Lane))
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// check reports what cannot be a scope.
func (s Scope) check() error {
	switch {
	case s.Topic == "":
		return fmt.Errorf("pause: no topic is named")
	case s.Partition < AllPartitions:
		return fmt.Errorf("pause %s: partition %d is below 0", s.Topic, s.Partition)
	case s.OfLane && s.Partition == AllPartitions:
		return fmt.Errorf("pause a lane of %s: a lane belongs to one partition; name it", s.Topic)
	}
	return nil
}

// Pause begins a pause, or gives one that is in force another end or reason. It
// reports false where that changes nothing, or the end has passed. Take heeds it
// at once; it is durable after [Store.Sync].
func (s *Store) Pause(p Pause) (changed bool, err error) {
	if err := p.check(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return false, err
	}
	now := s.clock.Now()
	p.Reason = cut(p.Reason, MaxError)
	before, is := s.pauses[p.Scope]
	if is && before.Until.Equal(p.Until) && before.Reason == p.Reason || !p.Until.IsZero() && !now.Before(p.Until) {
		return false, nil
	}
	switch {
	case is:
		p.Since = before.Since
		if p.LaneName == nil {
			p.LaneName = before.LaneName
		}
	case p.Since.IsZero():
		p.Since = now
	}
	s.pauses[p.Scope] = p
	s.heed(p.Scope, true)
	s.changedPause(PauseChange{Pause: p})
	return true, nil
}

// Resume ends a pause. It reports false where there is none. It is durable
// after [Store.Sync].
func (s *Store) Resume(scope Scope) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return false, err
	}
	if !s.pauses.has(scope) {
		return false, nil
	}
	s.endPause(scope)
	s.setPauseAlarm()
	return true, nil
}

// Pauses returns the pauses in force: topics, then their partitions, then lanes.
func (s *Store) Pauses() []Pause {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pauses.list(func(Scope) bool { return true })
}

// Pauses returns the pauses of the partition as a whole and of its lanes, these
// by their ids. Those of its topic are left out.
func (p *Partition) Pauses() []Pause {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.store.pauses.list(func(s Scope) bool {
		return s.Topic == p.tp.Topic && s.Partition == p.tp.Partition
	})
}

// pausesLane reports whether l is paused by itself.
func (p *Partition) pausesLane(l *lane) bool {
	_, ok := p.pausedLanes[l.id]
	return ok && !l.own
}

// findPauses makes a partition heed the pauses in force. Its lanes are settled
// afterwards.
func (p *Partition) findPauses() {
	for scope := range p.store.pauses {
		if scope.Topic == p.tp.Topic && scope.Partition == p.tp.Partition {
			p.mark(scope, true)
		}
	}
}

func (p *Partition) mark(scope Scope, on bool) {
	switch {
	case !scope.OfLane:
		p.paused = on
	case !on:
		delete(p.pausedLanes, scope.Lane)
	default:
		if p.pausedLanes == nil {
			p.pausedLanes = map[uint64]struct{}{}
		}
		p.pausedLanes[scope.Lane] = struct{}{}
	}
}

// heed makes the schedule follow a pause that begins or ends.
func (s *Store) heed(scope Scope, on bool) {
	defer s.wakeSuspects()
	if scope.Partition == AllPartitions {
		t := s.topic(scope.Topic)
		t.paused = on
		s.schedule(t)
		return
	}
	p := s.parts[TopicPartition{scope.Topic, scope.Partition}]
	if p == nil {
		return
	}
	p.mark(scope, on)
	l := p.lanes[scope.Lane]
	switch {
	case !scope.OfLane:
		p.schedule()
	case l == nil:
	case on && (l.state == laneReady || l.delayed() || l.state == laneSuspect):
		l.become(lanePaused) // its place in the schedule is void
	case !on && l.state == lanePaused:
		p.settle(l)
	}
}

func (s *Store) endPause(scope Scope) {
	p := s.pauses[scope]
	delete(s.pauses, scope)
	s.heed(scope, false)
	s.changedPause(PauseChange{Pause: p, Ended: true})
}

// changedPause leaves a change to the next flush.
func (s *Store) changedPause(c PauseChange) {
	s.pauseChanges = append(s.pauseChanges, c)
	s.setPauseAlarm()
	signal(s.dirtied)
}

// setPauseAlarm is for the pause that ends next.
func (s *Store) setPauseAlarm() {
	if s.pauseAlarm != nil {
		s.pauseAlarm.Stop()
		s.pauseAlarm = nil
	}
	var next time.Time
	for _, p := range s.pauses {
		if !p.Until.IsZero() && (next.IsZero() || p.Until.Before(next)) {
			next = p.Until
		}
	}
	if !next.IsZero() {
		s.pauseAlarm = s.clock.AfterFunc(max(0, next.Sub(s.clock.Now())), s.endDuePauses)
	}
}

// endDuePauses ends the pauses whose time has come.
func (s *Store) endDuePauses() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.usable() != nil {
		return
	}
	now := s.clock.Now()
	for scope, p := range s.pauses {
		if !p.Until.IsZero() && !now.Before(p.Until) {
			s.endPause(scope)
		}
	}
	s.setPauseAlarm()
}
