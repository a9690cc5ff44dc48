package bridge_test

import (
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

func TestABudgetThatIsUsedUpIsTold(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	told := make(chan bridge.Throttled, 100)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	cfg.Budget.MinFree = 1 << 60 // no disk has that
	cfg.Hooks = &bridge.Hooks{Throttled: func(e bridge.Throttled) { told <- e }}
	start(t, cfg)
	select {
	case e := <-told:
		if e != (bridge.Throttled{Topic: "orders", Partition: 0, By: "budget"}) {
			t.Errorf("told %+v", e)
		}
	case <-time.After(patience):
		t.Error("nobody is told")
	}
}
