package queue

import (
	"fmt"
	"time"
)

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
	if s.probation != nil {
		s.tried(l, j.Offset, o.Kind)
	}
	if l.state == laneGone {
		if l = p.endOrphan(l, j.Offset); l == nil {
			return
		}
	}
	p.runs.remove(l)
	if o.Kind == Postpone || o.Kind == Release {
		s.refund(p.topic, now)
	}
	if o.Kind == Postpone { // nothing is to be written
		p.postpone(l, o.Due)
		return
	}
	kind := o.Kind
	switch {
	case kind == Done || kind == Skipped:
		if len(p.mourners.last) > 0 {
			p.overtakes(l, j.Offset)
		}
		p.advance(l)
	case kind == Bury:
		p.mourn(l, j.Offset)
		p.bury(l.head(), p.active, deadValue{Reason: cut(o.Error, MaxError), Note: *p.noteAfter(j, o, now)}, now)
		p.advance(l)
	case kind == Park && !p.full(l):
		p.parkRun(l, j, o, now)
		return
	case kind == Park:
		kind = Halt
		p.putBack(l, j, &Outcome{Kind: Halt, Error: fmt.Sprintf("%s; halted instead of parked: %v", o.Error, ErrTooManyParked)}, now)
	default:
		p.putBack(l, j, o, now)
	}
	p.touch()
	attempts := j.Attempt
	if kind == Release || kind == Snooze {
		attempts--
	}
	p.report(j.Offset, kind, attempts)
}

// advance completes the head of l after its run and turns to the next job.
func (p *Partition) advance(l *lane) {
	p.behead(l)
	if len(l.jobs) > 0 {
		p.settle(l)
	} else {
		p.spare.add(l)
	}
}

// behead completes the head of l.
func (p *Partition) behead(l *lane) {
	e := l.pop()
	if len(l.jobs) == 0 {
		p.drop(l) // before promote, which may make a new lane of the same id
	}
	p.completeIn(l, e)
	p.dropNote(e.offset)
	p.promote()
}

// putBack keeps the head of l, which did not complete, with what is to be
// remembered of its run.
func (p *Partition) putBack(l *lane, j *Job, o *Outcome, now time.Time) {
	if o.Kind != Release {
		p.note(j.Offset, p.noteAfter(j, o, now))
	}
	l.sortHead()
	p.settle(l)
}

// noteAfter is what is to be remembered of a job after a run of it that was not
// interrupted.
func (p *Partition) noteAfter(j *Job, o *Outcome, now time.Time) *noteValue {
	n := p.copyNote(j.Offset)
	if o.Kind != Snooze {
		n.fail(j.Attempt, o.Error, now)
		p.followFailure(j.Offset)
	}
	n.Halted, n.Guarded = o.Kind == Halt, o.Guarded
	n.wait(o.Due, now)
	return n
}

// drop removes a lane that has no job left.
func (p *Partition) drop(l *lane) {
	l.become(laneGone)
	if !l.own {
		delete(p.lanes, l.id)
	}
}

// completeIn is complete for a job of l.
func (p *Partition) completeIn(l *lane, e entry) {
	if e.aside() {
		p.completeAside(l, e)
	} else {
		p.complete(e)
	}
}

// complete takes a job out of memory's books. A job that the file holds is
// marked there by the next flush; of any other the file never hears.
func (p *Partition) complete(e entry) {
	p.open.remove(e.offset)
	p.rate.count++
	p.unref(e.from)
	if e.offset < p.stored {
		p.done = append(p.done, e.offset)
	} else {
		p.store.stats.Skipped++
	}
	if len(p.own) > 0 {
		delete(p.own, e.offset)
	}
	p.activeOpen--
}

func (p *Partition) note(offset int64, n *noteValue) {
	p.keepNote(offset, n)
	p.touchNote(offset)
}

// copyNote returns a copy of the job's note to be changed and given to note:
// the flush under way may be writing the one that is there.
func (p *Partition) copyNote(offset int64) *noteValue {
	if n := p.notes[offset]; n != nil {
		changed := *n
		return &changed
	}
	return &noteValue{}
}

// keepNote keeps halted in step; so does dropNote.
func (p *Partition) keepNote(offset int64, n *noteValue) {
	if p.notes == nil {
		p.notes = map[int64]*noteValue{}
	}
	p.halted += n.halts() - p.notes[offset].halts()
	p.notes[offset] = n
}

func (p *Partition) dropNote(offset int64) {
	if len(p.notes) == 0 || p.notes[offset] == nil {
		return
	}
	if p.notes[offset].Checkpoint {
		p.putCheckpoint(offset, nil)
	}
	p.takeNote(offset)
}

// takeNote is dropNote for a job that takes its checkpoint with it.
func (p *Partition) takeNote(offset int64) {
	p.halted -= p.notes[offset].halts()
	delete(p.notes, offset)
	p.touchNote(offset)
}

func (p *Partition) touchNote(offset int64) {
	if p.touched == nil {
		p.touched = map[int64]bool{}
	}
	if _, ok := p.touched[offset]; !ok {
		p.touched[offset] = false
	}
}
