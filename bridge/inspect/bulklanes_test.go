package inspect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// newYard has jobs of which every lane is parked: 200 in each partition with so many
// jobs each, and so many of a single record.
func newYard(t *testing.T, partitions int32, each, singles int) *morgue {
	t.Helper()
	m := newStock(t, partitions, 200*each, 200)
	for _, p := range m.Attached() {
		m.appendSingles(p, singles)
	}
	m.end = queue.Park
	for m.jobs(inspect.Ready, inspect.Blocked) > 0 {
		m.execute(m.plan(inspect.Command{
			Verb: inspect.Park, Select: inspect.Query{Topic: "orders", States: []inspect.State{inspect.Ready, inspect.Blocked}, Limit: 250},
		}))
	}
	return m
}

// appendSingles appends records whose lanes are their own.
func (m *morgue) appendSingles(p *queue.Partition, n int) {
	m.t.Helper()
	recs := make([]queue.Record, n)
	for i := range recs {
		recs[i] = queue.Record{Offset: p.State().Next + int64(i), Timestamp: -1, Lane: queue.Lane{Own: true}}
	}
	must(m.t, errOf(p.Append(recs)))
}

// parked counts the lanes that are set aside and not released.
func (m *morgue) parked() (n int) {
	m.t.Helper()
	for _, lane := range parked(m.t, m.operator, inspect.Query{Topic: "orders"}) {
		if !lane.Released {
			n++
		}
	}
	return n
}

// inOrder finds lanes whose jobs did not run in the order of their offsets.
func (m *morgue) inOrder(lane string, offset int64) {
	if last, ok := m.last[lane]; ok && last > offset {
		m.t.Errorf("%s: %d ran after %d", lane, offset, last)
	}
	m.last[lane] = offset
}

func TestManyLanesAreParkedByAStoredOperation(t *testing.T) {
	t.Parallel()
	m := newStock(t, 3, 600, 200)
	c := ofOrders(inspect.Park)
	c.Rate, c.Reason = 1000, "ticket 7"
	p := m.plan(c)
	if !p.Background || p.Matched != 1800 || len(p.Jobs) != 600 || len(p.Cutoffs) != 3 || p.Cutoffs[1] != (inspect.Cutoff{Topic: "orders", Partition: 1, Below: 600, Jobs: 200}) {
		t.Fatalf("%d matched, %d lanes, up to %+v", p.Matched, len(p.Jobs), p.Cutoffs)
	}
	for _, part := range m.Attached() {
		m.append(part, 240, 240) // later records, also of lanes that the plan has not
	}
	id := m.execute(p).Stored.ID
	if !strings.HasPrefix(id, "pa-") {
		t.Error(id)
	}
	if other := m.plan(ofOrders(inspect.Retry)); len(other.Jobs) != 0 || len(other.Refused) == 0 || other.Refused[0].Count != 1800 {
		t.Errorf("a retry of the same: %d jobs, %+v", len(other.Jobs), other.Refused)
	}
	for _, taken := range []int{150, 400} {
		m.executes(func(ctx context.Context) context.Context { return ctx })
		m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken >= taken })
		m.close()
		m.open(3)
	}
	m.executes(func(ctx context.Context) context.Context { return ctx })
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Matched != 600 || op.Taken != 600 || op.Done != 600 || op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	if n := m.parked(); n != 600 {
		t.Errorf("%d lanes are parked, want 600: those after the plan were none of its", n)
	}
	if lanes := parked(t, m.operator, inspect.Query{Topic: "orders", Partitions: []int32{2}, Lane: []byte("k7")}); len(lanes) != 1 || lanes[0].Jobs != 4 || lanes[0].Reason != c.Reason {
		t.Errorf("%+v", lanes)
	}
}

// TestManyLanesAreReleasedOnceEach: over restarts, at a pace, each job once and in the
// order of its lane.
func TestManyLanesAreReleasedOnceEach(t *testing.T) {
	t.Parallel()
	m := newYard(t, 2, 3, 400)
	if n := m.parked(); n != 1200 {
		t.Fatalf("%d lanes are parked", n)
	}
	m.last = map[string]int64{}
	m.dies = func(tp queue.TopicPartition, offset int64) bool {
		if offset < 600 {
			m.inOrder(fmt.Sprintf("%s lane %d", tp, offset%200), offset)
		}
		return false
	}
	c := ofOrders(inspect.Release)
	c.Rate = 2000
	p := m.plan(c)
	if !p.Background || p.Matched != 1200 || len(p.Lanes) != 1200 || p.Pace.StopAt != inspect.DefaultStopAt {
		t.Fatalf("%d lanes, pace %+v", len(p.Lanes), p.Pace)
	}
	id := m.execute(p).Stored.ID
	if other := m.plan(ofOrders(inspect.Release)); len(other.Lanes) != 0 || count(other.AlreadyDone) != 1200 {
		t.Errorf("planned again: %d lanes, %+v", len(other.Lanes), other.AlreadyDone)
	}
	if other := m.plan(ofOrders(inspect.DiscardParked)); len(other.Lanes) != 0 || len(other.Refused) != 1 || !strings.Contains(other.Refused[0].Reason, "is about to release it; stop that first") {
		t.Errorf("a discard of the same: %d lanes, %+v", len(other.Lanes), other.Refused)
	}
	for _, taken := range []int{150, 500, 900} {
		m.start()
		m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken >= taken })
		m.close()
		m.open(2)
	}
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 1200 || op.Done != 1200 || op.ParkedAgain+op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(2 * (600 + 400))
	if n := m.parked() + m.jobs(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestALaneThatIsParkedAgainIsNotReleasedTwice: though the operation goes on, over a
// restart.
func TestALaneThatIsParkedAgainIsNotReleasedTwice(t *testing.T) {
	t.Parallel()
	m := newYard(t, 2, 1, 300)
	m.dies = func(_ queue.TopicPartition, offset int64) bool { return offset%5 == 0 }
	c := ofOrders(inspect.Release)
	c.Rate, c.StopAt = 1500, 1
	id := m.execute(m.plan(c)).Stored.ID
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken >= 400 })
	m.close()
	m.open(2)
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 1000 || op.Done != 800 || op.ParkedAgain != 200 || op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(1000)
	if n := m.parked(); n != 200 {
		t.Errorf("%d lanes are parked, want 200 that were again", n)
	}
}

func TestAReleaseStopsWhenTooManyAreParkedAgain(t *testing.T) {
	t.Parallel()
	m := newYard(t, 1, 1, 2000)
	m.dies = func(_ queue.TopicPartition, offset int64) bool { return offset%2 == 0 }
	id := m.execute(m.plan(ofOrders(inspect.Release))).Stored.ID
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationStopped || !strings.Contains(op.Reason, "lanes that ran are parked again") || op.Taken < 20 || op.Taken > 1500 || op.Taken != op.Done+op.ParkedAgain {
		t.Errorf("in the end %+v", op)
	}
}

// TestManyLanesAreDiscarded: those that were parked when the plan was made.
func TestManyLanesAreDiscarded(t *testing.T) {
	t.Parallel()
	m := newYard(t, 2, 2, 200)
	c := ofOrders(inspect.DiscardParked)
	c.Rate = 1000
	p := m.plan(c)
	for _, part := range m.Attached() {
		m.appendSingles(part, 10)
	}
	m.clock.move(time.Millisecond)
	m.execute(m.plan(inspect.Command{Verb: inspect.Park, Select: inspect.Query{Topic: "orders", States: []inspect.State{inspect.Ready}}}))
	id := m.execute(p).Stored.ID
	if !strings.HasPrefix(id, "dp-") {
		t.Error(id)
	}
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken >= 300 })
	m.close()
	m.open(2)
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 800 || op.Done != 800 || op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(0)
	if n := m.parked(); n != 20 {
		t.Errorf("%d lanes are parked, want 20 that were after the plan", n)
	}
}

// TestLanesOfPartitionsThatGo: they are waited for, and not for ever.
func TestLanesOfPartitionsThatGo(t *testing.T) {
	t.Parallel()
	m := newYard(t, 2, 1, 100)
	id := m.execute(m.plan(ofOrders(inspect.Release))).Stored.ID
	m.close()
	m.open(1)
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool {
		return op.Done == 300 && op.Reason == "waits for orders/1 to be held here"
	})
	m.clock.move(10 * time.Minute)
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 300 || count(op.Refused) != 300 || op.AlreadyDone != 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(300)
}

// TestExplainNamesTheReleaseThatIsAboutToCome: of a job in a parked lane.
func TestExplainNamesTheReleaseThatIsAboutToCome(t *testing.T) {
	t.Parallel()
	m := newYard(t, 1, 2, 100)
	id := m.execute(m.plan(ofOrders(inspect.Release))).Stored.ID
	for _, offset := range []int64{7, 207, 450} {
		e, err := m.operator.Explain(t.Context(), "orders", 0, &offset)
		must(t, err)
		if want := "operation " + id + " is about to release it."; e.NextStep != want {
			t.Errorf("%d: next %q, want %q", offset, e.NextStep, want)
		}
	}
}
