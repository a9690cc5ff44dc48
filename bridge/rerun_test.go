package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// fromKafka requeues finished records of partition 0 of orders.
func fromKafka(newID bool, offsets ...int64) inspect.Command {
	return inspect.Command{
		Verb: inspect.Requeue, FromKafka: true, NewID: newID,
		Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: offsets},
	}
}

// ids is a handler that notes the id of each run, and fails while it is told to.
type ids struct {
	mu    sync.Mutex
	runs  []string // guarded by mu
	fails bool     // guarded by mu
}

func (h *ids) Handle(_ context.Context, job *bridge.Job) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs = append(h.runs, job.ID())
	if h.fails {
		return bridge.Bury(errors.New("no"))
	}
	job.Produce(bridge.Record{Topic: "results", Value: job.Value})
	return nil
}

func (h *ids) fail(fails bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fails = fails
}

// of returns the ids of the runs of an offset, without the topic's.
func (h *ids) of(offset int64) (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.runs {
		_, name, _ := strings.Cut(id, "/")
		if at, _, _ := strings.Cut(name, "+"); at == fmt.Sprintf("0@%d", offset) {
			list = append(list, name)
		}
	}
	return list
}

var ownID = regexp.MustCompile(`^0@1\+20\d{6}T\d{6}\.\d{3}Z$`)

// TestFinishedRecordsRunAgainUnderTheirOwnID takes a finished record through a
// requeue with an id of its own, a restart, its death, another requeue, and what
// it produces: all of it has that id.
func TestFinishedRecordsRunAgainUnderTheirOwnID(t *testing.T) {
	t.Parallel()
	h := &ids{}
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: h, OnFailure: bridge.BuryJob}}},
		bridgetest.Topic("results", 1))
	env.Produce("orders", keyed("a", "0"), keyed("b", "1"), keyed("b", "2"), keyed("c", "3"))
	env.AwaitCommitted("orders")
	h.fail(true)
	if op := env.Operate(fromKafka(true, 1)); len(op.Done) != 1 {
		t.Fatalf("%+v", op)
	}
	env.Await("bury", 1)
	eventually(t, "it is dead", func() bool { return len(env.Dead("orders")) == 1 })
	letter := env.Dead("orders")[0]
	env.Restart()
	eventually(t, "its partition is back", func() bool { return env.Frontier("orders", 0) == 4 })
	ran := h.of(1)
	if len(ran) != 2 || ran[0] != "0@1" || !ownID.MatchString(ran[1]) || !strings.HasSuffix(letter.ID, ran[1]) {
		t.Fatalf("it ran as %v and is dead as %s", ran, letter.ID)
	}
	if op := env.Operate(fromKafka(false, 1)); len(op.Done) > 0 || len(op.Refused)+len(op.AlreadyDone) > 0 {
		t.Errorf("a dead one: %+v", op) // the plan has refused it
	}
	h.fail(false)
	if op := env.Operate(inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders"}, ResetAttempts: true}); len(op.Done) != 1 {
		t.Fatalf("%+v", op)
	}
	eventually(t, "it is done", func() bool { return len(h.of(1)) == 3 && len(env.Jobs(inspect.Query{})) == 0 })
	if ran = h.of(1); ran[2] != ran[1] {
		t.Errorf("it ran as %v", ran)
	}
	if op := env.Operate(fromKafka(false, 0)); len(op.Done) != 1 {
		t.Fatalf("%+v", op)
	}
	eventually(t, "the first runs again", func() bool { return len(h.of(0)) == 2 && len(env.Jobs(inspect.Query{})) == 0 })
	if ran := h.of(0); ran[0] != ran[1] {
		t.Errorf("the first ran as %v", ran)
	}
	if at := env.Committed("orders", 0); at != 4 {
		t.Errorf("committed %d, want 4", at)
	}
	var produced []string
	for _, r := range env.Broker.Consume(t, "results") {
		for _, header := range r.Headers {
			if header.Key == bridge.HeaderID {
				_, name, _ := strings.Cut(string(header.Value), "/")
				produced = append(produced, name)
			}
		}
	}
	slices.Sort(produced)
	if want := []string{"0@0", "0@0", "0@1", ran[1], "0@2", "0@3"}; !slices.Equal(produced, want) {
		t.Errorf("produced were the results of %v, want %v", produced, want)
	}
}

// TestAFinishedRecordComesBeforeLaterOnesOfItsLane: those that wait, not the one
// that runs.
func TestAFinishedRecordComesBeforeLaterOnesOfItsLane(t *testing.T) {
	t.Parallel()
	m := newMoved()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m}}})
	env.Produce("orders", keyed("a", ""), keyed("a", "wait"), keyed("a", ""))
	<-m.waiting
	env.AwaitState("orders", 0, 2, inspect.Blocked)
	if op := env.Operate(fromKafka(false, 0)); len(op.Done) != 1 {
		t.Fatalf("%+v", op)
	}
	env.AwaitState("orders", 0, 0, inspect.Blocked)
	close(m.release)
	env.Await("done", 4)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.runs, []int64{0, 1, 0, 2}) || len(m.beside) > 0 {
		t.Errorf("ran %v, beside each other %v", m.runs, m.beside)
	}
}

// TestOnlyWhatAConsumerIsGivenRunsAgain: no aborted record, no marker, nothing
// that retention has taken.
func TestOnlyWhatAConsumerIsGivenRunsAgain(t *testing.T) {
	t.Parallel()
	h := &ids{}
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: h}}}, bridgetest.Topic("results", 1))
	env.Produce("orders", keyed("a", "0"), keyed("a", "1"))
	env.Broker.ProduceTransaction(t, false, "orders", keyed("a", "2"))                 // and its marker, 3
	env.Broker.ProduceTransaction(t, true, "orders", keyed("a", "4"), keyed("b", "5")) // and 6
	env.Produce("orders", keyed("c", "7"))
	eventually(t, "all of it is committed", func() bool { return env.Committed("orders", 0) == 8 })
	env.Broker.DeleteRecords(t, "orders", 0, 1)
	plan, err := env.Bridge().Inspector().Plan(t.Context(), fromKafka(false, 0, 1, 2, 3, 4, 5, 6, 7, 8))
	if err != nil {
		t.Fatal(err)
	}
	var again []int64
	for _, target := range plan.Again {
		again = append(again, target.Offset)
	}
	refused := map[int64]string{}
	for _, g := range plan.Refused {
		for _, name := range g.Jobs {
			refused[name.Offset] = g.Reason
		}
	}
	if !slices.Equal(again, []int64{1, 4, 5, 7}) || len(refused) != 5 ||
		!strings.Contains(refused[0], "its log begins at offset 1") || !strings.Contains(refused[8], "comes by itself") {
		t.Errorf("%v run again, refused are %v", again, refused)
	}
	for _, offset := range []int64{2, 3, 6} {
		if !strings.Contains(refused[offset], "aborted, or ends a transaction") {
			t.Errorf("%d is refused: %s", offset, refused[offset])
		}
	}
	if _, err := env.Bridge().Inspector().Execute(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	eventually(t, "they have run again", func() bool { return len(h.of(1)) == 2 && len(h.of(4)) == 2 && len(h.of(5)) == 2 && len(h.of(7)) == 2 })
}

// TestTenThousandRecordsRunAgain: as many as one command takes, with a crash
// behind it.
func TestTenThousandRecordsRunAgain(t *testing.T) {
	t.Parallel()
	h := &ids{}
	env := bridgetest.Start(t, bridge.Config{Workers: 32, Topics: []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.runs = append(h.runs, job.ID())
		return nil
	})}}})
	records := make([]bridgetest.Record, inspect.MaxJobs)
	offsets := make([]int64, len(records))
	for i := range records {
		records[i], offsets[i] = keyed(fmt.Sprint(i%500), fmt.Sprint(i)), int64(i)
	}
	env.Produce("orders", records...)
	env.AwaitCommitted("orders")
	env.Operate(inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders"}})
	began := time.Now()
	if op := env.Operate(fromKafka(true, offsets...)); len(op.Done) != len(offsets) {
		t.Fatalf("%d are done: %v", len(op.Done), op.Refused)
	}
	t.Logf("requeued within %v", time.Since(began))
	env.Crash()
	eventually(t, "the partition is back", func() bool { return env.Frontier("orders", 0) == int64(len(offsets)) })
	if n := len(env.Jobs(inspect.Query{})); n != len(offsets) {
		t.Errorf("%d are open after a crash", n)
	}
	env.Operate(inspect.Command{Verb: inspect.Resume, Select: inspect.Query{Topic: "orders"}})
	eventually(t, "all have run again", func() bool { return len(env.Jobs(inspect.Query{Limit: 1})) == 0 })
	counts := map[string]int{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.runs {
		counts[id]++
	}
	if len(counts) != 2*len(offsets) || len(h.runs) != len(counts) {
		t.Errorf("%d runs of %d ids, want each of %d once", len(h.runs), len(counts), 2*len(offsets))
	}
}

// TestWhatAFilterLeavesOutDoesNotRunAgain: it never was a job.
func TestWhatAFilterLeavesOutDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	h := &ids{}
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{
		Name: "orders", Handler: h, Filter: func(r *bridge.Record) bool { return string(r.Value) != "test" },
	}}}, bridgetest.Topic("results", 1))
	env.Produce("orders", keyed("a", "0"), keyed("a", "test"), keyed("b", "2"))
	env.AwaitCommitted("orders")
	plan, err := env.Bridge().Inspector().Plan(t.Context(), fromKafka(false, 0, 1, 2))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Again) != 2 || len(plan.Refused) != 1 || plan.Refused[0].Reason != "the filter of its topic leaves it out" {
		t.Errorf("%+v, refused %+v", plan.Again, plan.Refused)
	}
	for _, target := range plan.Again { // neither has a later job of its key
		if target.Overtaken == nil || *target.Overtaken {
			t.Errorf("%+v", target)
		}
	}
}

// TestNothingRunsAgainWithoutKafka, and who asks is told that it is away.
func TestNothingRunsAgainWithoutKafka(t *testing.T) {
	t.Parallel()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: &ids{}}}}, bridgetest.Topic("results", 1))
	env.Produce("orders", keyed("a", "0"))
	env.AwaitCommitted("orders")
	plan, err := env.Bridge().Inspector().Plan(t.Context(), fromKafka(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	env.Broker.Stop(t)
	defer env.Broker.Start(t)
	// The group client may find out first: then the partition is lost, and not held.
	if _, err := env.Bridge().Inspector().Plan(t.Context(), fromKafka(false, 0)); !errors.Is(err, inspect.ErrKafkaUnreachable) && !errors.Is(err, inspect.ErrNotHeld) {
		t.Errorf("planned: %v", err)
	}
	op, err := env.Bridge().Inspector().Execute(t.Context(), plan)
	lost := err == nil && len(op.Refused) == 1 && op.Refused[0].Reason == "its partition is not held here any more"
	if !errors.Is(err, inspect.ErrKafkaUnreachable) && !lost || len(op.Done) > 0 {
		t.Errorf("executed: %+v, %v", op, err)
	}
}
