package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// Leave removes the static member from the group, so that its partitions go to
// others at once. Consume must have returned. A dynamic member leaves at Close.
func (c *Cluster) Leave(ctx context.Context) error {
	_, err := c.RemoveMember(ctx)
	return err
}

// RemoveMember is Leave, and reports false where the group has no such member.
func (c *Cluster) RemoveMember(ctx context.Context) (was bool, err error) {
	if c.cfg.InstanceID == "" {
		return false, nil
	}
	_, err = call(ctx, c, func() (struct{}, error) {
		return struct{}{}, c.coordinate(func(coordinator *sarama.Broker) (sarama.KError, error) {
			answer, err := coordinator.LeaveGroup(&sarama.LeaveGroupRequest{
				Version: 3, // the first that takes members by instance id
				GroupId: c.cfg.Group,
				Members: []sarama.MemberIdentity{{GroupInstanceId: &c.cfg.InstanceID}},
			})
			if err != nil || answer.Err != sarama.ErrNoError {
				return refusal(answer, err)
			}
			for _, m := range answer.Members {
				if m.Err != sarama.ErrNoError {
					return m.Err, nil
				}
			}
			return sarama.ErrNoError, nil
		})
	})
	switch {
	case errors.Is(err, sarama.ErrUnknownMemberId): // forgotten already
		return false, nil
	case err != nil:
		return false, fmt.Errorf("leave group %q as %q: %w", c.cfg.Group, c.cfg.InstanceID, err)
	}
	return true, nil
}

func refusal(answer *sarama.LeaveGroupResponse, err error) (sarama.KError, error) {
	if err != nil {
		return 0, err
	}
	return answer.Err, nil
}
