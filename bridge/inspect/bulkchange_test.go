package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// interrupted is a context that lets something happen when it is first looked at,
// once armed: between two pages of a list.
type interrupted struct {
	context.Context
	happens atomic.Pointer[func()]
}

func (c *interrupted) Err() error {
	if f := c.happens.Swap(nil); f != nil {
		(*f)()
	}
	return c.Context.Err()
}

// TestAnOperationOutlivesWhatHappensToItsPartition: while it looks for its jobs, the
// partition is moved back.
func TestAnOperationOutlivesWhatHappensToItsPartition(t *testing.T) {
	t.Parallel()
	m := newWard(t, 2, 600)
	c := ofOrders(inspect.Skip)
	c.Select.Partitions, c.Select.ErrorMatches, c.Rate = []int32{0}, `request 10000\d$`, 1000
	id := m.execute(m.plan(c)).Stored.ID
	ctx := &interrupted{}
	moves := func() {
		part := m.Attached()[0]
		must(t, part.Reset(0))
		m.append(part, 600, 600)
	}
	ctx.happens.Store(&moves)
	m.executes(func(of context.Context) context.Context { ctx.Context = of; return ctx })
	if op := m.operation(id, settled); op.State != inspect.OperationDone || op.Taken != 0 {
		t.Errorf("in the end %+v", op)
	}
	c.Select.Partitions = []int32{1}
	if op := m.operation(m.execute(m.plan(c)).Stored.ID, settled); op.Taken != 10 {
		t.Errorf("another one: %+v", op)
	}
}

// TestAPartitionIsGoneThroughOnce: also where it is elsewhere after a restart.
func TestAPartitionIsGoneThroughOnce(t *testing.T) {
	t.Parallel()
	m := newWard(t, 2, 300)
	few := m.plan(inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders", Limit: 10}})
	id := m.execute(m.plan(ofOrders(inspect.Skip))).Stored.ID
	part := m.Attached()[0]
	for _, j := range few.Jobs {
		found, err := part.Find(t.Context(), j.Offset)
		must(t, err)
		_, err = part.Skip(found[0])
		must(t, err)
	}
	m.close()
	m.open(1)
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool { return op.Reason == "waits for orders/1 to be held here" })
	m.close()
	m.open(0)
	m.hold(1)
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 590 || op.AlreadyDone != 10 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
}

// TestALimitCountsWhatWasTaken: jobs that run are refused, and none of the others
// is left for it.
func TestALimitCountsWhatWasTaken(t *testing.T) {
	t.Parallel()
	m := newStock(t, 1, 60, 60)
	jobs := make([]queue.Job, 50)
	if n, err := m.Take(t.Context(), jobs); n != 50 || err != nil {
		t.Fatal(n, err)
	}
	for n := range jobs[:30] {
		must(t, m.Finish(queue.Finished{Job: &jobs[n], Outcome: queue.Outcome{Kind: queue.Halt, Error: "no"}}))
	}
	must(t, m.Sync(t.Context()))
	c := ofOrders(inspect.Skip)
	c.Select.Limit, c.Rate = 50, 40
	p := m.plan(c)
	if len(p.Jobs) != 30 || len(p.Refused) != 1 || p.Refused[0].Count != 20 {
		t.Fatalf("%d jobs, refused %+v", len(p.Jobs), p.Refused)
	}
	id := m.execute(p).Stored.ID
	m.executes(func(ctx context.Context) context.Context { return ctx })
	if op := m.operation(id, settled); op.Taken != 30 || op.Done != 30 {
		t.Errorf("in the end %+v", op)
	}
	for n := range jobs[30:] {
		must(t, m.Finish(queue.Finished{Job: &jobs[30+n], Outcome: queue.Outcome{Kind: queue.Done}}))
	}
}

// TestAPlanIsOfTheTopicThatWas: jobs of one created anew have the same offsets.
func TestAPlanIsOfTheTopicThatWas(t *testing.T) {
	t.Parallel()
	m := newStock(t, 2, 300, 100)
	parts := m.Attached()
	for _, part := range parts {
		must(t, part.Configure("T", "key"))
	}
	p := m.plan(ofOrders(inspect.Skip))
	must(t, parts[0].Reset(0))
	must(t, parts[0].Configure("U", "key"))
	m.append(parts[0], 300, 100)
	op := m.execute(p)
	if op.Stored == nil || countOf(op.Stored.Refused, "its topic was deleted and created anew") != 300 {
		t.Errorf("executed: %+v", op.Stored)
	}
	must(t, parts[1].Reset(0))
	must(t, parts[1].Configure("U", "key"))
	p.Made = p.Made.Add(1) // the same is the operation's own
	if op, err := m.operator.Execute(t.Context(), p); !errors.Is(err, inspect.ErrRefused) || !strings.Contains(err.Error(), "created anew") {
		t.Errorf("executed: %+v, %v", op, err)
	}
}

// TestPartitionsThatGoBeforeTheCommandIsGiven are not told of as done.
func TestPartitionsThatGoBeforeTheCommandIsGiven(t *testing.T) {
	t.Parallel()
	m := newWard(t, 2, 300)
	p := m.plan(ofOrders(inspect.Skip))
	m.Attached()[1].Detach()
	m.start()
	op := m.operation(m.execute(p).Stored.ID, settled)
	if op.Taken != 300 || op.AlreadyDone != 0 || countOf(op.Refused, "its partition is not held here any more") != 300 {
		t.Errorf("in the end %+v", op)
	}
}

func countOf(groups []inspect.Group, reason string) (n int) {
	for _, g := range groups {
		if g.Reason == reason {
			n += g.Count
		}
	}
	return n
}

// TestAnOperationOfAVersionThatKnowsMore: it ends, and says why.
func TestAnOperationOfAVersionThatKnowsMore(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 10)
	began := time.Now()
	text, err := json.Marshal(map[string]any{
		"operation": inspect.BulkOperation{ID: "si-1", State: inspect.OperationRunning, Verb: "sing", Topic: "orders", Command: inspect.Command{Verb: "sing"}, Began: began},
		"plan_made": began,
	})
	must(t, err)
	m.put(queue.Operation{ID: "si-1", Began: began, Open: true, Data: text})
	m.start()
	op := m.operation("si-1", func(op inspect.BulkOperation) bool { return op.State != inspect.OperationRunning })
	if want := "this version cannot execute it: it knows no verb sing"; op.State != inspect.OperationFailed || op.Reason != want {
		t.Errorf("%s: %q", op.State, op.Reason)
	}
}

// TestAStopCountsWhatIsJustBeingTaken: the file says so first, and the stop comes
// before it is known what came of it.
func TestAStopCountsWhatIsJustBeingTaken(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 300)
	id := m.execute(m.plan(requeueOrders(0))).Stored.ID
	stored, _ := m.Operation(id)
	var state map[string]any
	must(t, json.Unmarshal(stored.Data, &state))
	state["out"] = map[int32][]byte{0: {0, 2, 1, 2}} // the letters 1 of offset 0 and 2 of offset 1
	var err error
	stored.Data, err = json.Marshal(state)
	must(t, err)
	m.put(stored)
	stop := m.execute(m.plan(inspect.Command{Verb: inspect.StopOperation, Operation: id}))
	if stop.Stored == nil || stop.Stored.Taken != 2 || stop.Stored.Waiting != 2 {
		t.Errorf("stopped: %+v", stop.Stored)
	}
}
