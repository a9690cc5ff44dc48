package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
)

// Log names the log of one partition.
type Log struct {
	Topic     string
	Partition int32
}

// Bounds are the first offset that Kafka holds of a log, and the next one that
// it will write.
type Bounds struct{ Start, End int64 }

// Bounds asks for the bounds of many logs, two questions to each leader. Those
// that could not be asked are missing, and err tells why of one of them. It does
// not ask again: it is for showing.
func (c *Cluster) Bounds(ctx context.Context, logs []Log) (map[Log]Bounds, error) {
	byLeader := make(map[*sarama.Broker][]Log)
	var failed error
	for _, log := range logs {
		leader, err := call(ctx, c, func() (*sarama.Broker, error) { return c.commit.Leader(log.Topic, log.Partition) })
		if err != nil {
			failed = fmt.Errorf("bounds of %s/%d: %w", log.Topic, log.Partition, err)
			if ctx.Err() != nil || !errors.As(err, new(sarama.KError)) { // no broker answers
				return nil, failed
			}
			continue
		}
		byLeader[leader] = append(byLeader[leader], log)
	}
	var mu sync.Mutex
	var asking sync.WaitGroup
	found := make(map[Log]Bounds, len(logs))
	for leader, theirs := range byLeader {
		asking.Go(func() {
			answer, err := call(ctx, c, func() (map[Log]Bounds, error) { return c.boundsAt(leader, theirs) })
			mu.Lock()
			defer mu.Unlock()
			for log, b := range answer {
				found[log] = b
			}
			if err != nil {
				failed = fmt.Errorf("bounds of %d partitions at broker %d: %w", len(theirs), leader.ID(), err)
			}
		})
	}
	asking.Wait()
	return found, failed
}

// boundsAt asks one leader. It blocks: use it inside call.
func (c *Cluster) boundsAt(leader *sarama.Broker, logs []Log) (map[Log]Bounds, error) {
	starts, err := c.offsetsAt(leader, logs, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	ends, err := c.offsetsAt(leader, logs, sarama.OffsetNewest)
	found := make(map[Log]Bounds, len(logs))
	for log, end := range ends {
		if start, ok := starts[log]; ok {
			found[log] = Bounds{Start: start, End: end}
		}
	}
	return found, err
}

func (c *Cluster) offsetsAt(leader *sarama.Broker, logs []Log, at int64) (map[Log]int64, error) {
	request := sarama.NewOffsetRequest(c.commit.Config().Version)
	for _, log := range logs {
		request.AddBlock(log.Topic, log.Partition, at, 1)
	}
	answer, err := leader.GetAvailableOffsets(request)
	if err != nil {
		_ = leader.Close() // dialled anew with the next request
		return nil, err
	}
	offsets := make(map[Log]int64, len(logs))
	moved := false
	for _, log := range logs {
		block := answer.GetBlock(log.Topic, log.Partition)
		switch {
		case block == nil:
			err = sarama.ErrIncompleteResponse
		case block.Err != sarama.ErrNoError:
			err = block.Err
			moved = moved || block.Err == sarama.ErrNotLeaderForPartition
		default:
			offsets[log] = block.Offset
		}
	}
	if moved {
		_ = c.commit.RefreshMetadata() // for the next time
	}
	return offsets, err
}
