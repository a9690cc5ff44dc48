package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Retention is how long Kafka keeps the records of a topic.
type Retention struct {
	For             time.Duration // negative: for ever
	Bytes           int64         // of a partition; negative: no bound
	Delete, Compact bool          // its clean-up policies
}

// Retention asks for a topic's retention. A user who may not read the topic's
// configuration gets an error.
func (c *Cluster) Retention(ctx context.Context, topic string) (Retention, error) {
	entries, err := call(ctx, c, func() ([]*sarama.ConfigEntry, error) {
		broker := c.commit.LeastLoadedBroker()
		if broker == nil {
			return nil, sarama.ErrOutOfBrokers
		}
		answer, err := broker.DescribeConfigs(&sarama.DescribeConfigsRequest{Version: 1, Resources: []*sarama.ConfigResource{{
			Type: sarama.TopicResource, Name: topic,
			ConfigNames: []string{"retention.ms", "retention.bytes", "cleanup.policy"},
		}}})
		if err != nil {
			_ = broker.Close() // dialled anew with the next request
			return nil, err
		}
		for _, r := range answer.Resources {
			if r.Name == topic {
				if code := sarama.KError(r.ErrorCode); code != sarama.ErrNoError {
					return nil, code
				}
				return r.Configs, nil
			}
		}
		return nil, sarama.ErrIncompleteResponse
	})
	if err != nil {
		return Retention{}, fmt.Errorf("retention of topic %s: %w", topic, err)
	}
	r := Retention{For: -1, Bytes: -1, Delete: true}
	for _, e := range entries {
		switch n, bad := strconv.ParseInt(e.Value, 10, 64); {
		case e.Name == "cleanup.policy":
			r.Delete, r.Compact = strings.Contains(e.Value, "delete"), strings.Contains(e.Value, "compact")
		case bad != nil:
		case e.Name == "retention.ms" && n >= 0 && n <= int64(maxRetention/time.Millisecond):
			r.For = time.Duration(n) * time.Millisecond
		case e.Name == "retention.bytes":
			r.Bytes = n
		}
	}
	return r, nil
}

// maxRetention bounds what counts as a time and not as for ever.
const maxRetention = 100 * 365 * 24 * time.Hour
