package queue

import (
	"context"
	"fmt"
	"time"
)

// topic is a topic's turn in the schedule: topics take turns, within a topic
// its partitions, within a partition its ready lanes. Guarded by Store.mu.
type topic struct {
	name    string
	limit   int // running jobs at a time; 0: no limit
	running int
	turns   fifo[*Partition] // partitions with a ready lane
	queued  bool             // in Store.turns
}

// Bounds of promise 5: with so many outcomes not yet durable, or with the
// oldest of them waiting for so long, no job starts.
const (
	maxUndurable    = 1 << 16
	maxUndurableAge = time.Second
)

// LimitTopic sets how many jobs of a topic run at a time; 0 is no limit.
// Jobs that run already are left alone.
func (s *Store) LimitTopic(name string, limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topic(name)
	t.limit = limit
	s.schedule(t)
	s.work.Broadcast()
}

func (s *Store) topic(name string) *topic {
	t := s.topics[name]
	if t == nil {
		t = &topic{name: name}
		s.topics[name] = t
	}
	return t
}

// schedule gives t a turn where it can use one.
func (s *Store) schedule(t *topic) {
	if !t.queued && t.turns.len() > 0 && (t.limit == 0 || t.running < t.limit) {
		t.queued = true
		s.turns.push(t)
		if s.idle > 0 {
			s.work.Signal()
		}
	}
}

// schedule gives p a turn where it has a ready lane.
func (p *Partition) schedule() {
	if !p.queued && p.ready.len() > 0 {
		p.queued = true
		p.topic.turns.push(p)
	}
	p.store.schedule(p.topic)
	if p.store.idle > 0 {
		p.store.work.Signal()
	}
}

// Take waits until at least one job can start and fills dst with jobs of
// distinct lanes, turn by turn over topics, partitions and lanes. Each job
// holds its lane until it is given to Finish.
func (s *Store) Take(ctx context.Context, dst []Job) (int, error) {
	for len(dst) > 0 {
		s.mu.Lock()
		n, err := s.await(ctx, dst)
		s.mu.Unlock()
		if err != nil {
			return 0, err
		}
		if n, err = s.warmAll(dst[:n]); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

func (s *Store) await(ctx context.Context, dst []Job) (int, error) {
	waited := false
	for {
		if err := s.usable(); err != nil {
			return 0, err
		}
		if ctx.Err() != nil {
			if waited { // the signal that ended the wait may have been meant for another
				s.work.Signal()
			}
			return 0, context.Cause(ctx)
		}
		if n := s.fill(dst, s.clock.Now()); n > 0 {
			if s.idle > 0 && s.turns.len() > 0 { // one signal may stand for many lanes
				s.work.Signal()
			}
			return n, nil
		}
		if !waited {
			waited = true
			defer context.AfterFunc(ctx, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.work.Broadcast()
			})()
		}
		s.idle++
		s.work.Wait()
		s.idle--
	}
}

func (s *Store) fill(dst []Job, now time.Time) int {
	if s.lagging(now) {
		s.held = true
		signal(s.urgent)
		return 0
	}
	n := 0
	for n < len(dst) {
		l := s.nextLane(now)
		if l == nil {
			break
		}
		dst[n] = l.start()
		n++
	}
	return n
}

// lagging reports whether too much is not durable yet.
func (s *Store) lagging(now time.Time) bool {
	if s.gathering.count+s.flying.count >= maxUndurable {
		return true
	}
	return s.flying.late(now) || s.gathering.late(now)
}

func (u undurable) late(now time.Time) bool {
	return u.count > 0 && now.Sub(u.since) > maxUndurableAge
}

func (u *undurable) add(now time.Time) {
	if u.count == 0 {
		u.since = now
	}
	u.count++
}

// nextLane takes the next ready lane and puts its topic and partition at the
// end of their queues. Places that have become void are dropped on the way.
func (s *Store) nextLane(now time.Time) *lane {
	for {
		t, ok := s.turns.pop()
		if !ok {
			return nil
		}
		t.queued = false
		if t.limit > 0 && t.running >= t.limit {
			continue // Finish gives it a turn again
		}
		l := t.nextLane(now)
		if l != nil {
			t.running++
		}
		s.schedule(t)
		if l != nil {
			return l
		}
	}
}

func (t *topic) nextLane(now time.Time) *lane {
	for {
		p, ok := t.turns.pop()
		if !ok {
			return nil
		}
		p.queued = false
		if !now.Before(p.until) {
			continue // Lease gives it a turn again
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

// start makes the run of the lane's head.
func (l *lane) start() Job {
	p, e := l.part, l.head()
	l.state = laneRunning
	p.runs.add(l)
	p.running++
	j := Job{Topic: p.tp.Topic, Partition: p.tp.Partition, Attempt: 1, part: p, lane: l}
	if rec := e.from.at(e.offset); rec != nil {
		j.Record = *rec
	} else {
		j.Record = Record{Offset: e.offset, Timestamp: -1, Lane: Lane{ID: l.id, Own: l.own}}
		j.cold = true
	}
	if len(p.notes) > 0 {
		if n := p.notes[e.offset]; n != nil {
			j.Attempt = n.Attempts + 1
			j.LastError = n.Error
		}
	}
	return j
}

// warmAll reads the bodies that memory does not hold and returns how many of
// the jobs, moved to the front, are to run.
func (s *Store) warmAll(jobs []Job) (n int, err error) {
	for i := range jobs {
		if jobs[i].cold {
			run, err := s.warm(&jobs[i])
			if err != nil {
				return 0, err
			}
			if !run {
				continue
			}
		}
		if n < i {
			jobs[n] = jobs[i]
		}
		n++
	}
	return n, nil
}

// warm reads the body of one job. It reports false where the body is gone
// because the partition was reset or skipped meanwhile.
func (s *Store) warm(j *Job) (run bool, err error) {
	rec, damage := s.readBody(j.TopicPartition(), j.Offset)
	if damage == nil {
		j.Record, j.cold = rec, false
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return false, err
	}
	if j.lane.state == laneGone {
		s.finish(j, &Outcome{Kind: Release}, s.clock.Now())
		return false, nil
	}
	j.Damaged = damage
	return true, nil
}

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
		l.state = laneReady
		l.part.ready.push(l)
		l.part.schedule()
	}
	s.setAlarm()
}

// Finish takes in the outcomes of jobs. They count in memory at once and are
// durable with the next flush; Options.Durable tells. A job whose partition
// was reset meanwhile is ignored.
func (s *Store) Finish(done ...Finished) error {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.closed {
		return fmt.Errorf("finish %d jobs: %w", len(done), ErrClosed)
	}
	for i := range done {
		s.finish(done[i].Job, &done[i].Outcome, now)
	}
	return nil
}

func (s *Store) finish(j *Job, o *Outcome, now time.Time) {
	p, l := j.part, j.lane
	if l == nil {
		return
	}
	j.lane = nil // a second Finish of the same run is void
	p.leaveRun()
	s.schedule(p.topic) // it may have been at its limit
	if l.state == laneGone {
		if l = p.endOrphan(l, j.Offset); l == nil {
			return
		}
	}
	p.runs.remove(l)
	if o.Kind == Done {
		p.advance(l)
	} else {
		p.putBack(l, j, o)
	}
	p.touch()
	s.gathering.add(now)
	if s.opt.Durable != nil {
		attempts := j.Attempt
		if o.Kind == Release {
			attempts--
		}
		s.events = append(s.events, Durable{p.tp, j.Offset, o.Kind, attempts})
	}
}

// advance completes the head of l and turns to the next job.
func (p *Partition) advance(l *lane) {
	e := l.pop()
	if len(l.jobs) == 0 {
		p.drop(l) // before promote, which may make a new lane of the same id
	}
	p.complete(e)
	p.dropNote(e.offset)
	p.promote()
	if len(l.jobs) > 0 {
		p.settle(l)
	}
}

// putBack keeps the head of l, which did not complete, with what is to be
// remembered of its run.
func (p *Partition) putBack(l *lane, j *Job, o *Outcome) {
	if o.Kind != Release {
		n := noteValue{Attempts: j.Attempt, Halted: o.Kind == Halt, Error: cut(o.Error, MaxError)}
		if o.Kind == Retry && !o.Due.IsZero() {
			n.Due = o.Due.UnixNano()
		}
		p.note(j.Offset, &n)
	}
	p.settle(l)
}

// cut shortens text to at most n bytes without splitting a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xC0 == 0x80 {
		n--
	}
	return text[:n]
}
