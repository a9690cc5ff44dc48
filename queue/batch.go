package queue

import (
	"cmp"
	"errors"
	"slices"
	"sort"
	"time"
)

// A batch is one run of several jobs of a lane: its head, which Take hands out,
// and followers, which Follow takes out of the lane's queue until the run ends.
// To everything else the lane is one whose head runs.

// BatchTopic lets up to most jobs of one lane run together, see [Store.Follow];
// 0 or 1 is no batches. A lane with fewer of them starts when its head has waited
// for more during wait.
func (s *Store) BatchTopic(name string, most int, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topic(name)
	t.batch, t.wait = most, max(0, wait)
}

// gathers lets a lane wait for more jobs. A head that has run does not wait
// again, nor one that has waited.
func (p *Partition) gathers(l *lane, n *noteValue) bool {
	t := p.topic
	if t.batch < 2 || t.wait == 0 || l.own || l.gathered || n != nil || len(l.jobs) >= t.batch {
		return false
	}
	l.gathered = true
	return p.store.delays(l, p.store.clock.Now().Add(t.wait).UnixNano())
}

// enough reports whether l waits for more jobs, and has them by now.
func (l *lane) enough() bool {
	return l.gathered && l.state == laneWaiting && len(l.jobs) >= l.part.topic.batch
}

// Follow takes the jobs behind j out of its lane, as many as the topic's batches
// and dst have room for: they run together with j, and all are given back with
// [Store.FinishBatch]. It stops at a job that may not run now: one that waits or
// is halted because a run of it has failed, that may have crashed the process,
// or whose body is unreadable.
func (s *Store) Follow(j *Job, dst []Job) (n int, err error) {
	if n = s.follow(j, dst); n == 0 {
		return 0, nil
	}
	for i := range dst[:n] {
		if !dst[i].cold {
			continue
		}
		rec, damage := s.readBody(j.TopicPartition(), dst[i].Offset, false)
		if damage != nil {
			return i, s.unfollow(j, dst[i:n])
		}
		dst[i].Record, dst[i].cold = rec, false
	}
	return n, nil
}

func (s *Store) follow(j *Job, dst []Job) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, l := j.part, j.lane
	if l == nil || l.state != laneRunning || l.own || j.Suspect || s.probation != nil || j.Crashes > 0 || l.head().aside() {
		return 0
	}
	n := min(len(dst), p.topic.batch-1, len(l.jobs)-1)
	now := s.clock.Now().UnixNano()
	for i := range max(n, 0) {
		e := l.jobs[1+i]
		if !p.follows(e, now) {
			n = i
			break
		}
		p.job(&dst[i], l, e)
	}
	if n <= 0 {
		return 0
	}
	l.batch = slices.Clone(l.jobs[1 : 1+n])
	head := l.jobs[0]
	clear(l.jobs[:n])
	l.jobs = l.jobs[n:]
	l.jobs[0] = head
	return n
}

// follows reports whether a job behind a head may run with it.
func (p *Partition) follows(e entry, now int64) bool {
	n := p.notes[e.offset]
	return !e.aside() && (n == nil || !n.Halted && n.Due <= now && n.Crashes == 0)
}

// unfollow puts followers back that will not run now.
func (s *Store) unfollow(j *Job, jobs []Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	for i := range jobs {
		if e, ok := j.lane.leaveBatch(jobs[i].Offset); ok {
			j.lane.insert(e)
		}
	}
	return nil
}

// inBatch finds a follower that is out.
func (l *lane) inBatch(offset int64) (at int, ok bool) {
	if len(l.batch) == 0 {
		return 0, false
	}
	at = sort.Search(len(l.batch), func(i int) bool { return l.batch[i].offset >= offset })
	return at, at < len(l.batch) && l.batch[at].offset == offset
}

// leaveBatch takes a follower out of the run.
func (l *lane) leaveBatch(offset int64) (entry, bool) {
	at, ok := l.inBatch(offset)
	if !ok {
		return entry{}, false
	}
	e := l.batch[at]
	l.batch = slices.Delete(l.batch, at, at+1)
	return e, true
}

// withBatch returns the jobs of l with the followers in their places.
func (l *lane) withBatch() []entry {
	if len(l.batch) == 0 {
		return l.jobs
	}
	jobs := slices.Concat(l.jobs, l.batch)
	slices.SortFunc(jobs, func(a, b entry) int { return cmp.Compare(a.offset, b.offset) })
	return jobs
}

// skipFollowers completes followers that are done elsewhere: their outcomes will
// be void.
func (p *Partition) skipFollowers(l *lane, done func(offset int64) bool) {
	l.batch = slices.DeleteFunc(l.batch, func(e entry) bool {
		if !done(e.offset) {
			return false
		}
		p.dropNote(e.offset)
		p.complete(e)
		return true
	})
}

var errNotOneBatch = errors.New("the jobs are not one batch")

// FinishBatch takes in the outcomes of a batch: the head's, which was taken,
// first. Each job has its own; those that are not complete are in their lane
// again, in their order, and count as if each had run by itself. A lane that is
// to be parked is once all of them are told, with those that are left.
func (s *Store) FinishBatch(batch ...Finished) error {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	if len(batch) == 0 || batch[0].Job == nil {
		return errNotOneBatch
	}
	head := batch[0].Job
	l := head.lane
	if l == nil {
		return nil // a second time
	}
	var parks *Finished
	if l.state == laneRunning { // else Reset or SkipTo has forgotten the head, and with it the followers
		for i := range batch[1:] {
			f := &batch[1+i]
			e, ok := l.leaveBatch(f.Job.Offset)
			switch {
			case !ok:
			case f.Outcome.Kind == Park && parks == nil && !head.part.full(l):
				parks = f
				l.insert(e)
			default:
				head.part.finishFollower(l, e, f.Job, &f.Outcome, now)
			}
		}
		for _, e := range l.batch { // without an outcome
			l.insert(e)
		}
		l.batch = nil
	}
	s.finish(head, &batch[0].Outcome, now)
	if parks != nil && l.state != laneGone && l.state != laneRunning {
		head.part.parkRun(l, parks.Job, &parks.Outcome, now)
	}
	return nil
}

// finishFollower gives a follower its outcome, and puts it back into its lane
// behind the head, which still runs, unless it is complete.
func (p *Partition) finishFollower(l *lane, e entry, j *Job, o *Outcome, now time.Time) {
	kind, attempts := o.Kind, j.Attempt
	switch kind {
	case Done, Skipped:
		if len(p.mourners.last) > 0 {
			p.overtakes(l, e.offset)
		}
		p.complete(e)
		p.dropNote(e.offset)
	case Bury:
		p.mourn(l, e.offset)
		p.bury(e, p.active, deadValue{Reason: cut(o.Error, MaxError), Note: *p.noteAfter(j, o, now)}, now)
		p.complete(e)
		p.dropNote(e.offset)
	case Postpone:
		l.insert(e)
		return
	case Release:
		l.insert(e)
		attempts--
	default:
		if kind == Park {
			kind = Halt
		}
		p.note(e.offset, p.noteAfter(j, &Outcome{Kind: kind, Due: o.Due, Error: o.Error, Guarded: o.Guarded}, now))
		l.insert(e)
		if kind == Snooze {
			attempts--
		}
	}
	p.touch()
	p.report(e.offset, kind, attempts)
}
