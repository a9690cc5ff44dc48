package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

func TestDrainFinishesWhatIsStoredAndFetchesNoMore(t *testing.T) {
	t.Parallel()
	m := newMoved()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m}}})
	env.Produce("orders", keyed("w", "wait"), keyed("w", ""), keyed("h", "halt"), keyed("h", ""))
	<-m.waiting
	env.AwaitState("orders", 0, 3, inspect.Blocked)
	drained := make(chan error, 1)
	go func() { drained <- env.Bridge().Drain(t.Context()) }()
	i := env.Bridge().Inspector()
	eventually(t, "it is being drained", func() bool {
		status, err := i.Status(t.Context())
		return err == nil && status.Drain != nil && *status.Drain == inspect.Draining{Going: 2, Running: 1, Stuck: 2}
	})
	env.Produce("orders", keyed("new", ""))
	select {
	case err := <-drained:
		t.Fatalf("a job runs, and Drain returned %v", err)
	case <-time.After(3 * 50 * time.Millisecond): // it has looked
	}
	close(m.release)
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	if at := env.Committed("orders", 0); at != 2 {
		t.Errorf("committed %d, want that of the halted job", at)
	}
	if n := m.count(); n != 3 {
		t.Errorf("%d jobs ran, want those that were stored and can", n)
	}
	if status, err := i.Status(t.Context()); err != nil || status.Drain == nil || *status.Drain != (inspect.Draining{Empty: true, Stuck: 2}) {
		t.Errorf("the status has %+v, %v", status.Drain, err)
	}
	env.Operate(inspect.Command{Verb: inspect.Drain, Undo: true})
	env.Await("done", 3)
	if op := env.Operate(inspect.Command{Verb: inspect.Drain, Undo: true}); len(op.AlreadyDone) != 1 {
		t.Errorf("%+v", op)
	}
}

// draining is a bridge whose program drains it while a job runs, until the program
// gives up.
func draining(t *testing.T) (m *moved, env *bridgetest.Env, drained <-chan error, giveUp func()) {
	t.Helper()
	m = newMoved()
	env = bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m}}})
	env.Produce("orders", keyed("w", "wait"))
	<-m.waiting
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- env.Bridge().Drain(ctx) }()
	return m, env, result, cancel
}

func TestADrainThatIsGivenUpFetchesAgain(t *testing.T) {
	t.Parallel()
	m, env, drained, cancel := draining(t)
	cancel()
	if err := <-drained; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	env.Produce("orders", keyed("new", ""))
	env.Await("done", 1)
	close(m.release)
	env.AwaitCommitted("orders")
}

// Who waits for it gives up, and an operator wants it too.
func TestAnOperatorsDrainOutlivesThatOfTheProgram(t *testing.T) {
	t.Parallel()
	m, env, drained, cancel := draining(t)
	i, drain := env.Bridge().Inspector(), inspect.Command{Verb: inspect.Drain}
	eventually(t, "it is being drained", func() bool {
		status, err := i.Status(t.Context())
		return err == nil && status.Drain != nil
	})
	if op := env.Operate(drain); len(op.Says) != 1 || len(op.AlreadyDone) != 0 {
		t.Errorf("%+v", op)
	}
	if p, err := i.Plan(t.Context(), drain); err != nil || len(p.AlreadyDone) != 1 || p.AlreadyDone[0].Reason != "it is being drained" {
		t.Errorf("once more: %+v, %v", p, err)
	}
	cancel()
	if err := <-drained; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	env.Produce("orders", keyed("new", ""))
	close(m.release)
	eventually(t, "it is drained", func() bool {
		status, err := i.Status(t.Context())
		return err == nil && status.Drain != nil && status.Drain.Empty
	})
	if n := m.count(); n != 1 {
		t.Errorf("%d jobs ran, one of which came later", n)
	}
}

// With a halted job, what was done ahead of it is told to the next owner.
func TestADrainedBridgeLeavesItsGroup(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	b := newBook(func(job *bridge.Job) bool { return false })
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: b})
	produce(t, broker, "orders", 100, 10, 2)
	first := start(t, cfg)
	b.waitDone(t, 100)
	plan, err := first.Inspector().Plan(t.Context(), inspect.Command{Verb: inspect.Drain, Leave: true})
	if err != nil {
		t.Fatal(err)
	}
	if says := strings.Join(plan.Says, "\n"); !strings.Contains(says, "leaves its group") || !strings.Contains(says, "Nothing that is done runs again there") {
		t.Errorf("the plan says %s", says)
	}
	if _, err := first.Inspector().Execute(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the member has left", func() bool { return broker.Members("billing") == 0 })
	first.mustStop(t)
	broker.WaitCommitted(t, "billing", "orders")
	produce(t, broker, "orders", 100, 10, 2)
	next := cfg
	next.DataDir = t.TempDir()
	start(t, next)
	b.waitDone(t, 200)
	if _, again := b.count(); again > 0 {
		t.Errorf("%d jobs ran again", again)
	}
}

func TestLeaveStopsARunningBridge(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	produce(t, broker, "orders", 10, 10, 1)
	b := start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	command(t, b.Bridge, inspect.Command{Verb: inspect.Leave})
	eventually(t, "the member has left", func() bool { return broker.Members("billing") == 0 })
	b.mustStop(t)
	if err := b.Drain(t.Context()); !errors.Is(err, inspect.ErrNotRunning) {
		t.Errorf("%v", err)
	}
}
