package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Topic is one topic as the cluster has it.
type Topic struct {
	ID         string // base64url as Kafka prints it; "" where the broker has none
	Partitions []int32
}

// Topics returns those of names that exist, and every topic that one of the
// patterns matches as a whole. Internal topics are never matched by a pattern.
func (c *Cluster) Topics(ctx context.Context, names []string, patterns []*regexp.Regexp) (map[string]Topic, error) {
	topics := make(map[string]Topic)
	if len(names)+len(patterns) == 0 {
		return topics, nil
	}
	ask := names
	if len(patterns) > 0 {
		ask = nil // all
	}
	whole, err := anchored(patterns)
	if err != nil {
		return nil, err
	}
	meta, err := c.metadata(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	for _, t := range meta.Topics {
		if !slices.Contains(names, t.Name) && (t.IsInternal || !matches(whole, t.Name)) {
			continue
		}
		switch {
		case t.Err == sarama.ErrNoError || errors.Is(t.Err, sarama.ErrLeaderNotAvailable):
			topics[t.Name] = topicOf(t)
		case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
		default:
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Err)
		}
	}
	return topics, nil
}

// AskTopicID asks Kafka for the topic's id: a topic that was deleted and created
// anew has another one than the claim knows. It fails with ErrUnknownTopic where
// there is none of that name.
func (c *Claim) AskTopicID(ctx context.Context) (string, error) {
	topics, err := c.cluster.Topics(ctx, []string{c.Topic}, nil)
	if err != nil {
		return "", err
	}
	topic, exists := topics[c.Topic]
	if !exists {
		return "", fmt.Errorf("topic %s: %w", c.Topic, ErrUnknownTopic)
	}
	return topic.ID, nil
}

func topicOf(t *sarama.TopicMetadata) Topic {
	topic := Topic{}
	if t.Uuid != (sarama.Uuid{}) {
		topic.ID = t.Uuid.String()
	}
	for _, p := range t.Partitions {
		topic.Partitions = append(topic.Partitions, p.ID)
	}
	slices.Sort(topic.Partitions)
	return topic
}

// anchored makes the patterns match whole names.
func anchored(patterns []*regexp.Regexp) ([]*regexp.Regexp, error) {
	whole := make([]*regexp.Regexp, 0, len(patterns))
	for _, p := range patterns {
		w, err := regexp.Compile(`^(?:` + p.String() + `)$`)
		if err != nil {
			return nil, fmt.Errorf("topic pattern: %w", err)
		}
		whole = append(whole, w)
	}
	return whole, nil
}

func matches(patterns []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
}

// sameTopics tells whether what is subscribed to is as it was: the topics, how
// many partitions each has, and that none was deleted and created anew.
func sameTopics(a, b map[string]Topic) bool {
	return maps.EqualFunc(a, b, func(x, y Topic) bool {
		return x.ID == y.ID && slices.Equal(x.Partitions, y.Partitions)
	})
}

// watch returns when the topics are no longer as seen, or with the error of
// check. What cannot be asked has not changed.
func (c *Cluster) watch(ctx context.Context, seen map[string]Topic, now func(context.Context) (map[string]Topic, error), check func(context.Context) error) error {
	for wait(ctx, c.cfg.WatchInterval) {
		topics, err := now(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			c.log.Warn("cannot count partitions", "error", err)
		case !sameTopics(seen, topics):
			c.log.Info("topics or partitions changed", "topics", slices.Sorted(maps.Keys(topics)))
			return nil
		default:
			if err := check(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// wait is true after d, false when ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
