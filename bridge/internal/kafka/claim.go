package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Claim is one partition for as long as it is owned. Its methods may be called
// from several goroutines, and after the context of Own ended until Own returns.
type Claim struct {
	Topic     string
	Partition int32
	TopicID   string // "" where the broker has no topic ids
	Fixed     bool   // not balanced by the group
	// DrainWithin is how long Own may take to return once its context ended.
	DrainWithin time.Duration

	cluster *Cluster
	// member says as whom to commit; nil while there is no membership.
	member func() *membership
	// ended is done with the context of Own.
	ended <-chan struct{}
	// alone: a fixed partition without a membership to fence its commits.
	alone bool
	// sending holds the token of the one commit that may be on its way.
	sending chan struct{}

	mu       sync.Mutex
	released bool    // Own has returned; guarded by mu
	stream   *Stream // the latest one opened; guarded by mu
}

func (c *Cluster) newClaim(topic string, partition int32, id string, member func() *membership) *Claim {
	return &Claim{
		Topic: topic, Partition: partition, TopicID: id,
		DrainWithin: drainWithin(c.group.conf),
		cluster:     c,
		member:      member,
		sending:     make(chan struct{}, 1),
	}
}

// String names the partition, as orders/3.
func (c *Claim) String() string { return fmt.Sprintf("%s/%d", c.Topic, c.Partition) }

// hold runs Own until the claim ends and Own has returned; until has the end of
// the claim, and says why. A claim whose Own returned early is kept: with it
// the whole session would end.
func (c *Claim) hold(owner Owner, until func() error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c.ended = ctx.Done()
	owned := make(chan struct{})
	go func() {
		defer close(owned)
		owner.Own(ctx, c)
		c.release()
	}()
	cause := until()
	cancel(cause)
	c.cluster.log.Debug("partition ends", "partition", c.String(), "cause", cause)

	if errors.Is(cause, ErrRevoked) {
		late := time.AfterFunc(c.DrainWithin, func() {
			c.cluster.log.Warn("partition is not let go in time: the group may go on without this member",
				"partition", c.String(), "within", c.DrainWithin)
		})
		defer late.Stop()
	}
	<-owned
}

// release lets no commit out any more, and waits for the one on its way: the
// next owner's must come after it.
func (c *Claim) release() {
	c.mu.Lock()
	c.released = true
	stream := c.stream
	c.mu.Unlock()
	if stream != nil {
		_ = stream.Close()
	}
	c.sending <- struct{}{}
	<-c.sending
}

func (c *Claim) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.released
}

// forever is a lease without end: no clock reaches it.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Lease is until when jobs of the partition may start: the last time the group
// confirmed the membership, plus the session timeout. Far in the future for
// fixed partitions, zero once the context of Own has ended.
func (c *Claim) Lease() time.Time {
	select {
	case <-c.ended:
		return time.Time{}
	default:
	}
	if c.Fixed {
		return forever
	}
	return c.member().lease()
}
