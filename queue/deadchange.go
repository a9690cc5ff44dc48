package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
)

// deadChange is what the next flush does to the dead letters of a partition,
// attached or not.
type deadChange struct {
	tp      TopicPartition
	burials []burial
	acts    []*deadAct
}

// deadAct is a change to one dead letter that is in the file. What came of it is
// set by the committer before it answers Sync.
type deadAct struct {
	ref     DeadRef
	kind    Kind // that Options.Durable is told; zero: nothing is
	do      func(*deadTable, *deadAct) error
	reset   bool   // requeue: attempts count from the beginning
	topicID string // requeue: of the partition as it is now
	creates bool   // import: the partition need not have letters

	done     bool
	attempts int   // of the letter
	refused  error // why nothing was done, where there is such a letter
}

// deadChange is called with mu held.
func (s *Store) deadChange(tp TopicPartition) *deadChange {
	c := s.deadChanges[tp]
	if c == nil {
		if s.deadChanges == nil {
			s.deadChanges = map[TopicPartition]*deadChange{}
		}
		c = &deadChange{tp: tp}
		s.deadChanges[tp] = c
		signal(s.dirtied)
	}
	return c
}

// Discard removes dead letters for good and returns those that there were. It
// is durable on return; with an error, what was discarded is not known.
func (s *Store) Discard(ctx context.Context, refs ...DeadRef) (gone []DeadRef, err error) {
	acts := newDeadActs(deadAct{kind: Discarded, do: (*deadTable).remove}, refs)
	if err := s.act(ctx, nil, acts); err != nil {
		return nil, fmt.Errorf("discard %d dead letters: %w", len(refs), err)
	}
	for _, a := range acts {
		if a.done {
			gone = append(gone, a.ref)
		}
	}
	return gone, nil
}

// newDeadActs gives each letter the act.
func newDeadActs(act deadAct, refs []DeadRef) []*deadAct {
	acts := make([]*deadAct, len(refs))
	for i, ref := range refs {
		a := act
		a.ref, acts[i] = ref, &a
	}
	return acts
}

// act changes dead letters and waits until that is durable.
func (s *Store) act(ctx context.Context, may func(*deadAct) error, acts []*deadAct) error {
	if err := s.submit(may, acts); err != nil {
		return err
	}
	return s.Sync(ctx)
}

// submit lets the next flush change dead letters, except those that may, which is
// called with mu held, refuses.
func (s *Store) submit(may func(*deadAct) error, acts []*deadAct) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	for _, a := range acts {
		if may != nil {
			if a.refused = may(a); a.refused != nil {
				continue
			}
		}
		c := s.deadChange(a.ref.TopicPartition)
		c.acts = append(c.acts, a)
	}
	return nil
}

// writeDead puts what concerns dead letters into tx. It comes before the
// partitions' shares: they delete bodies that become letters.
func (f *flush) writeDead(tx *bbolt.Tx, s *Store) error {
	for _, c := range f.dead {
		t, err := writeDeadTable(tx, c.tp, c.creates())
		if err != nil {
			return fmt.Errorf("dead letters of %s: %w", c.tp, err)
		}
		if t == nil {
			continue
		}
		f.graves[c.tp] = t
		if err := c.write(t, s.policy(c.tp.Topic).Outbox); err != nil {
			return fmt.Errorf("dead letters of %s: %w", c.tp, err)
		}
		f.placeBack(t)
	}
	if err := f.expire(tx, s); err != nil {
		return fmt.Errorf("expire dead letters: %w", err)
	}
	for tp, t := range f.graves {
		if err := t.close(tx); err != nil {
			return fmt.Errorf("dead letters of %s: %w", tp, err)
		}
	}
	return nil
}

// placeBack lets the partition's share of the flush put requeued jobs into their
// lanes. A partition that memory has given up meanwhile loads them when it comes
// back.
func (f *flush) placeBack(t *deadTable) {
	for _, p := range f.parts {
		if p.part.tp == t.tp {
			p.back = append(p.back, t.back...)
		}
	}
}

// creates tells whether the partition may get its first letter.
func (c *deadChange) creates() bool {
	return len(c.burials) > 0 || slices.ContainsFunc(c.acts, func(a *deadAct) bool { return a.creates })
}

func (c *deadChange) write(t *deadTable, outbox bool) error {
	for i := range c.burials {
		if err := c.burials[i].write(t, outbox); err != nil {
			return err
		}
	}
	for _, a := range c.acts {
		if err := a.do(t, a); err != nil {
			return err
		}
	}
	return nil
}

// tellDead adds what came of changes to the events of the flush.
func (f *flush) tellDead() {
	for _, c := range f.dead {
		for _, a := range c.acts {
			if a.done && a.kind != 0 {
				f.events = append(f.events, Durable{a.ref.TopicPartition, a.ref.Offset, a.kind, a.attempts})
			}
		}
	}
	f.events = append(f.events, f.expired...)
}

// settleDead tells memory what the file has now. It is called with mu held.
func (s *Store) settleDead(f *flush) {
	for tp, t := range f.graves {
		if t.tally.Letters > 0 {
			s.tallies[tp] = t.tally
		} else {
			delete(s.tallies, tp)
		}
	}
	for _, c := range f.dead {
		for _, a := range c.acts {
			if a.done && a.kind != 0 {
				s.topic(c.tp.Topic).counts.outcomes[a.kind]++
			}
		}
	}
	for _, e := range f.expired {
		s.topic(e.Topic).counts.outcomes[Expired]++
	}
	s.burying -= f.burying
	s.expireDue = s.expireDue || f.more
	if s.expireDue {
		signal(s.dirtied)
	}
	s.watchDead()
}

// gatherDead takes the changes, by topic and partition. It is called with mu
// held.
func (s *Store) gatherDead(f *flush) {
	f.now, f.graves = s.clock.Now(), map[TopicPartition]*deadTable{}
	f.burying, f.expiring = s.burying, s.expireDue || len(s.deadChanges) > 0
	f.dead = slices.SortedFunc(maps.Values(s.deadChanges), func(a, b *deadChange) int { return a.tp.compare(b.tp) })
	s.deadChanges, s.expireDue = nil, false
}

// loadTallies learns how many dead letters there are, for the first flush to
// look for those to expire.
func (s *Store) loadTallies() error {
	s.tallies = map[TopicPartition]tallyValue{}
	return s.db.View(func(tx *bbolt.Tx) error {
		return eachPartition(tx, func(tp TopicPartition, _ *bbolt.Bucket) error {
			if t := readDeadTable(tx, tp); t != nil {
				s.tallies[tp] = t.tally
				if s.expireDue = s.opt.DeadLetters != nil; s.expireDue {
					signal(s.dirtied)
				}
			}
			return nil
		})
	})
}
