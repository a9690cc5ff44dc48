package bridge_test

import (
	"context"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// TestOffsetIsCommittedWhileKafkaIsAskedAnew: our own commit is not taken for
// an offset that somebody has set.
func TestOffsetIsCommittedWhileKafkaIsAskedAnew(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	finish, rest, held := make(chan bool), make(chan bool, 64), make(chan error, 1)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		if job.Offset == 0 {
			<-finish
		}
		rest <- true
		return nil
	})})
	cfg.OnExternalReset = bridge.ResetFollow
	cfg.Hooks = &bridge.Hooks{Held: func(e bridge.Held) { held <- e.Err }}
	b := start(t, cfg)
	for range 9 {
		<-rest
	}
	eventually(t, "the start is committed", func() bool { return len(broker.Committed("billing", "orders")) == 1 })

	var once sync.Once
	release := make(chan func(), 1)
	broker.Control(bridgetest.OffsetFetch, func(kmsg.Request) (kmsg.Response, error, bool) {
		once.Do(func() { release <- broker.Hold(t, bridgetest.ListOffsets) })
		return nil, nil, false
	})
	broker.FailPartitions(bridgetest.Fetch, 1, sarama.ErrOffsetOutOfRange, "orders", 0)
	goOn := <-release
	close(finish)
	eventually(t, "the offset is committed", func() bool { return broker.Committed("billing", "orders")[0].Offset == 10 })
	goOn()
	<-rest
	produce(t, broker, "orders", 1, 1, 1)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	select {
	case err := <-held:
		t.Errorf("held: %v", err)
	default:
	}
	if n := len(rest); n != 1 {
		t.Errorf("%d jobs ran, want the one that came", n)
	}
}
