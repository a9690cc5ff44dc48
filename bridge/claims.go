package bridge

import (
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// claims are the partitions that the bridge has, for people to look at: also
// those that are still being taken over, or wait for a person.
type claims struct {
	mu   sync.Mutex
	byTP map[queue.TopicPartition]*claimState // guarded by mu; its values, too
}

// claimState is how far the work under one claim has come.
type claimState struct {
	claim   *kafka.Claim
	since   time.Time
	working bool
	unused  bool  // the partition is not to be worked on
	err     error // why it is held for a person to decide
	errAt   time.Time

	committing  int64 // -1: nothing is on its way to Kafka
	commitSince time.Time
	commitErr   error // of the last try
}

func (c *claims) begin(claim *kafka.Claim, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byTP == nil {
		c.byTP = make(map[queue.TopicPartition]*claimState)
	}
	c.byTP[tpOf(claim)] = &claimState{claim: claim, since: now, committing: -1}
}

func (c *claims) end(claim *kafka.Claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byTP, tpOf(claim))
}

// set changes the state of a claim that has not ended.
func (c *claims) set(claim *kafka.Claim, change func(*claimState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.byTP[tpOf(claim)]; s != nil {
		change(s)
	}
}

// pending are the partitions that are still being taken over.
func (c *claims) pending() (list []queue.TopicPartition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for tp, s := range c.byTP {
		if !s.working && !s.unused && s.err == nil {
			list = append(list, tp)
		}
	}
	return list
}

// list returns copies.
func (c *claims) list() []claimState {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]claimState, 0, len(c.byTP))
	for _, s := range c.byTP {
		list = append(list, *s)
	}
	return list
}

func tpOf(claim *kafka.Claim) queue.TopicPartition {
	return queue.TopicPartition{Topic: claim.Topic, Partition: claim.Partition}
}
