package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// membership is our part in the group for the length of one sarama session. A
// cooperative session lives on while generation and claims change under it.
type membership struct {
	session  sarama.ConsumerGroupSession
	instance *string
	timeout  time.Duration // of the session
	// over is closed when the session's Consume has returned.
	over   chan struct{}
	joined time.Time

	mu sync.Mutex
	// confirmed is when the request was sent whose answer last showed that the
	// coordinator counts on this member. Guarded by mu.
	confirmed time.Time
	// gone is the member id that the coordinator said it does not know (any
	// more). It never comes back under this id. Guarded by mu.
	gone string
}

// identity is what fences a request. Member id and generation are read one
// after the other: a pair that never belonged together is refused by the
// coordinator and retried.
func (m *membership) identity() (member string, generation int32) {
	return m.session.MemberID(), m.session.GenerationID()
}

// alive tells whether a refusal may be one that passes: the session is there,
// and so is the lease.
func (m *membership) alive() bool {
	select {
	case <-m.over:
		return false
	default:
		return time.Now().Before(m.lease())
	}
}

// answered notes what an answer to a request that member sent at sent says
// about the membership.
func (m *membership) answered(member string, sent time.Time, err sarama.KError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if member != m.session.MemberID() || member == m.gone {
		return
	}
	switch err {
	case sarama.ErrNoError, sarama.ErrRebalanceInProgress:
		if sent.After(m.confirmed) {
			m.confirmed = sent
		}
	case sarama.ErrUnknownMemberId, sarama.ErrFencedInstancedId:
		m.gone, m.confirmed = member, time.Time{}
	}
}

// lease is the moment before which the coordinator cannot have given our
// partitions away: it hears nothing for the session timeout first.
func (m *membership) lease() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.confirmed.IsZero() {
		return time.Time{}
	}
	return m.confirmed.Add(m.timeout)
}

// heartbeatMost is how long an answer is waited for, within half the session
// timeout. A later one confirms little, and while nobody answers the loop is to
// step nevertheless: sarama tries one broker after the other, which may take
// minutes.
const heartbeatMost = 30 * time.Second

// keepLease sends heartbeats of our own until ctx ends. sarama shows none of
// its heartbeats, and sends none during a cooperative join.
func (c *Cluster) keepLease(ctx context.Context, current func() *membership) {
	for {
		if m := current(); m != nil {
			patient, cancel := context.WithTimeout(ctx, min(heartbeatMost, c.cfg.SessionTimeout/2))
			c.heartbeat(patient, m)
			cancel()
		}
		c.step()
		if !wait(ctx, c.group.conf.Consumer.Group.Heartbeat.Interval) {
			return
		}
	}
}

func (c *Cluster) heartbeat(ctx context.Context, m *membership) {
	member, generation := m.identity()
	c.count(generation)
	sent := time.Now()
	answer, err := call(ctx, c, func() (sarama.KError, error) {
		var answer sarama.KError
		err := c.coordinate(func(coordinator *sarama.Broker) (sarama.KError, error) {
			sent = time.Now()
			response, err := coordinator.Heartbeat(&sarama.HeartbeatRequest{
				Version:         3, // the first with instance ids
				GroupId:         c.cfg.Group,
				MemberId:        member,
				GenerationId:    generation,
				GroupInstanceId: m.instance,
			})
			if err != nil {
				return 0, err
			}
			answer = response.Err
			return response.Err, nil
		})
		var refused sarama.KError
		if errors.As(err, &refused) {
			return answer, nil
		}
		return answer, err
	})
	if err != nil {
		c.log.Debug("heartbeat failed", "error", err)
		return
	}
	m.answered(member, sent, answer)
}
