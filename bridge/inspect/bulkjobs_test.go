package inspect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// newWard halts n jobs, each in a lane of its own, in each of so many partitions.
func newWard(t *testing.T, partitions int32, n int) *morgue {
	t.Helper()
	m := newStock(t, partitions, n, n)
	m.giveUp(int(partitions)*n, queue.Halt)
	m.end = queue.Halt
	return m
}

func ofOrders(verb inspect.Verb) inspect.Command {
	return inspect.Command{Verb: verb, Select: inspect.Query{Topic: "orders"}}
}

func (m *morgue) jobs(states ...inspect.State) (n int) {
	m.t.Helper()
	for _, err := range m.operator.Jobs(m.t.Context(), inspect.Query{States: states}) {
		must(m.t, err)
		n++
	}
	return n
}

func TestManyJobsAreRetriedByAStoredOperation(t *testing.T) {
	t.Parallel()
	m := newWard(t, 3, 500)
	c := ofOrders(inspect.Retry)
	c.Rate = 100_000
	p := m.plan(c)
	if !p.Background || len(p.Jobs) != 1500 || p.Pace == nil || p.Pace.StopAt != inspect.DefaultStopAt || p.Pace.Take == nil || len(p.Cutoffs) != 3 ||
		p.Cutoffs[2] != (inspect.Cutoff{Topic: "orders", Partition: 2, Below: 500, Jobs: 500}) {
		t.Fatalf("%d jobs, pace %+v, up to %+v", len(p.Jobs), p.Pace, p.Cutoffs)
	}
	stored := m.execute(p).Stored
	if stored == nil || stored.Matched != 1500 || !strings.HasPrefix(stored.ID, "re-") {
		t.Fatalf("stored %+v", stored)
	}
	if again := m.execute(p); again.Stored == nil || again.Stored.ID != stored.ID || len(again.AlreadyDone) != 1 {
		t.Errorf("executed again: %+v", again)
	}
	if other := m.plan(ofOrders(inspect.Retry)); other.Background || len(other.Jobs) != 0 || len(other.AlreadyDone) != 1 || other.AlreadyDone[0].Count != 1500 {
		t.Errorf("planned again: %d jobs, %+v", len(other.Jobs), other.AlreadyDone)
	}
	if other := m.plan(ofOrders(inspect.Skip)); len(other.Jobs) != 0 || len(other.Refused) != 1 || !strings.Contains(other.Refused[0].Reason, "stop that first") {
		t.Errorf("a skip of the same: %d jobs, %+v", len(other.Jobs), other.Refused)
	}
	m.start()
	op := m.operation(stored.ID, settled)
	if op.State != inspect.OperationDone || op.Taken != 1500 || op.Done != 1500 || op.FailedAgain+op.DeadAgain+op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(1500)
	if n := m.jobs(); n != 0 {
		t.Errorf("%d jobs are open", n)
	}
	if again := m.execute(p); again.Stored == nil || again.Stored.State != inspect.OperationDone || len(again.AlreadyDone) != 1 {
		t.Errorf("executed when it was over: %+v", again)
	}
}

// TestARetryGoesOnAfterARestart: what fails again is not retried twice.
func TestARetryGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	m := newWard(t, 2, 1500)
	m.dies = func(_ queue.TopicPartition, offset int64) bool { return offset%10 == 0 }
	c := ofOrders(inspect.Retry)
	c.Rate, c.StopAt = 4000, 1
	op := m.executeOverRestarts(c)
	if op.State != inspect.OperationDone || op.Taken != 3000 || op.Done != 2700 || op.FailedAgain != 300 || op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(3000)
	if n := m.jobs(inspect.Halted); n != 300 {
		t.Errorf("%d jobs are halted, want 300 that failed again", n)
	}
}

// A job that dies for good fails again, as one that waits for its next attempt does.
func TestARetryStopsWhenTooManyFailAgain(t *testing.T) {
	t.Parallel()
	for _, end := range []queue.Kind{queue.Halt, queue.Bury, queue.Retry, queue.Park} {
		t.Run(end.String(), func(t *testing.T) {
			t.Parallel()
			m := newWard(t, 1, 3000)
			m.end = end
			m.dies = func(_ queue.TopicPartition, offset int64) bool { return offset%2 == 0 && m.first(offset) }
			c := ofOrders(inspect.Retry)
			c.ResetAttempts = true
			id := m.execute(m.plan(c)).Stored.ID
			m.start()
			op := m.operation(id, settled)
			if op.State != inspect.OperationStopped || !strings.Contains(op.Reason, "have failed again") || op.Taken < 20 || op.Taken > 1500 || op.Taken != op.Done+op.FailedAgain {
				t.Errorf("in the end %+v", op)
			}
		})
	}
}

// What fails again is counted, though it is done by its own retry before anybody
// has looked.
func TestARetryThatFailsAndThenSucceedsHasFailedAgain(t *testing.T) {
	t.Parallel()
	for _, reset := range []bool{false, true} {
		m := newWard(t, 2, 100)
		m.end, m.due = queue.Retry, 0
		m.dies = func(tp queue.TopicPartition, offset int64) bool {
			return tp.Partition == 0 && offset%10 == 0 && m.first(offset)
		}
		c := ofOrders(inspect.Retry)
		c.Rate, c.StopAt, c.ResetAttempts = 100_000, 1, reset
		id := m.execute(m.plan(c)).Stored.ID
		m.start()
		op := m.operation(id, settled)
		if op.State != inspect.OperationDone || op.Taken != 200 || op.FailedAgain != 10 || op.Done != 190 {
			t.Errorf("attempts reset: %v: in the end %+v", reset, op)
		}
		if n := m.jobs(); n != 0 {
			t.Errorf("%d jobs are open", n)
		}
	}
}

// first tells whether a job has run once since it was retried. It is called with mu
// held.
func (m *morgue) first(offset int64) bool { return m.runs[fmt.Sprintf("orders/0@%d", offset)] == 1 }

// TestManyJobsAreSkippedWhileOthersRun: each is skipped or has run, and those that
// came after the plan run.
func TestManyJobsAreSkippedWhileOthersRun(t *testing.T) {
	t.Parallel()
	m := newStock(t, 3, 2000, 50)
	m.dies = func(queue.TopicPartition, int64) bool {
		time.Sleep(time.Millisecond) // some of them run
		return false
	}
	p := m.plan(ofOrders(inspect.Skip))
	for _, part := range m.Attached() {
		m.append(part, 100, 50)
	}
	id := m.execute(p).Stored.ID
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Matched != 6000 || op.Taken != op.Done || op.Taken < 1 {
		t.Errorf("in the end %+v", op)
	}
	for end := time.Now().Add(patience); m.jobs() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d jobs are open", m.jobs())
		}
	}
	m.wantRuns(6300 - op.Taken)
	for number := range 3 {
		for offset := 2000; offset < 2100; offset++ {
			if name := fmt.Sprintf("orders/%d@%d", number, offset); m.ran(name) != 1 {
				t.Errorf("%s came after the plan and was skipped", name)
			}
		}
	}
}

func (m *morgue) ran(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[name]
}

// TestManyJobsAreBuriedOnceEach: over a restart, at a pace.
func TestManyJobsAreBuriedOnceEach(t *testing.T) {
	t.Parallel()
	m := newWard(t, 2, 400)
	c := ofOrders(inspect.Bury)
	c.Rate, c.Reason = 2000, "the shop is closed"
	id := m.execute(m.plan(c)).Stored.ID
	if !strings.HasPrefix(id, "bu-") {
		t.Error(id)
	}
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken >= 300 })
	m.close()
	m.open(2)
	m.start()
	if op := m.operation(id, settled); op.State != inspect.OperationDone || op.Taken != 800 || op.Done != 800 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(0)
	if n := m.letters(); n != 800 {
		t.Errorf("%d letters", n)
	}
	for _, d := range m.DeadCounts() {
		if d.Burials != 400 {
			t.Errorf("%+v", d)
		}
	}
	for l, err := range m.operator.Dead(t.Context(), inspect.DeadQuery{Limit: 1}) {
		if must(t, err); l.Reason != c.Reason {
			t.Errorf("buried because %q", l.Reason)
		}
	}
}

// TestALimitTakesTheFirstJobs: as the plan shows them, though each partition is gone
// through from its end.
func TestALimitTakesTheFirstJobs(t *testing.T) {
	t.Parallel()
	m := newWard(t, 3, 300)
	c := ofOrders(inspect.Skip)
	c.Select.Limit, c.Select.From = 400, 50
	p := m.plan(c)
	if len(p.Cutoffs) != 2 || p.Cutoffs[1].Below != 200 || p.Cutoffs[1].Jobs != 150 {
		t.Errorf("up to %+v", p.Cutoffs)
	}
	id := m.execute(p).Stored.ID
	m.start()
	if op := m.operation(id, settled); op.Taken != 400 || op.AlreadyDone != 0 {
		t.Errorf("in the end %+v", op)
	}
	var left []int
	for number := range int32(3) {
		n := 0
		for job, err := range m.operator.Jobs(t.Context(), inspect.Query{Topic: "orders", Partitions: []int32{number}}) {
			must(t, err)
			if n++; number == 1 && job.Offset >= 50 && job.Offset < 200 {
				t.Errorf("%s is left", job)
			}
		}
		left = append(left, n)
	}
	if fmt.Sprint(left) != "[50 150 300]" {
		t.Errorf("%v are left", left)
	}
}

// TestJobsByTheirOffsets: as many as fit into a stored command.
func TestJobsByTheirOffsets(t *testing.T) {
	t.Parallel()
	m := newWard(t, 1, 1200)
	c := ofOrders(inspect.Skip)
	c.Select.Partitions = []int32{0}
	for offset := range int64(1000) {
		c.Select.Offsets = append(c.Select.Offsets, 1100-offset)
	}
	id := m.execute(m.plan(c)).Stored.ID
	m.start()
	if op := m.operation(id, settled); op.Taken != 1000 || op.Done != 1000 {
		t.Errorf("in the end %+v", op)
	}
	if n := m.jobs(); n != 200 {
		t.Errorf("%d are left", n)
	}
}

// TestJobsOfPartitionsThatGo: they are waited for, and not for ever.
func TestJobsOfPartitionsThatGo(t *testing.T) {
	t.Parallel()
	m := newWard(t, 2, 300)
	id := m.execute(m.plan(ofOrders(inspect.Retry))).Stored.ID
	m.close()
	m.open(1)
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool {
		return op.Done == 300 && op.Reason == "waits for orders/1 to be held here"
	})
	m.clock.move(10 * time.Minute)
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 300 || len(op.Refused) != 1 || op.Refused[0].Count != 300 || op.AlreadyDone != 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(300)
}

// TestJobsThatASeekBroughtBack: whoever has moved the partition wants them to run,
// also where it has caught up by the time the operation looks.
func TestJobsThatASeekBroughtBack(t *testing.T) {
	t.Parallel()
	m := newWard(t, 1, 600)
	part := m.Attached()[0]
	c := ofOrders(inspect.Skip)
	c.Select.From = 300
	c.Rate = 100
	skip := func(n int) {
		m.execute(m.plan(inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders", Limit: n}}))
	}
	skip(100)
	id := m.execute(m.plan(c)).Stored.ID
	must(t, part.Reset(50))
	m.append(part, 550, 550)
	skip(50)
	must(t, m.Sync(t.Context()))
	if f := part.Frontier(); f != 100 {
		t.Fatalf("frontier %d, where it was before is 100", f)
	}
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Taken != 0 || len(op.Refused) != 1 || op.Refused[0].Reason != "its partition was moved back since" || op.Refused[0].Count != 300 {
		t.Errorf("in the end %+v", op)
	}
}

// TestARetryOfWhatRunsByItself: a job that has failed since the plan was made is not
// retried at once.
func TestARetryOfWhatRunsByItself(t *testing.T) {
	t.Parallel()
	m := newWard(t, 1, 400)
	p := m.plan(ofOrders(inspect.Retry))
	few := m.plan(inspect.Command{Verb: inspect.Retry, Select: inspect.Query{Topic: "orders", Limit: 100}})
	if op := m.execute(few); len(op.Done) != 100 {
		t.Fatalf("%+v", op)
	}
	m.giveUp(100, queue.Halt)
	m.start()
	if op := m.operation(m.execute(p).Stored.ID, settled); op.Taken != 300 || op.Done != 300 || op.AlreadyDone != 100 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(300)
}

// TestARetryOfWhatFailedDuringThePlan: it takes its time to look through many jobs.
func TestARetryOfWhatFailedDuringThePlan(t *testing.T) {
	t.Parallel()
	m := newWard(t, 1, 400)
	begun := false
	m.operator = inspect.New(m.Store, inspect.Options{Clock: askedClock{m.clock, func() {
		if !begun {
			begun = true
			part := m.Attached()[0]
			found, err := part.Find(t.Context(), 7)
			must(t, err)
			_, err = part.Retry(found[0], false)
			must(t, err)
			m.giveUp(1, queue.Halt)
		}
	}}})
	p := m.plan(ofOrders(inspect.Retry))
	if len(p.Jobs) != 400 {
		t.Fatalf("%d jobs", len(p.Jobs))
	}
	m.start()
	if op := m.operation(m.execute(p).Stored.ID, settled); op.Taken != 400 {
		t.Errorf("in the end %+v", op)
	}
}

// askedClock does something once it has been asked for the time.
type askedClock struct {
	queue.Clock
	then func()
}

func (c askedClock) Now() time.Time {
	defer c.then()
	return c.Clock.Now()
}

// TestExplainNamesTheOperationThatIsAboutToAct: of a job, and of a dead letter.
func TestExplainNamesTheOperationThatIsAboutToAct(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]inspect.Command{"retry": ofOrders(inspect.Retry), "requeue": requeueOrders(0)} {
		m := newWard(t, 1, 300)
		if name == "requeue" {
			m = newMorgue(t, 1, 300)
		}
		offset := int64(7)
		if e, err := m.operator.Explain(t.Context(), "orders", 0, &offset); err != nil || strings.Contains(e.NextStep, "operation") {
			t.Errorf("before: %s, %v", e.NextStep, err)
		}
		id := m.execute(m.plan(c)).Stored.ID
		e, err := m.operator.Explain(t.Context(), "orders", 0, &offset)
		must(t, err)
		if want := "operation " + id + " is about to " + name + " it."; e.NextStep != want || len(e.Actions) != 2 || e.Actions[1].Command != "holdfast operations stop --id "+id {
			t.Errorf("next %q, want %q; one can %+v", e.NextStep, want, e.Actions)
		}
	}
}
