package kafka

import (
	"context"
	"errors"
	"regexp"
	"time"
)

// Cluster is a connection to Kafka as one group.
type Cluster struct{}

// Dial connects to the brokers. It fails with ErrUnreachable where none
// answers, and with a *ConfigError where Config.Tune took away what holdfast
// relies on.
func Dial(ctx context.Context, cfg Config) (*Cluster, error) { return nil, errors.ErrUnsupported }

// ID is the id of the Kafka cluster, "" where the broker has none.
func (c *Cluster) ID() string { return "" }

// Close ends the clients. A dynamic member leaves the group, a static one does
// not. Consume must have returned.
func (c *Cluster) Close() error { return nil }

// Stepped is when the heartbeat of the group, or its loop while there is no
// membership, last took a step: a process whose Stepped stays behind is stuck.
func (c *Cluster) Stepped() time.Time { return time.Time{} }

// Topic is one topic as the cluster has it.
type Topic struct {
	ID         string // base64url as Kafka prints it; "" where the broker has none
	Partitions []int32
}

// Topics returns those of names that exist, and every topic that one of the
// patterns matches as a whole. Internal topics are never matched by a pattern.
func (c *Cluster) Topics(ctx context.Context, names []string, patterns []*regexp.Regexp) (map[string]Topic, error) {
	return nil, errors.ErrUnsupported
}

// Subscription is what to consume.
type Subscription struct {
	Topics   []string
	Patterns []*regexp.Regexp
	Fixed    map[string][]int32 // taken as they are, not balanced by the group
}

// Owner takes the partitions. Own is called on a goroutine of its own for every
// partition taken; ctx ends when the claim does and context.Cause says why:
// ErrRevoked, ErrLost or ErrStopping. Own must return within Claim.DrainWithin
// after that. Where it returns earlier, the claim is kept, idle, until it ends.
type Owner interface {
	Own(ctx context.Context, c *Claim)
}

// Consume owns partitions until ctx ends or membership is refused for good.
// It returns nil when ctx ended, after each Own has returned.
func (c *Cluster) Consume(ctx context.Context, sub Subscription, owner Owner) error {
	return errors.ErrUnsupported
}

// Leave removes the static member from the group, so that its partitions go to
// others at once. Consume must have returned. A dynamic member has left by then.
func (c *Cluster) Leave(ctx context.Context) error { return errors.ErrUnsupported }
