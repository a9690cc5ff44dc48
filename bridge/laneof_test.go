package bridge_test

import (
	"context"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

func TestLaneOf(t *testing.T) {
	t.Parallel()
	handler := bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return nil })
	scheme := partitioner.Scheme{Lanes: 8}
	laneOf, err := bridge.LaneOf(bridge.Config{Topics: []bridge.Topic{
		{Name: "orders", Handler: handler, Partitioner: scheme}, {Match: "audit\\..*", Handler: handler},
	}})
	if err != nil {
		t.Fatal(err)
	}
	lanes, err := partitioner.New(scheme)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := lanes.OfKey([]byte("anna"))
	if got, ok := laneOf("orders", []byte("anna"), nil); !ok || got.ID != want.ID {
		t.Errorf("lane %+v, %v; want %+v", got, ok, want)
	}
	if got, ok := laneOf("audit.eu", nil, []byte("anna")); !ok || string(got.Name) != "anna" {
		t.Errorf("lane %+v, %v", got, ok)
	}
	if _, ok := laneOf("payments", []byte("anna"), nil); ok {
		t.Error("a topic that is not configured has a lane")
	}
	if _, err := bridge.LaneOf(bridge.Config{}); err == nil {
		t.Error("a configuration without topics is accepted")
	}
}
