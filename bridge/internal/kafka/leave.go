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
	if c.cfg.InstanceID == "" {
		return nil
	}
	_, err := call(ctx, c, func() (struct{}, error) {
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
	if err != nil && !errors.Is(err, sarama.ErrUnknownMemberId) { // forgotten already
		return fmt.Errorf("leave group %q as %q: %w", c.cfg.Group, c.cfg.InstanceID, err)
	}
	return nil
}

func refusal(answer *sarama.LeaveGroupResponse, err error) (sarama.KError, error) {
	if err != nil {
		return 0, err
	}
	return answer.Err, nil
}
