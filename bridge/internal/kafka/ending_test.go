package kafka

import (
	"context"
	"errors"
	"testing"

	"github.com/IBM/sarama"
)

// A claim ends for the reason that its session does, and at our own stop for that
// one, also where sarama has cancelled the session before it got the cause.
func TestWhyAClaimEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		ours, session error // causes; nil: goes on
		want          error
	}{
		{"the session goes on", nil, nil, ErrRevoked},
		{"a rebalance ends it", nil, sarama.ErrRebalanceInProgress, ErrRevoked},
		{"the member is forgotten", nil, sarama.ErrUnknownMemberId, ErrLost},
		{"a join has failed", nil, context.Canceled, ErrLost},
		{"we stop", ErrStopping, ErrStopping, ErrStopping},
		{"we stop, and sarama is faster", ErrStopping, context.Canceled, ErrStopping},
		{"the topics changed, and sarama is faster", errChanged, context.Canceled, ErrLost},
		{"the member is forgotten as we stop", ErrStopping, sarama.ErrUnknownMemberId, ErrLost},
	} {
		ours, stop := context.WithCancelCause(t.Context())
		session, end := context.WithCancelCause(context.Background())
		if tt.ours != nil {
			stop(tt.ours)
		}
		if tt.session != nil {
			end(tt.session)
		}
		messages := make(chan *sarama.ConsumerMessage)
		close(messages)
		m := &member{ctx: ours}
		if err := m.ended(session, messages); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		stop(nil)
		end(nil)
	}
}
