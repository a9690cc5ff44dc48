package bridge_test

import (
	"context"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// TestABridgeIsReadyWhileItsJobTakesLong, and alive until it has ended.
func TestABridgeIsReadyWhileItsJobTakesLong(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: []byte("v")})
	running, finish := make(chan struct{}), make(chan struct{})
	b := start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error {
		close(running)
		<-finish
		return nil
	})}))
	<-running
	eventually(t, "the bridge is ready", func() bool { return b.Health().Ready })
	h := b.Health()
	if !h.Alive || h.State != inspect.StateRunning || len(h.Parts) != 5 || len(h.Problems) > 0 {
		t.Errorf("health %+v", h)
	}
	for _, p := range h.Parts {
		if p.SilentSeconds > p.LimitSeconds/2 {
			t.Errorf("%+v", p)
		}
	}
	close(finish)
	b.mustStop(t)
	if h := b.Health(); h.Alive || h.Ready || h.State != inspect.StateEnded {
		t.Errorf("health after the end: %+v", h)
	}
}

// TestABridgeOutlivesAnOutageOfKafka: it is alive and not ready, so that nobody
// restarts it, and ready again afterwards.
func TestABridgeOutlivesAnOutageOfKafka(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	b := start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)}))
	eventually(t, "the bridge is ready", func() bool { return b.Health().Ready })
	broker.Stop(t)
	eventually(t, "the bridge is not ready", func() bool { return !b.Health().Ready })
	if h := b.Health(); !h.Alive || len(h.Problems) != 1 {
		t.Errorf("health without Kafka: %+v", h)
	}
	broker.Start(t)
	eventually(t, "the bridge is ready again", func() bool { return b.Health().Ready })
}
