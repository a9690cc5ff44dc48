package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// TestForgottenJobsAreNotDone: neither those that were requeued nor those that were
// retried.
func TestForgottenJobsAreNotDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]inspect.Command{"requeue": requeueOrders(0), "retry": ofOrders(inspect.Retry)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newWard(t, 1, 300)
			if c.Verb == inspect.Requeue {
				m = newMorgue(t, 1, 300)
			}
			c.Rate = 10_000
			id := m.execute(m.plan(c)).Stored.ID
			m.Attached()[0].Lease(time.Time{}) // none runs
			m.start()
			m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken > 0 })
			m.stop()
			part := m.Attached()[0]
			part.Detach()
			must(t, m.Sync(t.Context()))
			if done, err := m.Drop(part.TopicPartition()); !done || err != nil {
				t.Fatal(done, err)
			}
			must(t, m.Sync(t.Context()))
			m.start()
			op := m.operation(id, func(op inspect.BulkOperation) bool { return op.Waiting == 0 })
			if op.Done != 0 || op.Forgotten == 0 || op.Forgotten != op.Taken {
				t.Errorf("in the end %+v", op)
			}
		})
	}
}

// TestTwoLettersOfOneOffset: the second one does not tell that the job of the first
// is dead again.
func TestTwoLettersOfOneOffset(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 300)
	part := m.Attached()[0]
	must(t, part.Reset(0))
	m.append(part, 300, 100)
	m.giveUp(300, queue.Bury)
	id := m.execute(m.plan(requeueOrders(0))).Stored.ID
	m.start()
	op := m.operation(id, settled)
	if op.State != inspect.OperationDone || op.DeadAgain != 0 || op.Done != op.Taken || op.Done < 300 {
		t.Errorf("in the end %+v", op)
	}
}

// TestACommandThatIsTooLongToBeStored: it would stop the bridge at each start once it
// outgrows the ledger.
func TestACommandThatIsTooLongToBeStored(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 300)
	c := requeueOrders(0)
	c.Dead.Partitions = []int32{0}
	for offset := range int64(40_000) {
		c.Dead.Offsets = append(c.Dead.Offsets, offset)
	}
	p := m.plan(c)
	if p.Background || len(p.Dead) != 300 {
		t.Errorf("stored: %v, %d letters", p.Background, len(p.Dead))
	}
	p.Background = true
	if op, err := m.operator.Execute(t.Context(), p); !errors.Is(err, inspect.ErrRefused) || op.Stored != nil {
		t.Errorf("%+v, %v", op, err)
	}
	c.Rate = 1
	if _, err := m.operator.Plan(t.Context(), c); !errors.Is(err, inspect.ErrRefused) || !strings.Contains(err.Error(), "fewer offsets") {
		t.Errorf("with a pace: %v", err)
	}
}

// TestAnOperationThatOutgrowsTheLedger: of a version that stored any command. The
// others go on.
func TestAnOperationThatOutgrowsTheLedger(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 300)
	c, began := requeueOrders(0), time.Now()
	state := func(long int) []byte {
		c.Dead.ErrorMatches = "http|" + strings.Repeat("x", long)
		text, err := json.Marshal(map[string]any{
			"operation": inspect.BulkOperation{ID: "rq-long", State: inspect.OperationRunning, Verb: c.Verb, Topic: "orders", Command: c, Began: began, Matched: 300},
			"plan_made": began, "parts": map[int32]uint64{0: 300},
		})
		must(t, err)
		return text
	}
	text := state(queue.MaxLedgerData - len(state(0)) - 150)
	m.put(queue.Operation{ID: "rq-long", Began: began, Open: true, Data: text})
	m.start()
	op := m.operation("rq-long", func(op inspect.BulkOperation) bool { return op.State != inspect.OperationRunning })
	if op.State != inspect.OperationFailed || !strings.Contains(op.Reason, "no room") {
		t.Errorf("%s: %s", op.State, op.Reason)
	}
	if op := m.operation(m.execute(m.plan(requeueOrders(0))).Stored.ID, settled); op.State != inspect.OperationDone {
		t.Errorf("another one: %+v", op)
	}
}

// stopped is a clock that stands still.
type stopped struct {
	queue.SystemClock
	at time.Time
}

func (c stopped) Now() time.Time { return c.at }

// TestARefusalIsStoredAtOnce: a crash within the second until progress is written
// anew would leave what was refused counted as taken, or as done by somebody else.
func TestARefusalIsStoredAtOnce(t *testing.T) {
	t.Parallel()
	m := newStock(t, 1, 300, 300)
	c := ofOrders(inspect.Park)
	c.Rate = 40 // ten may be taken before the clock moves on
	p := m.plan(c)
	others := ofOrders(inspect.Park)
	others.Select.Limit = queue.MaxParked
	do(t, m.operator, others)
	id := m.execute(p).Stored.ID
	ctx, cancel := context.WithCancel(t.Context())
	var ends sync.WaitGroup
	ends.Go(func() {
		if err := inspect.ExecuteStored(ctx, m.Store, inspect.Options{Clock: stopped{at: time.Now()}}); err != nil {
			t.Error(err)
		}
	})
	m.stop = func() { cancel(); ends.Wait() }
	m.operation(id, func(op inspect.BulkOperation) bool { return count(op.Refused) == 10 })
	m.close()
	m.open(1)
	op := m.operation(id, func(op inspect.BulkOperation) bool { return op.State == inspect.OperationRunning })
	if op.Taken != 0 || op.Waiting != 0 || countOf(op.Refused, queue.ErrTooManyParked.Error()) != 10 {
		t.Errorf("after a restart %+v", op)
	}
}
