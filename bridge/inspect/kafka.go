package inspect

import (
	"context"
	"errors"
	"time"
)

// Kafka is what verbs ask of the cluster. It is safe for concurrent use.
type Kafka interface {
	// Log tells what Kafka has of a partition. The error matches [ErrNoTopic]
	// where there is no such partition.
	Log(ctx context.Context, topic string, partition int32) (Log, error)
	// OffsetAt is the first offset of a record that is not older than t, or the
	// log's end.
	OffsetAt(ctx context.Context, topic string, partition int32, t time.Time) (int64, error)
	// Leave removes the static member of a stopped bridge from its group. It
	// reports false where there is none.
	Leave(ctx context.Context) (was bool, err error)
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

	errNoKafka = errors.New("there is no connection to Kafka: name the bridge's configuration")
)
