package bridge_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// command is an operator's, planned and executed.
func command(t *testing.T, b *bridge.Bridge, c inspect.Command) inspect.Operation {
	t.Helper()
	plan, err := b.Inspector().Plan(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	op, err := b.Inspector().Execute(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestPausesOutliveARestart(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("other", 1))
	seen := newJournal()
	clock := newTestClock()
	told := make(chan bridge.Paused, 10)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: seen.handler(nil)}, bridge.Topic{Name: "other", Handler: seen.handler(nil)})
	cfg.Clock = clock
	cfg.Hooks = &bridge.Hooks{Paused: func(p bridge.Paused) { told <- p }}
	b := start(t, cfg)
	held := func() bool {
		parts, err := b.Inspector().Partitions(t.Context())
		return err == nil && len(parts) == 2
	}
	eventually(t, "both topics are here", held)
	op := command(t, b.Bridge, inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Key: []byte("k1")}, Reason: "no job of it yet"})
	if len(op.Pauses) != 1 {
		t.Fatalf("%+v", op)
	}
	if p := <-told; p.Topic != "orders" || p.Lane != "k1" || p.Ended {
		t.Errorf("told %+v", p)
	}
	command(t, b.Bridge, inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "other"}, Until: clock.Now().Add(time.Hour)})
	<-told
	produce(t, broker, "orders", 100, 4, 1)
	produce(t, broker, "other", 10, 10, 1)
	eventually(t, "the other keys are done", func() bool { return openJobs(t, b.Bridge) == 25+10 })
	b.mustStop(t)

	b = start(t, cfg)
	eventually(t, "both topics are here again", held)
	if pauses, err := b.Inspector().Pauses(t.Context()); err != nil || len(pauses) != 2 || pauses[0].Reason == "" {
		t.Fatalf("%+v, %v", pauses, err)
	}
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k1")}, bridgetest.Record{Key: []byte("k2")})
	eventually(t, "what is not paused is done", func() bool { return openJobs(t, b.Bridge) == 26+10 })
	if n := countState(t, b.Bridge, inspect.Paused); n != 1+10 {
		t.Errorf("%d jobs are paused, want one head and all of the topic", n)
	}
	clock.advance(time.Hour)
	eventually(t, "the pause of the topic ends by itself", func() bool { return openJobs(t, b.Bridge) == 26 })
	if p := <-told; p.Topic != "other" || !p.Ended {
		t.Errorf("told %+v", p)
	}
	command(t, b.Bridge, inspect.Command{Verb: inspect.Resume, Select: inspect.Query{Topic: "orders", Key: []byte("k1")}})
	broker.WaitCommitted(t, "billing", "orders")
	broker.WaitCommitted(t, "billing", "other")
	seen.check(t, 112)
	for i := range 26 {
		if n := seen.ran("orders/0@" + strconv.Itoa(i)); n != 1 {
			t.Errorf("@%d ran %d times", i, n)
		}
	}
}

func TestAPauseMovesWithItsPartition(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	seen := newJournal()
	first, second := leaving(t, broker, seen.handler(nil)), leaving(t, broker, seen.handler(nil))
	query := inspect.Query{Topic: "orders", Key: []byte("k1")}
	assigned := make(chan struct{}, 2) // what another store has told is taken over by then
	first.Hooks = &bridge.Hooks{Assigned: func(bridge.Assigned) { assigned <- struct{}{} }}
	b := start(t, first)
	eventually(t, "the partition is here", func() bool { return len(assigned) == 1 })
	until := time.Now().Add(time.Hour).Add(time.Millisecond).Round(0)
	command(t, b.Bridge, inspect.Command{Verb: inspect.Pause, Select: query, Until: until, Reason: "why"})
	produce(t, broker, "orders", 40, 4, 1)
	eventually(t, "the other keys are done", func() bool { return openJobs(t, b.Bridge) == 10 })
	b.mustStop(t)

	b = start(t, second)
	eventually(t, "another store has the partition and its pause", func() bool { return openJobs(t, b.Bridge) == 10 })
	if n := countState(t, b.Bridge, inspect.Paused); n != 1 {
		t.Errorf("%d jobs are paused at the new owner", n)
	}
	b.mustStop(t)

	b = start(t, first)
	eventually(t, "the partition is back", func() bool { return len(assigned) == 2 })
	pauses, err := b.Inspector().Pauses(t.Context())
	if err != nil || len(pauses) != 1 || pauses[0].Reason != "why" || pauses[0].Lane != "k1" || !pauses[0].Until.Equal(until) {
		t.Errorf("its own pause has become %+v, %v", pauses, err)
	}
	command(t, b.Bridge, inspect.Command{Verb: inspect.Resume, Select: query})
	broker.WaitCommitted(t, "billing", "orders")
	seen.check(t, 40)
}
