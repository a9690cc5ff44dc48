package partitioner

import "sync/atomic"

// Placement places the records of a topic in its partitions as a producer does:
// a key by its hash, records without a key in turn. The zero Hash is murmur2,
// the one of Kafka's Java client. It may be used from several goroutines.
type Placement struct {
	Hash Hash
	turn atomic.Uint32
}

// Partition is where a record with this key goes; nil is the null key, and an
// empty one is a key. Below one partition it gives -1.
func (p *Placement) Partition(key []byte, partitions int32) int32 {
	switch {
	case partitions < 1:
		return -1
	case key == nil:
		return int32((p.turn.Add(1) - 1) % uint32(partitions))
	case p.Hash.Partition == nil:
		return maskedRemainder(murmur2(key), partitions)
	}
	return p.Hash.Partition(key, partitions)
}
