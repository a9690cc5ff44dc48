package kafka

import (
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// coordinate sends a request to the group's coordinator over the commit client,
// and once more to the broker that has become it. It blocks: use it inside call.
func (c *Cluster) coordinate(ask func(*sarama.Broker) (sarama.KError, error)) error {
	var last error
	for range 2 {
		coordinator, err := c.commit.Coordinator(c.cfg.Group)
		if err != nil {
			return err
		}
		answer, err := ask(coordinator)
		switch {
		case err != nil:
			_ = coordinator.Close() // dialled anew with the next request
			last = err
		case answer == sarama.ErrNoError:
			return nil
		case !moved(answer):
			return answer
		default:
			last = answer
		}
		if err := c.commit.RefreshCoordinator(c.cfg.Group); err != nil {
			return errors.Join(last, err)
		}
	}
	return last
}

// moved tells whether another broker has become the coordinator.
func moved(err sarama.KError) bool {
	return err == sarama.ErrNotCoordinatorForConsumer || err == sarama.ErrConsumerCoordinatorNotAvailable
}

// passes tells whether asking again can help: the broker, the leader or the
// coordinator may be back in a moment.
func passes(err error) bool {
	var k sarama.KError
	if !errors.As(err, &k) {
		return !errors.Is(err, ErrClosed) && !errors.Is(err, sarama.ErrClosedClient) &&
			!errors.As(err, new(sarama.PacketEncodingError)) && !errors.As(err, new(sarama.ConfigurationError))
	}
	switch k {
	case sarama.ErrNotCoordinatorForConsumer, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrOffsetsLoadInProgress,
		sarama.ErrUnstableOffsetCommit, sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNetworkException,
		sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrReplicaNotAvailable, sarama.ErrBrokerNotAvailable,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrOffsetNotAvailable, sarama.ErrUnknown:
		return true
	}
	return false
}

// retryAfter is how long to wait before asking again. Short: a drain waits.
const retryAfter = 100 * time.Millisecond
