package bridge_test

import (
	"context"
	"sync"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// TestStoredTellsWhatBecomesJobs where another owner has completed the last
// records of what is read.
func TestStoredTellsWhatBecomesJobs(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	commitWith(t, broker, "orders", 0, 0, recovery.Stamp{
		TopicID: broker.TopicID("orders"), StoreID: "other", Epoch: 1,
		Ahead: []queue.Range{{From: 2, To: 4}, {From: 7, To: 10}},
	}.Encode())
	var mu sync.Mutex
	var told []bridge.Stored
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return nil })})
	cfg.Hooks = &bridge.Hooks{Stored: func(e bridge.Stored) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
	}}
	b := start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	jobs := 0
	for _, e := range told {
		jobs += e.Records
	}
	if last := told[len(told)-1].Last; jobs != 5 || told[0].First != 0 || last != 9 {
		t.Errorf("%d jobs were stored: %+v", jobs, told)
	}
}
