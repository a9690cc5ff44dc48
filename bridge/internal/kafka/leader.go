package kafka

import (
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// patient is the client that sarama's group works with. Of each partition that
// it takes sarama asks the bounds, and where the leader is not there yet it ends
// the session of all partitions within a second. Leaders move, and the brokers
// of a large new topic take a while.
type patient struct{ *client }

// leaderWithin is how long one question waits for a leader; sarama asks four
// times. A rebalance that comes meanwhile waits for it.
const leaderWithin = 3 * time.Second

func (p patient) GetOffset(topic string, partition int32, at int64) (int64, error) {
	for deadline := time.Now().Add(leaderWithin); ; time.Sleep(retryAfter) {
		offset, err := p.client.GetOffset(topic, partition, at)
		if !leaderless(err) || p.Closed() || time.Now().After(deadline) {
			return offset, err
		}
	}
}

func leaderless(err error) bool {
	return errors.Is(err, sarama.ErrNotLeaderForPartition) || errors.Is(err, sarama.ErrLeaderNotAvailable)
}
