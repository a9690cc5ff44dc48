package bridge

import (
	"context"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

// sendDead sends copies of dead letters to the topics that the configuration
// names, also those of partitions that are no longer ours, until ctx ends. Each
// topic has a courier while there is something for it: one that is not available
// holds up no other, and nothing else of the bridge.
func (r *run) sendDead(ctx context.Context) error {
	var couriers sync.WaitGroup
	defer couriers.Wait()
	var mu sync.Mutex
	busy := make(map[string]bool) // guarded by mu; topics with a courier
	return every(ctx, lookEvery, func() {
		for topic := range r.unsentByTopic() {
			mu.Lock()
			idle := !busy[topic]
			busy[topic] = true
			mu.Unlock()
			if !idle {
				continue
			}
			couriers.Go(func() {
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					delete(busy, topic)
				}()
				(&courier{run: r, topic: topic}).work(ctx)
			})
		}
	})
}

// outages tells which topics take no copies of dead letters, and why.
type outages struct {
	mu      sync.Mutex
	byTopic map[string]outage // guarded by mu
}

type outage struct {
	since time.Time
	err   error
}

func (o *outages) begin(topic string, since time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byTopic == nil {
		o.byTopic = make(map[string]outage)
	}
	o.byTopic[topic] = outage{since, err}
}

func (o *outages) end(topic string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byTopic, topic)
}

func (o *outages) of(topic string) (outage, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, is := o.byTopic[topic]
	return now, is
}

// unsentByTopic returns the partitions that have letters to send, by the topic
// that their copies go to.
func (r *run) unsentByTopic() map[string][]source {
	topics := make(map[string][]source)
	for _, c := range r.store.DeadCounts() {
		if c.Unsent == 0 {
			continue
		}
		to, err := r.routes.find(c.Topic)
		if err != nil || to.dead.topic == "" { // no longer configured: its letters stay
			continue
		}
		topics[to.dead.topic] = append(topics[to.dead.topic], source{c.TopicPartition, to})
	}
	return topics
}

// source is a partition that has letters to send.
type source struct {
	queue.TopicPartition
	to *route
}

// deadTo is where copies of dead letters go, ready to use.
type deadTo struct {
	topic     string // "": nowhere
	placement partitioner.Placement
}

func newDeadTo(d DeadLetter) (*deadTo, error) {
	to := &deadTo{topic: d.Topic}
	var err error
	to.placement.Hash, err = hashNamed(d.Partitioner)
	return to, err
}

// copiesDead tells whether some topic has another one for its dead letters.
func (r *routes) copiesDead() bool {
	for to := range r.all() {
		if to.dead.topic != "" {
			return true
		}
	}
	return false
}

// placeOf places the copies of a partition's letters. Those without a key share
// a partition, so that their order stays as well.
func (d *deadTo) placeOf(source int32) func(key []byte, partitions int32) int32 {
	return func(key []byte, partitions int32) int32 {
		if key == nil {
			return source % partitions
		}
		return d.placement.Partition(key, partitions)
	}
}

// deadPolicy tells the store what is to become of a topic's dead letters. Those
// of a topic that is not configured any more are kept.
func (b *Bridge) deadPolicy(topic string) queue.DeadPolicy {
	to, err := b.routes.find(topic)
	if err != nil {
		return queue.DeadPolicy{}
	}
	return queue.DeadPolicy{Keep: to.keeping.age, KeepBytes: to.keeping.bytes, Outbox: to.outbox}
}
