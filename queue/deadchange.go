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

// deadAct is a change to one dead letter that is in the file.
type deadAct struct {
	ref  DeadRef
	kind Kind // that Options.Durable is told; zero: nothing is
	do   func(*deadTable, DeadRef) (bool, error)
	done bool // set by the committer before it answers Sync
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
	gone, err = s.act(ctx, Discarded, (*deadTable).remove, refs)
	if err != nil {
		return nil, fmt.Errorf("discard %d dead letters: %w", len(refs), err)
	}
	return gone, nil
}

// act lets the next flush change dead letters and returns those that it did.
func (s *Store) act(ctx context.Context, kind Kind, do func(*deadTable, DeadRef) (bool, error), refs []DeadRef) (changed []DeadRef, err error) {
	acts := make([]*deadAct, len(refs))
	s.mu.Lock()
	err = s.usable()
	for i, ref := range refs {
		if err != nil {
			break
		}
		acts[i] = &deadAct{ref: ref, kind: kind, do: do}
		c := s.deadChange(ref.TopicPartition)
		c.acts = append(c.acts, acts[i])
	}
	s.mu.Unlock()
	if err == nil {
		err = s.Sync(ctx)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range acts {
		if a.done {
			changed = append(changed, a.ref)
		}
	}
	return changed, nil
}

// writeDead puts what concerns dead letters into tx. It comes before the
// partitions' shares: they delete bodies that become letters.
func (f *flush) writeDead(tx *bbolt.Tx, s *Store) error {
	for _, c := range f.dead {
		t, err := writeDeadTable(tx, c.tp, len(c.burials) > 0)
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

func (c *deadChange) write(t *deadTable, outbox bool) error {
	for i := range c.burials {
		if err := c.burials[i].write(t, outbox); err != nil {
			return err
		}
	}
	for _, a := range c.acts {
		var err error
		if a.done, err = a.do(t, a.ref); err != nil {
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
				f.events = append(f.events, Durable{TopicPartition: a.ref.TopicPartition, Offset: a.ref.Offset, Kind: a.kind})
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

// loadTallies learns how many dead letters there are.
func (s *Store) loadTallies() error {
	s.tallies = map[TopicPartition]tallyValue{}
	return s.db.View(func(tx *bbolt.Tx) error {
		return eachPartition(tx, func(tp TopicPartition, _ *bbolt.Bucket) error {
			if t := readDeadTable(tx, tp); t != nil {
				s.tallies[tp] = t.tally
			}
			return nil
		})
	})
}
