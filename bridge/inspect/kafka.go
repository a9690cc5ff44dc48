package inspect

import (
	"context"
	"errors"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Kafka is what verbs ask of the cluster. It is safe for concurrent use.
type Kafka interface {
	// Log tells what Kafka has of a partition. The error matches [ErrNoTopic]
	// where there is no such partition.
	Log(ctx context.Context, topic string, partition int32) (Log, error)
	// OffsetAt is the first offset of a record that is not older than t, or the
	// log's end.
	OffsetAt(ctx context.Context, topic string, partition int32, t time.Time) (int64, error)
	// Read reads records from an offset on, as many as one answer of Kafka has: last
	// is the offset up to which the caller has use for them. The error matches
	// [ErrNoRecord] where the log begins behind the offset, or ends before it.
	Read(ctx context.Context, topic string, partition int32, from, last int64) (Records, error)
	// Leave removes the static member of a stopped bridge from its group. It
	// reports false where there is none.
	Leave(ctx context.Context) (was bool, err error)
}

// Records are some of a partition.
type Records struct {
	// Records ascend, each with the lane that the topic's partitioner gives it. They
	// may share much memory.
	Records []queue.Record
	Scheme  string // fingerprint of the partitioner
	// Filtered are the offsets, ascending, of other records, which the topic's filter
	// leaves out.
	Filtered []int64
	// Next: no other offset below it has a record to deliver. Where nothing can be
	// said it is the offset that was asked for.
	Next int64
}

// Log is what Kafka has of a partition, and what the group has committed.
type Log struct {
	TopicID    string
	Start, End int64 // the oldest offset, and the next one to be written
	Committed  int64 // -1: none
}

var (
	// ErrNoTopic means that Kafka has no such topic or partition.
	ErrNoTopic = errors.New("Kafka has no such topic or partition")
	// ErrKafkaUnreachable means that no broker answers at the moment.
	ErrKafkaUnreachable = errors.New("Kafka is unreachable")
	// ErrNoRecord means that Kafka does not have an offset any more, or not yet.
	ErrNoRecord = errors.New("Kafka does not have the offset")

	// ErrNoKafka means that a stopped bridge's store was opened without the
	// configuration that says where Kafka is.
	ErrNoKafka = errors.New("there is no connection to Kafka: name the bridge's configuration with --config; holdfast config check tells whether it is whole")
)
