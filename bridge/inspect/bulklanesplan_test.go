package inspect_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// TestALimitTakesTheFirstLanes: as the plan shows them, at a pace and however many
// partitions have some.
func TestALimitTakesTheFirstLanes(t *testing.T) {
	t.Parallel()
	m := newYard(t, 3, 1, 10)
	c := ofOrders(inspect.DiscardParked)
	c.Select.Limit, c.Rate = 300, 400
	p := m.plan(c)
	if len(p.Lanes) != 300 || p.Lanes[299].Partition != 1 {
		t.Fatalf("%d lanes, the last one %+v", len(p.Lanes), p.Lanes[len(p.Lanes)-1])
	}
	do(t, m.operator, inspect.Command{Verb: inspect.Release, Select: inspect.Query{Topic: "orders", Partitions: []int32{1}, Key: []byte("k50")}})
	id := m.execute(p).Stored.ID
	m.executes(func(ctx context.Context) context.Context { return ctx })
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 299 || op.AlreadyDone != 1 {
		t.Errorf("in the end %+v", op)
	}
	var left []int
	for number := range int32(3) {
		left = append(left, len(parked(t, m.operator, inspect.Query{Topic: "orders", Partitions: []int32{number}})))
	}
	if fmt.Sprint(left) != "[0 121 210]" {
		t.Errorf("%v are left", left)
	}
}

// TestLanesOfPartitionsThatWentBeforeTheCommand: they are refused, and not taken for
// done.
func TestLanesOfPartitionsThatWentBeforeTheCommand(t *testing.T) {
	t.Parallel()
	m := newYard(t, 2, 1, 100)
	p := m.plan(ofOrders(inspect.Release))
	m.Attached()[1].Detach()
	op := *m.execute(p).Stored
	if op.Matched != 600 || count(op.Refused) != 300 {
		t.Errorf("at first %+v", op)
	}
	m.start()
	if op = m.operation(op.ID, settled); op.Done != 300 || op.AlreadyDone != 0 || count(op.Refused) != 300 {
		t.Errorf("in the end %+v", op)
	}
}

// TestMoreLanesThanCanBeParked: each is refused once, whatever jobs it has.
func TestMoreLanesThanCanBeParked(t *testing.T) {
	t.Parallel()
	const lanes = queue.MaxParked + 44
	m := newStock(t, 1, 3*lanes, lanes)
	m.appendSingles(m.Attached()[0], 20)
	c := ofOrders(inspect.Park)
	c.Rate = 500
	p := m.plan(c)
	if want := []string{"44 of the 300 lanes with a key in orders/0 will be refused: it has room for 256 more parked ones."}; !slices.Equal(p.Says, want) {
		t.Errorf("the plan says %q, want %q", p.Says, want)
	}
	id := m.execute(p).Stored.ID
	m.executes(func(ctx context.Context) context.Context { return ctx })
	m.operation(id, func(op inspect.BulkOperation) bool { return count(op.Refused) > 0 })
	m.close()
	m.open(1)
	m.executes(func(ctx context.Context) context.Context { return ctx })
	op := m.operation(id, settled)
	if op.Matched != lanes+20 || op.Taken != queue.MaxParked+20 || countOf(op.Refused, queue.ErrTooManyParked.Error()) != 44 || op.AlreadyDone != 0 {
		t.Errorf("in the end %+v", op)
	}
	if n := m.parked(); n != queue.MaxParked+20 {
		t.Errorf("%d lanes are parked", n)
	}
	m.appendSingles(m.Attached()[0], 1)
	if p := m.plan(c); len(p.Says) != 1 || !strings.HasPrefix(p.Says[0], "44 of the 44 lanes") || !strings.Contains(p.Says[0], "room for 0 more") {
		t.Errorf("another plan says %q", p.Says)
	}
}

// TestLanesOfAPlanThoughTheClockWasSetBack: since they were parked.
func TestLanesOfAPlanThoughTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	m := newYard(t, 1, 1, 100)
	m.clock.move(-time.Hour)
	id := m.execute(m.plan(ofOrders(inspect.Release))).Stored.ID
	m.start()
	if op := m.operation(id, settled); op.Taken != 300 || op.AlreadyDone != 0 {
		t.Errorf("in the end %+v", op)
	}
}

// busyClock is a clock during whose first look something happens.
type busyClock struct {
	queue.SystemClock
	once    sync.Once
	happens func()
}

func (c *busyClock) Now() time.Time {
	now := time.Now()
	c.once.Do(c.happens)
	return now
}

// TestAPlanLeavesOutLanesThatAreParkedMeanwhile: of partitions that were looked at
// before it could not know.
func TestAPlanLeavesOutLanesThatAreParkedMeanwhile(t *testing.T) {
	t.Parallel()
	m := newYard(t, 1, 1, 10)
	m.appendSingles(m.Attached()[0], 5)
	clock := &busyClock{happens: func() {
		do(t, m.operator, inspect.Command{Verb: inspect.Park, Select: inspect.Query{Topic: "orders", States: []inspect.State{inspect.Ready}}})
	}}
	c := ofOrders(inspect.Release)
	c.Rate = 1000
	p, err := inspect.New(m.Store, inspect.Options{Clock: clock}).Plan(t.Context(), c)
	must(t, err)
	if p.Matched != 210 || len(p.Lanes) != 210 {
		t.Errorf("%d matched, %d lanes", p.Matched, len(p.Lanes))
	}
	id := m.execute(p).Stored.ID
	m.start()
	if op := m.operation(id, settled); op.Taken != 210 || m.parked() != 5 {
		t.Errorf("%d lanes are parked, and in the end %+v", m.parked(), op)
	}
}
