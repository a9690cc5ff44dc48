package queue

import (
	"context"
	"time"
)

// Bounds of promise 5: with so many outcomes not yet durable, or with the
// oldest of them waiting for so long, no job starts.
const (
	maxUndurable    = 1 << 16
	maxUndurableAge = time.Second
)

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
	for {
		if err := s.usable(); err != nil {
			return 0, err
		}
		if ctx.Err() != nil {
			s.pass() // another may have been meant to come
			return 0, context.Cause(ctx)
		}
		if n := s.fill(dst, s.clock.Now()); n > 0 {
			s.pass()
			return n, nil
		}
		s.sleep(ctx)
	}
}

// sleep waits until the caller is woken or ctx ends.
func (s *Store) sleep(ctx context.Context) {
	woken := s.idle.add()
	s.mu.Unlock()
	select {
	case <-woken:
		s.mu.Lock()
		s.idle.done(woken)
	case <-ctx.Done():
		s.mu.Lock()
		s.idle.leave(woken)
	}
	s.waking = false
}

// pass wakes the next caller for what is left.
func (s *Store) pass() {
	if s.turns.len() > 0 || s.probation != nil {
		s.wake()
	}
}

func (s *Store) fill(dst []Job, now time.Time) int {
	s.looks++
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
		l.start(&dst[n])
		n++
	}
	return n
}

// lagging reports whether too much is not durable yet.
func (s *Store) lagging(now time.Time) bool {
	if s.gathering.count+s.flying.count >= maxUndurable || s.burying > max(s.opt.Memory/4, flushBytes) {
		return true
	}
	return s.flying.late(now) || s.gathering.late(now)
}

func (u undurable) late(now time.Time) bool {
	return u.count > 0 && now.Sub(u.since) > maxUndurableAge
}

// add reads the clock for the first one only: it costs as much as the rest of
// an outcome.
func (u *undurable) add(clock Clock) {
	if u.count == 0 {
		u.since = clock.Now()
	}
	u.count++
}

// start makes j the run of the lane's head.
func (l *lane) start(j *Job) {
	p, e := l.part, l.head()
	p.started++
	l.become(laneRunning)
	l.run, l.deferred, l.gathered = p.started, false, false
	p.runs.add(l)
	p.running++
	p.job(j, l, e)
	j.Waited, j.Forced, j.lane = l.postponed, l.forced || e.aside(), l
	if b := p.store.probation; b != nil {
		j.Suspect = b.out == l
	}
}

// job makes j the run of a job of l. It is filled in its place, since a copy
// costs as much as all else here.
func (p *Partition) job(j *Job, l *lane, e entry) {
	*j = Job{Topic: p.tp.Topic, Partition: p.tp.Partition, Attempt: 1, part: p}
	j.since = p.since
	if e.from != nil {
		j.since = max(j.since, e.from.since)
	}
	if rec := e.from.at(e.offset); rec != nil {
		j.Record = *rec
	} else {
		j.Record = Record{Offset: e.offset, Timestamp: -1, Lane: Lane{ID: l.id, Own: l.own}}
		j.cold, j.aside = true, e.aside()
	}
	if len(p.notes) > 0 {
		if n := p.notes[e.offset]; n != nil {
			j.Attempt = n.Attempts + 1
			j.LastError = n.Error
			j.Crashes = n.Crashes
			j.Checkpointed = n.Checkpoint
			j.Rerun = n.Rerun
			j.since = max(j.since, n.Due)
		}
	}
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
	rec, damage := s.readBody(j.TopicPartition(), j.Offset, j.aside)
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
