package bridge

import (
	"context"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

const (
	// boundsFresh is how old an answer of Kafka may be, however many look.
	boundsFresh = 2 * time.Second
	// boundsWithin is how long anybody waits for one.
	boundsWithin = time.Second
	// retentionFresh is the same for what rarely changes.
	retentionFresh = time.Minute
)

// logBounds remember what Kafka holds of partitions. Nobody asks Kafka unless
// somebody looks.
type logBounds struct {
	asking sync.Mutex // held while Kafka is asked

	mu    sync.Mutex
	known map[inspect.PartitionName]inspect.LogBounds // guarded by mu

	retentions map[string]retentionKnown // guarded by mu
}

type retentionKnown struct {
	inspect.Retention
	at  time.Time
	err error
}

// look returns what is known of the partitions, after asking about those of
// which it is old.
func (b *logBounds) look(ctx context.Context, cluster *kafka.Cluster, parts []inspect.PartitionName) map[inspect.PartitionName]inspect.LogBounds {
	ctx, cancel := context.WithTimeout(ctx, boundsWithin)
	defer cancel()
	b.asking.Lock()
	if old := b.old(parts); len(old) > 0 {
		found, err := cluster.Bounds(ctx, old)
		b.keep(old, found, err)
	}
	b.asking.Unlock()

	b.mu.Lock()
	defer b.mu.Unlock()
	answer := make(map[inspect.PartitionName]inspect.LogBounds, len(parts))
	for _, p := range parts {
		if bounds, ok := b.known[p]; ok {
			answer[p] = bounds
		}
	}
	return answer
}

func (b *logBounds) old(parts []inspect.PartitionName) (logs []kafka.Log) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for _, p := range parts {
		if bounds, ok := b.known[p]; !ok || now.Sub(bounds.At) > boundsFresh {
			logs = append(logs, kafka.Log(p))
		}
	}
	return logs
}

func (b *logBounds) keep(asked []kafka.Log, found map[kafka.Log]kafka.Bounds, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = make(map[inspect.PartitionName]inspect.LogBounds)
	}
	now := time.Now()
	for _, log := range asked {
		name := inspect.PartitionName(log)
		if bounds, ok := found[log]; ok {
			b.known[name] = inspect.LogBounds{Start: bounds.Start, End: bounds.End, At: now}
		} else if before, ok := b.known[name]; ok && err != nil {
			before.Err = err.Error()
			b.known[name] = before
		}
	}
}

// retention asks at most once a minute.
func (b *logBounds) retention(ctx context.Context, cluster *kafka.Cluster, topic string) (inspect.Retention, error) {
	b.mu.Lock()
	known, ok := b.retentions[topic]
	b.mu.Unlock()
	if ok && time.Since(known.at) < retentionFresh {
		return known.Retention, known.err
	}
	ctx, cancel := context.WithTimeout(ctx, boundsWithin)
	defer cancel()
	answer, err := cluster.Retention(ctx, topic)
	known = retentionKnown{
		Retention: inspect.Retention{For: answer.For, Bytes: answer.Bytes, Delete: answer.Delete, Compact: answer.Compact},
		at:        time.Now(), err: err,
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retentions == nil {
		b.retentions = make(map[string]retentionKnown)
	}
	b.retentions[topic] = known
	return known.Retention, known.err
}
