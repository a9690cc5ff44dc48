package bridge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// asked is Kafka as the verbs of operators ask it.
type asked struct{ cluster *kafka.Cluster }

// Log implements [inspect.Kafka].
func (a asked) Log(ctx context.Context, topic string, partition int32) (log inspect.Log, err error) {
	topics, err := a.cluster.Topics(ctx, []string{topic}, nil)
	if err != nil {
		return log, err
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

// OffsetAt implements [inspect.Kafka].
func (a asked) OffsetAt(ctx context.Context, topic string, partition int32, t time.Time) (int64, error) {
	return a.cluster.Look(topic, partition).OffsetAt(ctx, t)
}

// Leave implements [inspect.Kafka].
func (a asked) Leave(ctx context.Context) (was bool, err error) { return a.cluster.RemoveMember(ctx) }
