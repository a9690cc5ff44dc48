package queue

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Record is one Kafka record together with the lane it was given at ingest.
//
// A nil Key or Value is Kafka's null; an empty one is empty. Slices handed to
// [Partition.Append] must not change any more.
type Record struct {
	Offset    int64
	Timestamp int64 // Unix milliseconds; -1 where the record has none
	Key       []byte
	Value     []byte
	Headers   []Header
	Lane      Lane
}

// Header is one record header. A nil Value is Kafka's null.
type Header struct {
	Key   string
	Value []byte
}

// Lane names one ordered queue within a partition. Records with the same ID
// run one at a time in offset order. Own marks a lane that holds this record
// only; its ID is then ignored.
type Lane struct {
	ID   uint64
	Name []byte // for people; may alias the record's key
	Own  bool
}

// TopicPartition names a Kafka partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String returns the form used in messages: orders/3.
func (tp TopicPartition) String() string { return fmt.Sprintf("%s/%d", tp.Topic, tp.Partition) }

func (tp TopicPartition) compare(other TopicPartition) int {
	return cmp.Or(cmp.Compare(tp.Topic, other.Topic), cmp.Compare(tp.Partition, other.Partition))
}

// size is what a record weighs against the memory budget, in bytes.
func (r *Record) size() int64 {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + headerOverhead
	}
	return int64(n)
}

const (
	recordOverhead = 144 // the Record itself
	headerOverhead = 40  // a Header's string and slice
)

// Clone returns a copy that shares nothing with the record.
func (r *Record) Clone() Record {
	c := *r
	c.Key, c.Value, c.Lane.Name = bytes.Clone(r.Key), bytes.Clone(r.Value), bytes.Clone(r.Lane.Name)
	c.Headers = slices.Clone(r.Headers)
	for i := range c.Headers {
		c.Headers[i].Value = bytes.Clone(c.Headers[i].Value)
	}
	return c
}
