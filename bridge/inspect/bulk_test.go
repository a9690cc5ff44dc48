package inspect_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

func TestPlanOfARequeueTellsWhatItIsAbout(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 3, 300)
	later := queue.Record{Offset: 300, Timestamp: -1, Key: []byte("k7"), Lane: queue.Lane{ID: 7, Name: []byte("k7")}}
	must(t, errOf(m.Attached()[1].Append([]queue.Record{later})))
	m.finishOne(queue.Outcome{Kind: queue.Done})
	m.Attached()[2].Detach()
	c := requeueOrders(100)
	c.Dead.ErrorMatches = "request 100(0|1)"
	p := m.plan(c)
	l := p.Letters
	if l.Overtaken == nil || *l.Overtaken != 2 { // 7 and 107 of one partition
		t.Errorf("%v are overtaken", l.Overtaken)
	}
	if p.Matched != 600 || l.Total != 900 || l.Keys == nil || *l.Keys != 300 || !p.Background || l.StopAt != inspect.DefaultStopAt || *l.Take != 4*time.Second {
		t.Errorf("matched %d, letters %+v", p.Matched, l)
	}
	if len(p.Errors) != 1 || p.Errors[0].Reason != "http 503: request #" || p.Errors[0].Count != 600 {
		t.Errorf("errors %+v", p.Errors)
	}
	if len(p.Dead) != 400 || len(p.Refused) != 1 || p.Refused[0].Count != 200 || len(p.DeadSample) != 10 {
		t.Errorf("%d letters, refused %+v", len(p.Dead), p.Refused)
	}
	if l.FirstBuried.IsZero() || l.LastBuried.Before(l.FirstBuried) || p.Command.Dead.BuriedBefore.Before(l.LastBuried) {
		t.Errorf("buried from %v to %v", l.FirstBuried, l.LastBuried)
	}
	if few := m.plan(inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders", Limit: 200}}); few.Background || few.Letters.StopAt != 1 {
		t.Errorf("a plan of %d letters is stored", len(few.Dead))
	}
}

func TestLettersThatWereBuriedWithoutAReasonAreAGroup(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 2, 2)
	s.Attached()[0].Lease(queue.Forever)
	job := make([]queue.Job, 1)
	if n, err := s.Take(t.Context(), job); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	must(t, s.Finish(queue.Finished{Job: &job[0], Outcome: queue.Outcome{Kind: queue.Halt, Error: "http 409"}}))
	i := inspect.New(s, inspect.Options{})
	do(t, i, inspect.Command{Verb: inspect.Bury, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{0, 1}}})
	p, err := i.Plan(t.Context(), requeueOrders(0))
	must(t, err)
	var got []string
	for _, group := range p.Errors {
		got = append(got, group.Reason)
	}
	if want := []string{"http 409", "no reason given"}; !slices.Equal(got, want) {
		t.Errorf("errors %q, want %q: the last one of a job that had failed", got, want)
	}
}

func TestManyLettersAreRequeuedByAStoredOperation(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 3, 500)
	p := m.plan(requeueOrders(0))
	stored := m.execute(p).Stored
	if stored == nil || stored.State != inspect.OperationRunning || stored.Matched != 1500 || stored.Actor != "uid 7 (eva)" || !strings.HasPrefix(stored.ID, "rq-") {
		t.Fatalf("stored %+v", stored)
	}
	if again := m.execute(p); again.Stored == nil || again.Stored.ID != stored.ID || len(again.AlreadyDone) != 1 {
		t.Errorf("executed again: %+v", again)
	}
	if other := m.plan(requeueOrders(0)); len(other.Dead) != 0 || len(other.AlreadyDone) != 1 || other.AlreadyDone[0].Count != 1500 || other.Background {
		t.Errorf("planned again: %d letters, %+v", len(other.Dead), other.AlreadyDone)
	}
	if other := m.plan(inspect.Command{Verb: inspect.Discard, Dead: inspect.DeadQuery{Topic: "orders"}}); len(other.Dead) != 0 || len(other.Refused) != 1 {
		t.Errorf("a discard of the same: %d letters, %+v", len(other.Dead), other.Refused)
	}
	m.start()
	op := m.operation(stored.ID, settled)
	if op.State != inspect.OperationDone || op.Taken != 1500 || op.Done != 1500 || op.DeadAgain != 0 || op.AlreadyDone != 0 || op.Ended.IsZero() || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(1500)
	if again := m.execute(p); again.Stored == nil || again.Stored.State != inspect.OperationDone || len(again.AlreadyDone) != 1 {
		t.Errorf("executed when it was over: %+v", again)
	}
	if n := m.letters(); n != 0 {
		t.Errorf("%d letters are left", n)
	}
}

// TestAnOperationGoesOnAfterARestart: whatever was under way is counted once.
func TestAnOperationGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 2, 1500)
	m.dies = func(_ queue.TopicPartition, offset int64) bool { return offset%10 == 0 }
	c := requeueOrders(4000)
	c.StopAt = 1
	op := m.executeOverRestarts(c)
	if op.State != inspect.OperationDone || op.Taken != 3000 || op.Done != 2700 || op.DeadAgain != 300 || op.AlreadyDone != 0 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(3000)
	if n := m.letters(); n != 300 {
		t.Errorf("%d letters are there, want 300 that died again", n)
	}
}

func TestARequeueStopsWhenTooManyDieAgain(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 3000)
	m.dies = func(_ queue.TopicPartition, offset int64) bool { return offset%2 == 0 }
	id := m.execute(m.plan(requeueOrders(0))).Stored.ID
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationStopped || !strings.Contains(op.Reason, "dead again") || op.Taken < 20 || op.Taken > 1500 || op.Taken != op.Done+op.DeadAgain {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(op.Taken)
	if n := m.letters(); n != 3000-op.Done {
		t.Errorf("%d letters are there, and %d jobs done", n, op.Done)
	}
}

// The first few jobs say little of the others.
func TestAFewDeadAgainStopNothing(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, inspect.LeastFinished-1)
	m.dies = func(queue.TopicPartition, int64) bool { return true }
	c := requeueOrders(0)
	c.StopAt = 0.01
	id := m.execute(m.plan(c)).Stored.ID
	m.start()
	if op := m.operation(id, settled); op.State != inspect.OperationDone || op.DeadAgain != inspect.LeastFinished-1 {
		t.Errorf("in the end %+v", op)
	}
}

func TestAnOperationIsStoppedByAnOperator(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 1000)
	id := m.execute(m.plan(requeueOrders(200))).Stored.ID
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken > 0 })
	stop := inspect.Command{Verb: inspect.StopOperation, Operation: id, Reason: "wrong topic"}
	p := m.plan(stop)
	if len(p.Operations) != 1 || p.Operations[0].ID != id || p.Operations[0].Left == nil {
		t.Fatalf("plan %+v", p)
	}
	if stopped := m.execute(p).Stored; stopped == nil || stopped.State != inspect.OperationStopped || stopped.Reason != "stopped by uid 7 (eva): wrong topic" {
		t.Fatalf("stopped: %+v", stopped)
	}
	op := m.operation(id, settled)
	if op.Taken == 1000 || op.Taken != op.Done {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(op.Taken)
	if again := m.execute(p); again.Stored != nil || len(again.AlreadyDone) != 1 {
		t.Errorf("stopped again: %+v", again)
	}
	if p, err := m.operator.Plan(t.Context(), inspect.Command{Verb: inspect.StopOperation, Operation: "rq-none"}); !errors.Is(err, inspect.ErrNotFound) {
		t.Errorf("plan for one that is not there: %+v, %v", p, err)
	}
	if rest := m.plan(requeueOrders(0)); len(rest.Dead) != 1000-op.Taken {
		t.Errorf("%d letters are left to requeue, %d were taken", len(rest.Dead), op.Taken)
	}
}

// TestAnOperationWaitsForItsPartitions: for those that are to come back, and not
// for ever.
func TestAnOperationWaitsForItsPartitions(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 3, 400)
	id := m.execute(m.plan(requeueOrders(0))).Stored.ID
	m.close()
	m.open(1)
	m.start()
	m.operation(id, func(op inspect.BulkOperation) bool {
		return op.Taken == 400 && strings.HasPrefix(op.Reason, "waits for orders/")
	})
	m.hold(1)
	m.operation(id, func(op inspect.BulkOperation) bool {
		return op.Taken == 800 && op.Reason == "waits for orders/2 to be held here"
	})
	m.clock.move(10 * time.Minute)
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.Done != 800 || len(op.Refused) != 1 || op.Refused[0].Count != 400 || len(op.Refused[0].Jobs) != 10 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(800)
}

// forlorn is a bridge that Kafka may not answer.
type forlorn struct {
	calm
	member *atomic.Bool
}

func (f forlorn) Lease() time.Time {
	if f.member.Load() {
		return queue.Forever
	}
	return time.Time{}
}

// TestAnOperationWaitsForKafka: a partition that is not held because nobody can tell
// whose it is has not gone elsewhere.
func TestAnOperationWaitsForKafka(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 2, 400)
	id := m.execute(m.plan(requeueOrders(0))).Stored.ID
	m.close()
	m.open(1)
	live := forlorn{member: &atomic.Bool{}}
	m.live = live
	m.operator = inspect.New(m.Store, m.options())
	m.start()
	const waits = "waits for orders/1 to be held here"
	m.operation(id, func(op inspect.BulkOperation) bool {
		return op.Taken == 400 && op.Reason == waits+", and Kafka does not confirm that this bridge is a member of its group"
	})
	e, err := m.operator.Explain(t.Context(), "orders", 1, nil)
	must(t, err)
	if text := e.String(); !strings.Contains(text, id+" by uid 7 (eva), 400 of 800 so far, "+waits) {
		t.Errorf("it explains %s", text)
	}
	m.clock.move(10 * time.Minute)
	live.member.Store(true)
	m.operation(id, func(op inspect.BulkOperation) bool { return op.Reason == waits })
	m.hold(1)
	if op := m.operation(id, settled); op.State != inspect.OperationDone || op.Done != 800 || len(op.Refused) > 0 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(800)
}

// TestTwoOperatorsAtOnce: both planned before the other one began.
func TestTwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 2, 700)
	m.start()
	plans := []inspect.Plan{m.plan(requeueOrders(0)), m.plan(requeueOrders(0))}
	ids := make([]string, len(plans))
	var both sync.WaitGroup
	for n, p := range plans {
		both.Go(func() {
			op, err := m.operator.Execute(context.Background(), p)
			if err != nil || op.Stored == nil {
				t.Errorf("operation %+v, %v", op, err)
				return
			}
			ids[n] = op.Stored.ID
		})
	}
	both.Wait()
	taken, already := 0, 0
	for _, id := range ids {
		op := m.operation(id, settled)
		taken, already = taken+op.Taken, already+op.AlreadyDone
		if op.State != inspect.OperationDone || len(op.Refused) > 0 {
			t.Errorf("in the end %+v", op)
		}
	}
	if taken != 1400 || already != 1400 || ids[0] == ids[1] {
		t.Errorf("%d taken, %d already done, by %v", taken, already, ids)
	}
	m.wantRuns(1400)
}

func TestManyLettersAreDiscarded(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 2, 600)
	c := inspect.Command{Verb: inspect.Discard, Dead: inspect.DeadQuery{Topic: "orders", Limit: 1000}}
	id := m.execute(m.plan(c)).Stored.ID
	m.start()
	if op := m.operation(id, settled); op.State != inspect.OperationDone || op.Taken != 1000 || op.Done != 1000 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(0)
	if n := m.letters(); n != 200 {
		t.Errorf("%d letters are left", n)
	}
}

func TestWhatSomebodyElseTookIsAlreadyDone(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 600)
	p := m.plan(requeueOrders(0))
	few := m.plan(inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders", Limit: 100}})
	if op := m.execute(few); len(op.Done) != 100 {
		t.Fatalf("%+v", op)
	}
	m.start()
	if op := m.operation(m.execute(p).Stored.ID, settled); op.Taken != 500 || op.AlreadyDone != 100 {
		t.Errorf("in the end %+v", op)
	}
	m.wantRuns(600)
}

func TestACommandWithoutABridge(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 600)
	m.close()
	off, err := inspect.Open(t.Context(), filepath.Dir(m.path), inspect.Options{})
	must(t, err)
	defer off.Close()
	paced, err := off.Plan(t.Context(), requeueOrders(5))
	must(t, err)
	whole, err := off.Plan(t.Context(), requeueOrders(0))
	must(t, err)
	if !paced.Background || whole.Background {
		t.Errorf("stored: %v with a pace, %v without", paced.Background, whole.Background)
	}
	op, err := off.Execute(t.Context(), whole)
	must(t, err)
	if len(op.Done) != 600 || op.Stored != nil {
		t.Errorf("operation %+v", op)
	}
	var entries []inspect.AuditEntry
	for e, err := range off.Audit(t.Context(), inspect.AuditQuery{}) {
		must(t, err)
		entries = append(entries, e)
	}
	if len(entries) != 1 || !entries[0].Offline || entries[0].Done != 600 || entries[0].Actor != inspect.Program {
		t.Errorf("audit %+v", entries)
	}
}

func TestPaceAndConditionAreChecked(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]inspect.Command{
		"have a rate, not pause":           {Verb: inspect.Pause, Select: inspect.Query{Topic: "orders"}, Rate: 1},
		"rate -1 cannot be":                requeueOrders(-1),
		"requeue, retry and release stop":  {Verb: inspect.Discard, Dead: inspect.DeadQuery{Topic: "orders"}, StopAt: 0.5},
		"in vain again, not skip":          {Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}, StopAt: 0.5},
		"no share of the jobs":             {Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders"}, StopAt: 1.5},
		"no operation is named":            {Verb: inspect.StopOperation},
		"it selects nothing else":          {Verb: inspect.StopOperation, Operation: "rq-1", Dead: inspect.DeadQuery{Topic: "orders"}},
		"an operation is named to stop it": {Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders"}, Operation: "rq-1"},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", c, err, want)
		}
	}
}

func TestExecutorEndsWithItsStore(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 300)
	m.execute(m.plan(requeueOrders(1)))
	ended := make(chan error, 1)
	go func() { ended <- inspect.ExecuteStored(context.Background(), m.Store, m.options()) }()
	must(t, m.Store.Close())
	select {
	case err := <-ended:
		if !errors.Is(err, queue.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
}
