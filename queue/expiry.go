package queue

import (
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// DeadPolicy is what is to become of the dead letters of a topic.
type DeadPolicy struct {
	// Keep is how long one is kept from its burial. Zero: for ever.
	Keep time.Duration
	// KeepBytes is what those of all partitions in the store may take up
	// together; above it the oldest go. Zero: no bound.
	KeepBytes int64
	// Outbox puts each into the outbox, for Store.Unsent to give out. One that
	// is there does not expire.
	Outbox bool
}

func (s *Store) policy(topic string) DeadPolicy {
	if s.opt.DeadLetters == nil {
		return DeadPolicy{Outbox: true}
	}
	return s.opt.DeadLetters(topic)
}

const (
	expireEvery = time.Minute // how late the age of a dead letter is noticed
	expireBatch = 256         // letters of one flush, so that it stays short
)

// watchDead has the next look for dead letters to expire within a minute, as
// long as there are any. It is called with mu held.
func (s *Store) watchDead() {
	if len(s.tallies) == 0 || s.expireAlarm != nil || s.closed || s.opt.DeadLetters == nil {
		return
	}
	s.expireAlarm = s.clock.AfterFunc(expireEvery, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.expireAlarm, s.expireDue = nil, true
		signal(s.dirtied)
	})
}

// expire removes the dead letters whose time or room is over, oldest first.
func (f *flush) expire(tx *bbolt.Tx, s *Store) error {
	if !f.expiring || s.opt.DeadLetters == nil {
		return nil
	}
	topics := f.talliesByTopic(s)
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		e := expiry{flush: f, tx: tx, policy: s.policy(topic), tallies: topics[topic]}
		if err := e.run(); err != nil {
			return err
		}
		if e.count > 0 {
			s.opt.Logger.Warn("dead letters expired", "topic", topic, "letters", e.count, "bytes", e.bytes,
				"keep", e.policy.Keep, "keep_bytes", e.policy.KeepBytes)
		}
	}
	return nil
}

// talliesByTopic returns them as they are by now in the transaction.
func (f *flush) talliesByTopic(s *Store) map[string]map[TopicPartition]tallyValue {
	topics := map[string]map[TopicPartition]tallyValue{}
	set := func(tp TopicPartition, t tallyValue) {
		if topics[tp.Topic] == nil {
			topics[tp.Topic] = map[TopicPartition]tallyValue{}
		}
		topics[tp.Topic][tp] = t
	}
	for tp, t := range s.tallies { // written by this goroutine only
		set(tp, t)
	}
	for tp, t := range f.graves {
		t.tally.oldest = t.oldest()
		set(tp, t.tally)
	}
	return topics
}

// expiry is the removal of one topic's dead letters within a flush.
type expiry struct {
	*flush
	tx      *bbolt.Tx
	policy  DeadPolicy
	tallies map[TopicPartition]tallyValue // of partitions that may have some to remove

	count int
	bytes int64
}

func (e *expiry) run() error {
	for {
		tp, due := e.next()
		switch {
		case !due:
			return nil
		case e.count == expireBatch:
			e.more = true
			return nil
		}
		if err := e.removeOldest(tp); err != nil {
			return err
		}
	}
}

// next returns the partition that has the oldest letter, and whether that is due.
func (e *expiry) next() (oldest TopicPartition, due bool) {
	total := int64(0)
	for tp, t := range e.tallies {
		total += t.Bytes
		if t.Letters == 0 {
			continue
		}
		if first := e.tallies[oldest]; first.Letters == 0 || t.oldest < first.oldest || t.oldest == first.oldest && tp.compare(oldest) < 0 {
			oldest = tp
		}
	}
	t := e.tallies[oldest]
	if t.Letters == 0 {
		return oldest, false
	}
	aged := e.policy.Keep > 0 && e.now.UnixNano()-t.oldest >= int64(e.policy.Keep)
	return oldest, aged || e.policy.KeepBytes > 0 && total > e.policy.KeepBytes
}

// removeOldest removes the letter of a partition that was buried first. One that
// is not sent yet is kept, and with it those behind it.
func (e *expiry) removeOldest(tp TopicPartition) error {
	t := e.graves[tp]
	if t == nil {
		var err error
		if t, err = writeDeadTable(e.tx, tp, false); err != nil {
			return err
		}
		e.graves[tp] = t
	}
	ref, stored := t.first()
	if e.policy.Outbox && t.unsent(ref.Number) {
		e.tallies[tp] = tallyValue{Bytes: t.tally.Bytes}
		return nil
	}
	before := t.tally.Bytes
	gone := deadAct{ref: ref}
	remove := t.dropFirst
	if stored {
		remove = func() error { return t.remove(&gone) }
	}
	if err := remove(); err != nil {
		return err
	}
	t.tally.oldest = t.oldest()
	e.tallies[tp] = t.tally
	if gone.done {
		e.count++
		e.bytes += before - t.tally.Bytes
		e.expired = append(e.expired, Durable{tp, ref.Offset, Expired, gone.attempts})
	}
	return nil
}
