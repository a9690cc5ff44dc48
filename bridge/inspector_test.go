package bridge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/recovery"
)

func TestGivenUpJobHaltsItsLaneOnly(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	jobs := s.waitFor(t, inspect.Query{Topic: "orders", Key: []byte("cust")}, func(jobs []inspect.Job) bool { return len(jobs) == 3 })
	if j := jobs[0]; j.Error != "not a number" || j.Lane != "cust" || j.String() != "orders/0@1" || j.ID == j.String() || !strings.HasSuffix(j.ID, "/0@1") {
		t.Errorf("listed as %+v", j)
	}
	for _, j := range jobs[1:] {
		if j.State != inspect.Blocked || j.After == nil || *j.After != jobs[0].Name {
			t.Errorf("behind it: %+v", j)
		}
	}
	want := []inspect.Partition{{Topic: "orders", Partition: 0, Committed: 1, Frontier: 1, Next: 6, Open: 3, Halted: 1}}
	eventually(t, "the partition is listed as it is", func() bool { // the broker knows of a commit before we do
		parts, err := s.Inspector().Partitions(t.Context())
		return err == nil && slices.Equal(parts, want)
	})
	for _, verb := range []inspect.Verb{inspect.Retry, inspect.Skip} {
		p := plan(t, s.Inspector(), bad(verb))
		if p.Matched != 1 || len(p.Jobs) != 1 || p.Jobs[0].Name != jobs[0].Name || len(p.Sample) != 1 || p.Sample[0].Error != "not a number" {
			t.Errorf("plan to %s: %+v", verb, p)
		}
	}
	s.restart(t)
	s.waitHalted(t, 1)
	s.wantRuns(t, 1)
	s.waitCommitted(t, 1)
	if n := s.log.count("ERROR", "given up", "orders/0@1"); n != 1 {
		t.Errorf("said %d times that it was given up", n)
	}
	eventually(t, "the log says at the restart that a job is halted", func() bool {
		return s.log.count("partition taken", "halted=0") == 1 && s.log.count("partition taken", "halted=1") == 1
	})
	s.check(t, 4)
}

func TestRetriedJobRunsAgain(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	for attempts := 2; attempts <= 3; attempts++ {
		op := execute(t, s.Inspector(), plan(t, s.Inspector(), bad(inspect.Retry)))
		if len(op.Done) != 1 || op.Done[0].Offset != 1 {
			t.Fatalf("operation %+v", op)
		}
		s.waitHalted(t, attempts)
	}
	s.restart(t)
	s.waitHalted(t, 3)
	s.mended.Store(true)
	reset := bad(inspect.Retry)
	reset.ResetAttempts = true
	execute(t, s.Inspector(), plan(t, s.Inspector(), reset))
	s.broker.WaitCommitted(t, "billing", "orders")
	s.wantRuns(t, 4)
	s.check(t, 6)
	s.wantTold(t, "halt", "retried", "halt", "retried", "halt", "retried", "done")
	if n := s.log.count("INFO", "job retried", "orders/0@1"); n != 3 {
		t.Errorf("said %d times that it was retried", n)
	}
	again := plan(t, s.Inspector(), bad(inspect.Retry))
	if len(again.Jobs) != 0 || len(again.AlreadyDone) != 1 || again.AlreadyDone[0].Jobs[0].Offset != 1 {
		t.Errorf("once more: %+v", again)
	}
}

func TestSkippedJobLetsItsLaneGoOn(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	c := bad(inspect.Skip)
	c.Reason = "customer closed the account"
	p := plan(t, s.Inspector(), c)
	op := execute(t, s.Inspector(), p)
	if len(op.Done) != 1 || len(op.Refused)+len(op.AlreadyDone) != 0 {
		t.Errorf("operation %+v", op)
	}
	s.broker.WaitCommitted(t, "billing", "orders")
	again := execute(t, s.Inspector(), p)
	if len(again.Done) != 0 || len(again.AlreadyDone) != 1 {
		t.Errorf("once more: %+v", again)
	}
	s.wantRuns(t, 1)
	s.check(t, 6)
	s.wantTold(t, "halt", "skipped")
	if s.log.count("INFO", "job skipped", "orders/0@1", c.Reason) != 1 || s.log.count("INFO", "command executed", " done=1 ") != 1 {
		t.Error("the log does not say once each what was skipped, why, and with what result")
	}
	s.mustStop(t)
	s.running = start(t, s.cfg)
	eventually(t, "the partition is back", func() bool {
		parts, err := s.Inspector().Partitions(t.Context())
		return err == nil && len(parts) == 1
	})
	s.wantRuns(t, 1)
}

func TestWholeLaneIsSkippedBeforeItsHead(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	c := inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders", Key: []byte("cust")}}
	if op := execute(t, s.Inspector(), plan(t, s.Inspector(), c)); len(op.Done) != 3 {
		t.Errorf("operation %+v", op)
	}
	s.broker.WaitCommitted(t, "billing", "orders")
	s.check(t, 4) // none of the others ran
}

func TestRetryOfABlockedJobIsRefused(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	c := bad(inspect.Retry)
	c.Select.Offsets = []int64{0, 1, 3, 77}
	p := plan(t, s.Inspector(), c)
	if len(p.Jobs) != 1 || len(p.AlreadyDone) != 1 || len(p.Refused) != 2 || p.Refused[0].Jobs[0].Offset != 3 || p.Refused[1].Jobs[0].Offset != 77 {
		t.Errorf("plan %+v", p)
	}
	// Not even when a plan is made up.
	p.Jobs[0].Offset, p.Jobs[0].ID, p.Jobs[0].Attempts = 3, strings.Replace(p.Jobs[0].ID, "@1", "@3", 1), 0
	p.Jobs[0].State = inspect.Blocked
	if op := execute(t, s.Inspector(), p); len(op.Done) != 0 || len(op.Refused) != 1 {
		t.Errorf("operation %+v", op)
	}
	s.check(t, 4)
}

func TestPlanIsNotActedOnWhereItsJobHasMovedOn(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	old := plan(t, s.Inspector(), bad(inspect.Skip))
	execute(t, s.Inspector(), plan(t, s.Inspector(), bad(inspect.Retry)))
	s.waitHalted(t, 2)
	if op := execute(t, s.Inspector(), old); len(op.Done) != 0 || len(op.Refused) != 1 || op.Refused[0].Jobs[0].Offset != 1 {
		t.Errorf("operation %+v", op)
	}
	s.waitHalted(t, 2)
	foreign := plan(t, s.Inspector(), bad(inspect.Skip))
	foreign.Jobs[0].ID = "another-topic/0@1"
	if op := execute(t, s.Inspector(), foreign); len(op.Done) != 0 || len(op.Refused) != 1 {
		t.Errorf("operation on a topic created anew: %+v", op)
	}
	s.waitHalted(t, 2)
}

// Many plans for one job: however they and its runs interleave, it is done in
// the end and never ran beside itself or after it was skipped.
func TestPlansRaceWithRunsAndEachOther(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	var racing sync.WaitGroup
	var skipped atomic.Int32
	for range 4 {
		racing.Go(func() {
			for range 5 {
				if _, err := s.Inspector().Execute(t.Context(), plan(t, s.Inspector(), bad(inspect.Retry))); err != nil {
					t.Error(err)
				}
			}
		})
		racing.Go(func() {
			for skipped.Load() == 0 {
				op, err := s.Inspector().Execute(t.Context(), plan(t, s.Inspector(), bad(inspect.Skip)))
				if err != nil {
					t.Error(err)
					return
				}
				skipped.Add(int32(len(op.Done)))
			}
		})
	}
	racing.Wait()
	if n := skipped.Load(); n != 1 {
		t.Errorf("skipped %d times", n)
	}
	s.broker.WaitCommitted(t, "billing", "orders")
	s.check(t, 6)
}

func TestInspectorOfABridgeThatDoesNotRun(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	refuses := func(when string, i inspect.Inspector) {
		t.Helper()
		_, parts := i.Partitions(t.Context())
		_, planned := i.Plan(t.Context(), bad(inspect.Retry))
		_, executed := i.Execute(t.Context(), inspect.Plan{Command: bad(inspect.Retry)})
		var listed error
		for _, listed = range i.Jobs(t.Context(), inspect.Query{}) {
		}
		for _, err := range []error{parts, planned, executed, listed} {
			if !errors.Is(err, inspect.ErrNotRunning) || !strings.Contains(err.Error(), cfg.DataDir) {
				t.Errorf("%s: %v", when, err)
			}
		}
	}
	inspector := b.Inspector()
	refuses("before", inspector)
	r := start(t, cfg)
	<-r.Ready()
	held := r.Inspector()
	r.mustStop(t)
	refuses("after", held)
}

func TestOfAPartitionThatIsNotHeldNothingIsSaid(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	for _, q := range []inspect.Query{{Topic: "bills"}, {Topic: "orders", Partitions: []int32{0, 1}}} {
		if _, err := s.Inspector().Plan(t.Context(), inspect.Command{Verb: inspect.Skip, Select: q}); !errors.Is(err, inspect.ErrNotHeld) {
			t.Errorf("plan of %+v: %v", q, err)
		}
	}
}

func TestHaltedLaneIsMendedWhileTheBridgeIsStopped(t *testing.T) {
	t.Parallel()
	for verb, runs := range map[inspect.Verb]int{inspect.Retry: 2, inspect.Skip: 1} {
		t.Run(string(verb), func(t *testing.T) {
			t.Parallel()
			s := startStuck(t)
			if _, err := inspect.Open(t.Context(), s.cfg.DataDir, inspect.Options{}); !errors.Is(err, recovery.ErrInUse) {
				t.Fatalf("opened beside the bridge: %v", err)
			}
			s.mustStop(t)
			offline, err := inspect.Open(t.Context(), s.cfg.DataDir, inspect.Options{Logger: logger(t)})
			if err != nil {
				t.Fatal(err)
			}
			p := plan(t, offline, bad(verb))
			if len(p.Sample) != 1 || p.Sample[0].State != inspect.Halted {
				t.Errorf("planned offline: %+v", p)
			}
			if op := execute(t, offline, p); len(op.Done) != 1 {
				t.Errorf("operation %+v", op)
			}
			if err := offline.Close(); err != nil {
				t.Fatal(err)
			}
			s.mended.Store(true)
			s.running = start(t, s.cfg)
			s.broker.WaitCommitted(t, "billing", "orders")
			s.wantRuns(t, runs)
			s.check(t, 6)
		})
	}
}

func TestRetryingJobIsRetriedBeforeItIsDue(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 2, 1, 1)
	j := newJournal()
	var failed atomic.Bool
	s := &stuck{broker: broker, running: start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(func(context.Context, *bridge.Job) error {
		if failed.CompareAndSwap(false, true) {
			return bridge.RetryAfter(time.Hour, errors.New("busy"))
		}
		return nil
	})}))}
	waiting := inspect.Query{States: []inspect.State{inspect.Retrying}}
	jobs := s.waitFor(t, waiting, func(jobs []inspect.Job) bool { return len(jobs) == 1 })
	if wait := time.Until(jobs[0].Due); wait < 50*time.Minute || wait > time.Hour {
		t.Errorf("due in %v", wait)
	}
	execute(t, s.Inspector(), plan(t, s.Inspector(), inspect.Command{Verb: inspect.Retry, Select: inspect.Query{Topic: "orders", States: waiting.States}}))
	broker.WaitCommitted(t, "billing", "orders")
	j.check(t, 2)
}
