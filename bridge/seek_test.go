package bridge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// seek lets partition 0 of orders go on from an offset.
func seek(offset int64) inspect.Command {
	return inspect.Command{
		Verb:   inspect.Seek,
		Select: inspect.Query{Topic: "orders", Partitions: []int32{0}},
		To:     &inspect.Position{Offset: &offset},
	}
}

// moved is a handler that has a job of every kind: values say what becomes of a
// job, and what ran is noted by lane.
type moved struct {
	mu      sync.Mutex
	runs    []int64          // guarded by mu; as they began
	inLane  map[string]bool  // guarded by mu; with a run under way
	beside  []string         // guarded by mu; jobs that ran beside another of their lane
	waiting chan int64       // gets the offset of a run that waits
	release chan struct{}    // lets it go on
	outcome map[string]error // by value
}

func newMoved() *moved {
	return &moved{
		inLane: map[string]bool{}, waiting: make(chan int64, 8), release: make(chan struct{}),
		outcome: map[string]error{"halt": bridge.Bury(errors.New("locked"))},
	}
}

func (m *moved) Handle(ctx context.Context, job *bridge.Job) error {
	m.mu.Lock()
	if m.inLane[job.Lane] {
		m.beside = append(m.beside, job.String())
	}
	m.inLane[job.Lane] = true
	m.runs = append(m.runs, job.Offset)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.inLane[job.Lane] = false
	}()
	if string(job.Value) == "wait" {
		m.waiting <- job.Offset
		select {
		case <-m.release:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return m.outcome[string(job.Value)]
}

// since returns the sorted offsets that ran after the first n runs.
func (m *moved) since(n int) []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(slices.Values(m.runs[n:]))
}

func (m *moved) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.runs)
}

func keyed(key, value string) bridgetest.Record {
	return bridgetest.Record{Key: []byte(key), Value: []byte(value)}
}

// everyKind has, of partition 0: done jobs 0, 5 and 6, a parked lane of 1 and 2, a
// halted job 3 with 4 behind it, and a running one, 7, with 8 behind it.
func everyKind(t *testing.T) (*moved, *bridgetest.Env) {
	t.Helper()
	m := newMoved()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m}}})
	env.Produce("orders", keyed("a", ""), keyed("p", "halt"))
	env.AwaitState("orders", 0, 1, inspect.Halted)
	env.Operate(inspect.Command{Verb: inspect.Park, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1}}})
	env.Produce("orders", keyed("p", ""), keyed("h", "halt"), keyed("h", ""), keyed("a", ""), keyed("b", ""), keyed("w", "wait"), keyed("w", ""))
	env.AwaitState("orders", 0, 4, inspect.Blocked)
	if offset := <-m.waiting; offset != 7 {
		t.Fatalf("%d waits", offset)
	}
	env.AwaitState("orders", 0, 8, inspect.Blocked)
	env.Await("done", 3)
	eventually(t, "the halted job holds the offset", func() bool { return env.Committed("orders", 0) == 3 })
	return m, env
}

func TestASeekBackRunsAgainWhatIsDoneAheadToo(t *testing.T) {
	t.Parallel()
	m, env := everyKind(t)
	before := m.count()
	plan, err := env.Bridge().Inspector().Plan(t.Context(), seek(0))
	if err != nil {
		t.Fatal(err)
	}
	if s := plan.Seeks[0]; s.Reruns != 5 || s.Refetched != 4 || s.Skips != 0 || s.Running != 1 || s.Parked != 1 {
		t.Errorf("the plan is %+v", s)
	}
	if says := strings.Join(plan.Says, "\n"); !strings.Contains(says, "run again") || !strings.Contains(says, "parked lanes stay aside with their jobs: 1") {
		t.Errorf("the plan says %s", says)
	}
	if m.count() != before || env.Committed("orders", 0) != 3 {
		t.Error("the plan changed something")
	}
	env.Operate(seek(0))
	if at := env.Committed("orders", 0); at != 0 {
		t.Errorf("committed %d, want 0", at)
	}
	env.AwaitState("orders", 0, 3, inspect.Halted) // again
	env.AwaitState("orders", 0, 8, inspect.Blocked)
	close(m.release)
	env.Await("done", 3+3+2) // 7 has run through, once
	eventually(t, "all but the halted lane has run again", func() bool { return len(m.since(before)) == 5 })
	if again := m.since(before); !slices.Equal(again, []int64{0, 3, 5, 6, 8}) {
		t.Errorf("%v ran again", again)
	}
	if jobs := env.Jobs(inspect.Query{States: []inspect.State{inspect.Parked}}); len(jobs) != 2 {
		t.Errorf("%d jobs are parked, want those that were", len(jobs))
	}
	if len(m.beside) > 0 {
		t.Errorf("%v ran beside a job of their lane", m.beside)
	}
	env.Restart() // nothing of the wish is left
	env.AwaitState("orders", 0, 3, inspect.Halted)
	if n := len(m.since(before)); n != 5 {
		t.Errorf("%d jobs ran since", n)
	}
}

func TestASeekForwardSkipsWhatIsBelow(t *testing.T) {
	t.Parallel()
	m, env := everyKind(t)
	before := m.count()
	plan, err := env.Bridge().Inspector().Plan(t.Context(), seek(8))
	if err != nil {
		t.Fatal(err)
	}
	if s := plan.Seeks[0]; s.Skips != 3 || s.SkipsUnread != 0 || s.Reruns != 0 {
		t.Errorf("the plan is %+v", s)
	}
	env.Operate(seek(8))
	if at := env.Committed("orders", 0); at != 8 {
		t.Errorf("committed %d, want 8", at)
	}
	if n := m.count(); n != before {
		t.Errorf("%v began, though their lane has a run under way", m.since(before))
	}
	close(m.release)
	eventually(t, "the job at the offset has run", func() bool { return env.Committed("orders", 0) == 9 })
	if after := m.since(before); !slices.Equal(after, []int64{8}) {
		t.Errorf("%v ran", after)
	}
	if len(m.beside) > 0 {
		t.Errorf("%v ran beside a job of their lane", m.beside)
	}
}

// The store knows of the wish, and Kafka does not.
func TestASeekOutlivesACrashOnItsWay(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]int64{"back": 0, "forward": 9} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMoved()
			env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m}}})
			env.Produce("orders", keyed("a", ""), keyed("h", "halt"), keyed("h", ""), keyed("b", ""))
			env.AwaitState("orders", 0, 2, inspect.Blocked)
			env.Produce("orders", keyed("c", ""), keyed("d", ""), keyed("e", ""), keyed("f", ""), keyed("g", ""), keyed("i", ""))
			env.Await("done", 8)
			eventually(t, "the halted job holds the offset", func() bool { return env.Committed("orders", 0) == 1 })
			refused := env.Broker.Fail(bridgetest.OffsetCommit, bridgetest.Always, sarama.ErrNotCoordinatorForConsumer)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			i := env.Bridge().Inspector()
			plan, err := i.Plan(ctx, seek(to))
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, err := i.Execute(ctx, plan)
				ended <- err
			}()
			eventually(t, "the store has moved", func() bool { return env.Frontier("orders", 0) == map[string]int64{"back": 0, "forward": 10}[name] })
			env.Crash()
			cancel()
			if err := <-ended; err == nil {
				t.Error("it was said to be done, and Kafka did not know")
			}
			refused.Remove()
			eventually(t, "Kafka knows", func() bool { return env.Committed("orders", 0) == map[string]int64{"back": 1, "forward": 10}[name] })
			if name == "back" {
				env.AwaitState("orders", 0, 1, inspect.Halted)
				env.Await("done", 8+8)
			}
		})
	}
}

func TestASeekWithoutABridgeIsDoneAtTheNextAssignment(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	j := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
	start(t, cfg).mustStopAt(t, broker)

	offline, err := inspect.Open(t.Context(), cfg.DataDir, inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := offline.Plan(t.Context(), seek(4))
	if err != nil {
		t.Fatal(err)
	}
	if says := strings.Join(plan.Says, "\n"); !strings.Contains(says, "when the partition is assigned here again") {
		t.Errorf("the plan says %s", says)
	}
	if _, err := offline.Execute(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	if c := broker.Committed("billing", "orders")[0]; c.Offset != 10 {
		t.Errorf("Kafka has %d already", c.Offset)
	}
	b := start(t, cfg)
	eventually(t, "six jobs have run again", func() bool { _, total := j.counts(); return total == 16 })
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	b = start(t, cfg) // once
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	for job, runs := range map[string]int{"orders/0@3": 1, "orders/0@4": 2, "orders/0@9": 2} {
		if got := j.ran(job); got != runs {
			t.Errorf("%s ran %d times, want %d", job, got, runs)
		}
	}
}

// A dead letter is not in Kafka's order: it stays, and its record is a job again.
func TestASeekBackLeavesDeadLetters(t *testing.T) {
	t.Parallel()
	m := newMoved()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m, OnFailure: bridge.BuryJob}}})
	env.Produce("orders", keyed("a", ""), keyed("b", "halt"), keyed("c", ""))
	eventually(t, "all is done or dead", func() bool { return env.Committed("orders", 0) == 3 })
	letters := func() (offsets []int64) {
		for letter, err := range env.Bridge().Inspector().Dead(t.Context(), inspect.DeadQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			offsets = append(offsets, letter.Offset)
		}
		return offsets
	}
	if got := letters(); !slices.Equal(got, []int64{1}) {
		t.Fatalf("dead are %v", got)
	}
	plan, err := env.Bridge().Inspector().Plan(t.Context(), seek(0))
	if err != nil {
		t.Fatal(err)
	}
	if s := plan.Seeks[0]; s.Dead != 1 || s.Reruns != 3 {
		t.Errorf("the plan is %+v", s)
	}
	env.Operate(seek(0))
	eventually(t, "all have run again", func() bool { return slices.Equal(m.since(3), []int64{0, 1, 2}) && env.Committed("orders", 0) == 3 })
	env.Restart()
	if got := letters(); !slices.Equal(got, []int64{1, 1}) {
		t.Errorf("dead are %v, want the letter of before and that of now", got)
	}
}

func TestASeekOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: newMoved()}}})
	env.Produce("orders", keyed("a", ""))
	env.AwaitCommitted("orders")
	if _, err := env.Bridge().Inspector().Plan(t.Context(), seek(2)); err == nil || !strings.Contains(err.Error(), "offsets 0 to 1") {
		t.Errorf("%v", err)
	}
	none := seek(0)
	none.Select.Partitions = []int32{7}
	if _, err := env.Bridge().Inspector().Plan(t.Context(), none); !errors.Is(err, inspect.ErrNotHeld) {
		t.Errorf("%v", err)
	}
}

func TestASeekToATime(t *testing.T) {
	t.Parallel()
	m := newMoved()
	env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: m}}})
	at := time.Now().Add(-time.Hour)
	env.Produce("orders", bridgetest.Record{Time: at}, bridgetest.Record{Time: at.Add(time.Minute)})
	env.AwaitCommitted("orders")
	c := seek(0)
	c.To = &inspect.Position{Time: at.Add(time.Second)}
	if op := env.Operate(c); len(op.Seeks) != 1 || op.Seeks[0].To != 1 {
		t.Fatalf("%+v", op)
	}
	env.Await("done", 3)
	if again := m.since(2); !slices.Equal(again, []int64{1}) {
		t.Errorf("%v ran again", again)
	}
}
