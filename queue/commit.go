package queue

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// flushBytes is the size of unflushed bodies at which the committer no longer
// waits for the interval.
const flushBytes = 8 << 20

// commitLoop is the committer: the only goroutine that writes to the file. It
// ends with Close, or with the first commit that fails.
func (s *Store) commitLoop() {
	defer close(s.stopped)
	w := newBodyWriter()
	for {
		closing := false
		select {
		case <-s.dirtied:
			closing = s.pause()
		case <-s.closing:
			closing = true
		}
		if err := s.commit(w); err != nil {
			s.fail(err)
			return
		}
		if closing {
			return
		}
	}
}

// pause lets outcomes gather for the flush interval, unless somebody waits for
// the flush. It reports whether the store is closing.
func (s *Store) pause() (closing bool) {
	due := make(chan struct{}, 1)
	timer := s.clock.AfterFunc(s.opt.Flush, func() { signal(due) })
	defer timer.Stop()
	select {
	case <-due:
	case <-s.urgent:
	case <-s.closing:
		return true
	}
	return false
}

// commit runs one flush from gathering to telling memory.
func (s *Store) commit(w *bodyWriter) error {
	f := s.gather()
	begin := time.Now()
	if err := s.write(f, w); err != nil {
		return err
	}
	s.tell(f, time.Since(begin))
	return s.compactDrained()
}

// tell makes known that f is on disk. Options.Durable comes first: nobody may
// act on the new frontier before the outcomes below it were told.
func (s *Store) tell(f *flush, took time.Duration) {
	if s.opt.Durable != nil && len(f.events) > 0 {
		s.opt.Durable(f.events)
	}
	if s.opt.Paused != nil && len(f.pauses) > 0 {
		s.opt.Paused(f.pauses)
	}
	if s.opt.Flushed != nil && f.wrote {
		s.opt.Flushed(f.flushed(took))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(f, took)
	s.answer()
}

func (s *Store) write(f *flush, w *bodyWriter) error {
	if len(f.parts) == 0 && f.identity == nil && len(f.pauses) == 0 && len(f.guards) == 0 && len(f.dead) == 0 && !f.expiring && f.ledger.empty() {
		s.measure() // Room may have asked for it
		return nil
	}
	f.wrote = true
	for _, p := range f.parts {
		p.encode(w)
	}
	before := s.writeTime()
	for _, c := range f.dead {
		c.encode(w)
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		if err := f.writeDead(tx, s); err != nil {
			return err
		}
		for _, p := range f.parts {
			if err := p.write(tx); err != nil {
				return fmt.Errorf("write %s: %w", p.part.tp, err)
			}
		}
		if f.identity != nil {
			if err := putIdentity(tx, *f.identity); err != nil {
				return err
			}
		}
		if err := writeGuards(tx, f.guards); err != nil {
			return err
		}
		if err := s.writeLedger(tx, &f.ledger); err != nil {
			return err
		}
		return writePauses(tx, f.pauses)
	})
	if err != nil {
		return fmt.Errorf("flush of %s: %w", s.path, err)
	}
	f.synced = s.writeTime() - before
	f.tellDead()
	f.tellAgain()
	s.measure()
	return nil
}

// writeTime is how long bbolt has taken for pages and fsync, of this file.
func (s *Store) writeTime() time.Duration {
	stats := s.db.Stats()
	return stats.TxStats.GetWriteTime()
}

// settle is called with mu held.
func (s *Store) settle(f *flush, took time.Duration) {
	for _, p := range f.parts {
		p.settle()
		p.countAgain()
		s.stats.recorded += p.recorded
		for _, b := range p.blocks {
			s.stats.Written += b.bytes
			s.stats.WrittenJobs += int64(b.rows)
		}
	}
	s.settleDead(f)
	for _, p := range f.parts {
		if p.drop {
			delete(s.tallies, p.part.tp)
		}
	}
	s.flying = undurable{}
	s.stats.Flushes++
	s.stats.FlushTime += took
	s.letGo()
	if s.held {
		s.held = false
		s.idle.wakeAll()
	}
}

// letGo forgets partitions that were detached and have nothing left to do.
func (s *Store) letGo() {
	for tp, p := range s.parts {
		if p.detached && p.running == 0 && !p.dirty {
			for _, c := range p.chunks {
				p.release(c)
			}
			p.gone = true
			s.dead -= p.deadBytes
			// Delayed lanes are still in the schedule; nothing else is to live on with them.
			p.lanes, p.own, p.spare, p.later, p.notes, p.chunks, p.ready = nil, nil, spares{}, nil, nil, nil, fifo[*lane]{}
			p.depth, p.waits, p.followed = depth{}, [laneStates]laneList{}, nil
			s.mourned -= len(p.mourners.last)
			p.mourners.last = nil
			delete(s.parts, tp)
			s.parkedCounts.leave(tp)
		}
	}
}

// answer tells the callers of Sync whose flush is done.
func (s *Store) answer() {
	s.finished++
	kept := s.waiters[:0]
	for _, w := range s.waiters {
		if w.flush > s.finished {
			kept = append(kept, w)
			continue
		}
		w.done <- nil
	}
	s.waiters = kept
}

// fail poisons the store. What the file holds now is unknown, so nothing may
// start, move or be written any more.
func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = fmt.Errorf("%w: %w", ErrStoreFailed, err)
	close(s.failed)
	for _, w := range s.waiters {
		w.done <- s.err
	}
	s.waiters = nil
	s.idle.wakeAll()
}
