package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// asked is Kafka as the verbs of operators ask it.
type asked struct {
	cluster *kafka.Cluster
	routes  *routes
}

// Log implements [inspect.Kafka].
func (a asked) Log(ctx context.Context, topic string, partition int32) (log inspect.Log, err error) {
	topics, err := a.cluster.Topics(ctx, []string{topic}, nil)
	if err != nil {
		return log, away(err)
	}
	known, there := topics[topic]
	if !there || !slices.Contains(known.Partitions, partition) {
		return log, fmt.Errorf("%s/%d: %w", topic, partition, inspect.ErrNoTopic)
	}
	log.TopicID = known.ID
	if log.Start, log.End, err = a.cluster.Look(topic, partition).Bounds(ctx); err != nil {
		return log, err
	}
	log.Committed, _, err = a.cluster.Committed(ctx, topic, partition)
	return log, err
}

// away says of an error that no broker answers, where that is so.
func away(err error) error {
	if errors.Is(err, sarama.ErrOutOfBrokers) {
		return &translated{sentinel: inspect.ErrKafkaUnreachable, err: err}
	}
	return err
}

// OffsetAt implements [inspect.Kafka].
func (a asked) OffsetAt(ctx context.Context, topic string, partition int32, t time.Time) (int64, error) {
	return a.cluster.Look(topic, partition).OffsetAt(ctx, t)
}

// The size of an answer follows from how many records are wanted.
const (
	guessedRecord = 4 << 10
	leastAnswer   = 64 << 10
	mostAnswer    = 1 << 20
)

// Read implements [inspect.Kafka].
func (a asked) Read(ctx context.Context, topic string, partition int32, from, last int64) (inspect.Records, error) {
	to, err := a.routes.find(topic)
	if err != nil {
		return inspect.Records{}, err
	}
	wanted := min(max(last-from, 0), mostAnswer/guessedRecord)
	messages, next, err := a.cluster.Look(topic, partition).ReadFrom(ctx, from, int32(max(wanted*guessedRecord, leastAnswer)))
	switch {
	case errors.As(err, new(*kafka.OutOfRangeError)), errors.Is(err, kafka.ErrUnknownTopic):
		return inspect.Records{}, fmt.Errorf("%w: %w", inspect.ErrNoRecord, err)
	case err != nil:
		return inspect.Records{}, away(err)
	}
	answer := inspect.Records{Records: make([]queue.Record, 0, len(messages)), Scheme: to.scheme, Next: next}
	for _, message := range messages {
		if to.filter != nil {
			if pass, _, _ := passes(to.filter, message); !pass {
				answer.Filtered = append(answer.Filtered, message.Offset)
				continue
			}
		}
		record := newRecord(message)
		lane, _ := to.lanes.Lane(lookAt(&record)) // where the partitioner fails it is a lane of its own, as at first
		record.Lane = queue.Lane(lane)
		answer.Records = append(answer.Records, record)
	}
	return answer, nil
}

// Leave implements [inspect.Kafka].
func (a asked) Leave(ctx context.Context) (was bool, err error) { return a.cluster.RemoveMember(ctx) }
