package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
)

// describe asks the coordinator for the group's state and members.
func (c *Cluster) describe(ctx context.Context) (*sarama.GroupDescription, error) {
	group, _, err := c.describeBy(ctx)
	return group, err
}

// describeBy is describe and the coordinator's address, which is empty where it
// had to be asked again: it may be another one now, or have started anew.
func (c *Cluster) describeBy(ctx context.Context) (_ *sarama.GroupDescription, by string, _ error) {
	type description struct {
		group *sarama.GroupDescription
		by    string
	}
	d, err := call(ctx, c, func() (d description, err error) {
		asked := 0
		err = c.coordinate(func(coordinator *sarama.Broker) (sarama.KError, error) {
			if asked++; asked == 1 {
				d.by = coordinator.Addr()
			} else {
				d.by = ""
			}
			answer, err := coordinator.DescribeGroups(&sarama.DescribeGroupsRequest{Version: 4, Groups: []string{c.cfg.Group}})
			if err != nil {
				return 0, err
			}
			for _, g := range answer.Groups {
				if g.GroupId == c.cfg.Group {
					d.group = g
					return g.Err, nil
				}
			}
			return 0, sarama.ErrIncompleteResponse
		})
		return d, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("describe group %q: %w", c.cfg.Group, err)
	}
	return d.group, d.by, nil
}

// renew removes what an earlier process left of our static membership where it
// no longer fits. To a static member that comes back the coordinator gives what
// it had before, without asking the leader for a new assignment: topics that
// are new in the subscription, and partitions that were added meanwhile, would
// not be consumed before something else makes the group rebalance.
func (c *Cluster) renew(ctx context.Context, topics map[string]Topic) error {
	if c.cfg.InstanceID == "" {
		return nil
	}
	group, err := c.describe(ctx)
	if errors.Is(err, sarama.ErrGroupAuthorizationFailed) { // who may join may do without; who may not is told so by the join
		return nil
	}
	if err != nil || group.State != "Stable" || fits(group, c.cfg.InstanceID, topics) {
		return err
	}
	c.log.Info("the subscription changed while the static member was away: it joins anew",
		"group", c.cfg.Group, "instance", c.cfg.InstanceID)
	return c.Leave(ctx)
}

// fits tells whether the group needs no new assignment when the static member
// of this name comes back subscribed to topics: it did subscribe to the same,
// and every partition of them belongs to some member. It also fits where the
// group does not know the member: then it asks the leader by itself.
func fits(group *sarama.GroupDescription, instance string, topics map[string]Topic) bool {
	assigned := make(map[partition]bool)
	var old *sarama.GroupMemberDescription
	for _, m := range group.Members {
		if m.GroupInstanceId != nil && *m.GroupInstanceId == instance {
			old = m
		}
		assignment, err := m.GetMemberAssignment()
		if err != nil || assignment == nil {
			continue
		}
		for topic, numbers := range assignment.Topics {
			for _, n := range numbers {
				assigned[partition{topic, n}] = true
			}
		}
	}
	if old == nil {
		return true
	}
	if !subscribes(old, topics) {
		return false
	}
	for name, topic := range topics {
		for _, n := range topic.Partitions {
			if !assigned[partition{name, n}] {
				return false
			}
		}
	}
	return true
}

func subscribes(m *sarama.GroupMemberDescription, topics map[string]Topic) bool {
	metadata, err := m.GetMemberMetadata()
	if err != nil || metadata == nil || len(metadata.Topics) != len(topics) {
		return false
	}
	return !slices.ContainsFunc(metadata.Topics, func(name string) bool {
		_, ours := topics[name]
		return !ours
	})
}
