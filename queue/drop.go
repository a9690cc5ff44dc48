package queue

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// Holding is what the file has of a partition.
type Holding struct {
	TopicPartition
	State  State // as the file has it; Open, Parked and Aside are counted
	Parked int64 // jobs of parked lanes
	Dead   DeadCount
	// Damaged tells why the jobs could not be counted.
	Damaged error
}

// Holding counts what the file has of a partition that is not attached. It reads
// the index, and no payload.
func (s *Store) Holding(tp TopicPartition) Holding {
	p := newPartition(s, tp)
	_, err := p.load()
	h := Holding{TopicPartition: tp, Dead: s.DeadCount(tp), Damaged: err}
	if err != nil {
		return h
	}
	h.State = State{
		Known: p.known, Frontier: p.frontier(), Next: p.next, Acknowledged: p.acked,
		TopicID: p.topicID, Scheme: p.fingerprint, Open: p.open.count, Halted: p.halted,
		Aside: p.asideJobs, Parked: p.parkedLanes(), Seek: p.seek.seek(),
	}
	h.Parked = int64(p.parkedOwn)
	for _, k := range p.parked {
		if !k.Released {
			h.Parked += k.Jobs
		}
	}
	return h
}

// Drop removes all that the file has of a partition, its dead letters and what is
// aside included, and its pauses. It does nothing, and reports false, to one that
// is attached or has runs under way. It is durable after [Store.Sync].
func (s *Store) Drop(tp TopicPartition) (done bool, err error) {
	p := newPartition(s, tp)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return false, fmt.Errorf("drop %s: %w", tp, err)
	}
	if s.parts[tp] != nil {
		return false, nil
	}
	p.topic = s.topic(tp.Topic)
	p.detached, p.vanish = true, true
	s.parts[tp] = p // until the flush; an Attach meanwhile gets this one
	s.forgotten++
	for scope := range s.pauses {
		if scope.Topic == tp.Topic && scope.Partition == tp.Partition {
			s.endPause(scope)
		}
	}
	p.touch()
	return true, nil
}

// dropFrom removes the partition from the file. One that was attached meanwhile
// begins anew.
func (f *partFlush) dropFrom(tx *bbolt.Tx) error {
	f.catalogue = nil
	if partitionBucket(tx, f.part.tp) == nil {
		return nil
	}
	topic := tx.Bucket(bucketPartitions).Bucket([]byte(f.part.tp.Topic))
	if err := topic.DeleteBucket(partitionKey(f.part.tp.Partition)); err != nil {
		return err
	}
	if key, _ := topic.Cursor().First(); key != nil {
		return nil
	}
	return tx.Bucket(bucketPartitions).DeleteBucket([]byte(f.part.tp.Topic))
}
