package queue

import (
	"errors"
	"fmt"
	"slices"
)

// Why [Partition.Retry] and [Partition.Skip] refuse a job. Nothing was changed.
var (
	// ErrJobRunning means that a run of the job is out.
	ErrJobRunning = errors.New("it is running")
	// ErrJobBlocked means that an earlier job of its lane is not finished.
	ErrJobBlocked = errors.New("an earlier job of its lane is not finished")
	// ErrJobPaused means that its lane, its partition or its topic is paused.
	ErrJobPaused = errors.New("it is paused; resume its lane, partition or topic")
	// ErrJobChanged means that the job has run, or was acted on, since it was
	// looked at.
	ErrJobChanged = errors.New("it has changed since it was looked at")
)

// Retry makes a job that is retrying, delayed or halted ready, as an operator's command.
// With reset its attempts count from the beginning and their errors are
// forgotten; crashes of the process are counted against it anew either way. It reports false where there is nothing to do: the job is ready,
// or runs, or is finished. The change is durable after [Store.Sync].
func (p *Partition) Retry(seen Pending, reset bool) (changed bool, err error) {
	changed, err = p.operate(seen, Retried, func(w place, now Pending) (bool, error) {
		if needed, err := now.CanRetry(reset); !needed || err != nil {
			return false, err
		}
		if !now.follows(seen) {
			return false, ErrJobChanged
		}
		w.lane.postponed, w.lane.due, w.lane.forced = true, 0, true
		if n := p.copyNote(now.Offset); n.retried(reset) {
			p.dropNote(now.Offset)
			if p.touched != nil {
				p.touched[now.Offset] = now.Aside
			}
		} else {
			p.note(now.Offset, n)
		}
		if now.State != Ready {
			p.settle(w.lane)
		}
		return true, nil
	})
	if err != nil {
		return false, fmt.Errorf("retry %s@%d: %w", p.tp, seen.Offset, err)
	}
	return changed, nil
}

// Skip completes a job that does not run, wherever in its lane it is, as an
// operator's command. It reports false where the job is finished already. The
// completion is durable after [Store.Sync], and the frontier moves with it.
func (p *Partition) Skip(seen Pending) (changed bool, err error) {
	changed, err = p.operate(seen, Skipped, func(w place, now Pending) (bool, error) {
		if err := now.CanSkip(); err != nil {
			return false, err
		}
		if !now.follows(seen) {
			return false, ErrJobChanged
		}
		if len(p.mourners.last) > 0 {
			p.overtakes(w.lane, now.Offset)
		}
		p.remove(w)
		return true, nil
	})
	if err != nil {
		return false, fmt.Errorf("skip %s@%d: %w", p.tp, seen.Offset, err)
	}
	return changed, nil
}

// CanRetry tells whether [Partition.Retry] would change the job, or why it
// would refuse.
func (j Pending) CanRetry(reset bool) (needed bool, err error) {
	switch j.State {
	case Parked:
		return false, ErrJobParked
	case Blocked:
		return false, ErrJobBlocked
	case Paused:
		return false, ErrJobPaused
	case Running:
		if reset {
			return false, ErrJobRunning
		}
		return false, nil
	case Ready:
		return reset && j.Attempts > 0, nil
	}
	return true, nil
}

// CanSkip tells why [Partition.Skip] would refuse the job, if it would.
func (j Pending) CanSkip() error {
	switch j.State {
	case Parked:
		return ErrJobParked
	case Running:
		return ErrJobRunning
	}
	return nil
}

// follows reports whether nothing has become of the job since it was seen but
// that its turn came.
func (j Pending) follows(seen Pending) bool {
	return j.Attempts == seen.Attempts && (j.State == Halted) == (seen.State == Halted)
}

// operate runs f on a job that is open, and notes the change for the next flush.
func (p *Partition) operate(seen Pending, kind Kind, f func(place, Pending) (bool, error)) (changed bool, err error) {
	s := p.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := p.usable(); err != nil {
		return false, err
	}
	if p.gen != seen.gen {
		return false, ErrJobChanged
	}
	w, ok := p.find(seen.Offset, seen.Lane)
	if seen.Aside != p.isAside(w, ok) || !ok {
		return false, p.finished(seen)
	}
	now := p.describe(w, seen.Offset, seen.Lane)
	if changed, err = f(w, now); err != nil || !changed {
		return false, err
	}
	p.touch()
	attempts := now.Attempts
	if kind == Retried {
		attempts = p.copyNote(seen.Offset).Attempts
	}
	p.report(seen.Offset, kind, attempts)
	return true, nil
}

// finished is the refusal of a job that is not where it was: none where it is
// finished.
func (p *Partition) finished(seen Pending) error {
	switch {
	case p.open.has(seen.Offset):
		return ErrJobChanged
	case seen.Lane.Own && seen.State == Parked, !seen.Lane.Own && p.parks(seen.Lane.ID) != nil:
		return ErrJobParked
	}
	return nil
}

// remove completes a job that does not run.
func (p *Partition) remove(w place) {
	l := w.lane
	switch {
	case l == nil:
		e := p.later[w.at].entry
		p.later = without(p.later, w.at)
		p.activeOpen++ // complete counts a job of the active scheme
		p.complete(e)
	case w.at > 0:
		e := l.jobs[w.at]
		l.jobs = without(l.jobs, w.at)
		p.completeIn(l, e)
		p.dropNote(e.offset) // it may have been the head before an aside job came
	default:
		p.behead(l)
		if len(l.jobs) > 0 {
			p.resettle(l)
		}
	}
}

// resettle is settle for a lane whose head went without a run of it: one that
// is ready keeps its place, unless there is more to know of its new head.
func (p *Partition) resettle(l *lane) {
	head := l.head().offset
	if l.state != laneReady || p.orphans[head] != nil || p.notes[head] != nil {
		p.settle(l)
	}
}

// without removes s[i] by moving the shorter side: whole lanes are skipped from
// one of their ends.
func without[T any](s []T, i int) []T {
	if i >= len(s)/2 {
		return slices.Delete(s, i, i+1)
	}
	copy(s[1:i+1], s[:i])
	clear(s[:1])
	return s[1:]
}
