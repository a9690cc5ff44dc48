package queue

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// Away is a partition that the file holds and that is not attached.
type Away struct {
	TopicPartition
	State State // as the file has it, with its parked lanes; Open is not counted
	// Since is when it was detached or, where a crash has kept that from the
	// file, when the store was opened.
	Since time.Time

	detached int // how many partitions had been detached then
}

// Away lists the partitions of the file that are not attached and have no run
// under way. The error names those whose state is damaged, beside the list of
// the others. No read transaction is longer for what is stored of them.
func (s *Store) Away() (list []Away, err error) {
	list, damaged, err := s.awayStates()
	for i := range list {
		if err != nil {
			break
		}
		list[i].State.Parked, err = s.parkedAway(list[i].TopicPartition)
	}
	return list, errors.Join(err, damaged)
}

// awayStates is Away without the parked lanes.
func (s *Store) awayStates() (list []Away, damaged, err error) {
	s.mu.Lock()
	detached := s.detached
	s.mu.Unlock()
	err = s.view(func(tx *bbolt.Tx) error {
		return eachPartition(tx, func(tp TopicPartition, b *bbolt.Bucket) error {
			var v stateValue
			if err := decodeValue(b.Get(keyState), &v); err != nil {
				damaged = errors.Join(damaged, &DamageError{tp.String() + " state", err})
				return nil
			}
			if v.Next >= 0 && !s.inUse(tp) {
				list = append(list, Away{tp, v.state(), s.awaySince(v), detached})
			}
			return nil
		})
	})
	return list, damaged, err
}

func (s *Store) inUse(tp TopicPartition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts[tp] != nil
}

func (s *Store) awaySince(v stateValue) time.Time {
	if v.Away == 0 {
		return s.opened
	}
	return time.Unix(0, v.Away)
}

func (v stateValue) state() State {
	return State{
		Known: true, Frontier: v.Frontier, Next: v.Next, Acknowledged: v.Acknowledged,
		TopicID: v.TopicID, Scheme: v.Fingerprint, Seek: v.Seek.seek(),
	}
}

// Forget removes the jobs and completions of a partition that others own, as
// if it had never been held, but for the topic and the scheme of what stays. It does nothing to one that is attached or has
// runs under way, nor where a partition was detached since the list was made: it
// may be this one, with more to forget than was seen. Sync says when it is durable.
func (s *Store) Forget(a Away) (done bool, err error) {
	tp := a.TopicPartition
	p := newPartition(s, tp)
	lanes, err := p.loadLeft()
	if err != nil {
		return false, fmt.Errorf("forget %s: %w", tp, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return false, fmt.Errorf("forget %s: %w", tp, err)
	}
	if s.parts[tp] != nil || s.detached != a.detached {
		return false, nil
	}
	p.topic = s.topic(tp.Topic)
	p.detached, p.wipe = true, true
	s.parts[tp] = p // until the flush; an Attach meanwhile gets this one
	s.forgotten++
	p.touch()
	p.settleAll(lanes)
	return true, nil
}

// loadLeft loads what forgetting a partition leaves: an Attach may get it before
// that is on disk.
func (p *Partition) loadLeft() (lanes []*lane, err error) {
	err = p.store.view(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, p.tp)
		if b == nil {
			return nil
		}
		var v stateValue
		if err := decodeValue(b.Get(keyState), &v); err != nil {
			return &DamageError{p.tp.String() + " state", err}
		}
		p.loadTopic(v)
		if lanes, err = p.loadAside(b); len(p.parked) == 0 && !p.keepsAside() {
			p.loadTopic(stateValue{})
		}
		return err
	})
	return lanes, err
}

// forgotten tells whether the flush leaves a partition as if it had never been held.
func (f *partFlush) forgotten() bool { return (f.wipe || f.drop) && f.state.Next < 0 }

// forget removes a wiped partition from the file, unless there is more of it
// than its jobs in Kafka's order.
func forget(tx *bbolt.Tx, tp TopicPartition, b *bbolt.Bucket) (gone bool, err error) {
	if t, ok := openAside(b); ok && t.empty() {
		if err := b.DeleteBucket(bucketAside); err != nil {
			return false, err
		}
	}
	parts := append(jobBuckets(), keyState, keyTally)
	more := b.ForEach(func(key, _ []byte) error {
		if !slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Equal(part, key) }) {
			return errMore
		}
		return nil
	})
	if more != nil {
		return false, nil
	}
	return true, tx.Bucket(bucketPartitions).Bucket([]byte(tp.Topic)).DeleteBucket(partitionKey(tp.Partition))
}

var errMore = errors.New("the bucket holds more")
