package bridgetest_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// The tests of this file show one feature of the bridge each.

var errLocked = errors.New("account locked")

// selection is one job.
func selection(offset int64) inspect.Query {
	return inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{offset}}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	var snoozed atomic.Bool
	env := bridgetest.Start(t, orders(func(_ context.Context, job *bridge.Job) error {
		switch string(job.Value) {
		case "no number":
			return bridge.Bury(errors.New("not an amount")) // on_failure: block, so it is halted
		case "test":
			return bridge.Skip("a test order")
		case "early":
			if snoozed.CompareAndSwap(false, true) {
				return bridge.Snooze(time.Hour) // costs no attempt
			}
		case "busy":
			if job.Attempt == 1 {
				return bridge.RetryAfter(time.Minute, errBusy)
			}
		}
		return nil
	}))
	env.Produce("orders", order("anna", "no number"), order("ben", "test"), order("cleo", "early"), order("dora", "busy"))
	env.Await("halt", 1)
	env.Await("skipped", 1)
	env.Await("snooze", 1)
	env.Await("retry", 1)
	env.Advance(time.Hour)
	for _, done := range env.Await("done", 2) {
		if want := map[int64]int{2: 1, 3: 2}[done.Offset]; done.Attempts != want {
			t.Errorf("@%d took %d attempts, want %d", done.Offset, done.Attempts, want)
		}
	}
}

func TestRetryClasses(t *testing.T) {
	t.Parallel()
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		switch {
		case string(job.Value) == "twice":
			return errors.New("duplicate order")
		case job.Attempt == 1:
			return errBusy
		}
		return nil
	})
	cfg.Topics[0].RetryClasses = []bridge.Class{ // the first that matches
		{Match: bridge.MatchIs(errBusy), Do: bridge.DoRetryAfter, Delay: 30 * time.Second},
		{Match: bridge.MatchText("duplicate"), Do: bridge.DoSkip},
	}
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"), order("ben", "twice"))
	env.Await("skipped", 1)
	env.Await("retry", 1)
	env.Advance(30 * time.Second)
	env.Await("done", 1)
}

func TestOperatorRetriesAHaltedJob(t *testing.T) {
	t.Parallel()
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		if string(job.Value) == "7" && job.Attempt <= 2 {
			return errLocked
		}
		return nil
	})
	cfg.Topics[0].Retry = bridge.Backoff{MaxAttempts: 2}
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"), order("anna", "8"))
	env.Await("retry", 1)
	env.Advance(time.Minute)
	if job := env.AwaitState("orders", 0, 0, inspect.Halted); job.Error != errLocked.Error() || job.Attempts != 2 {
		t.Errorf("%+v", job)
	}
	if got := env.AwaitState("orders", 0, 1, inspect.Blocked); got.After.Offset != 0 {
		t.Errorf("the job behind it waits for %v", got.After)
	}
	env.Operate(inspect.Command{Verb: inspect.Retry, Select: selection(0)})
	env.Await("done", 2)
}

func TestBuryAndRequeue(t *testing.T) {
	t.Parallel()
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		if string(job.Key) == "anna" && job.Attempt == 1 {
			return bridge.Bury(errLocked)
		}
		return nil
	})
	cfg.Topics[0].OnFailure = bridge.BuryJob
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"), order("anna", "8"), order("ben", "9"))
	env.Await("bury", 2)
	env.Await("done", 1)
	env.AwaitCommitted("orders") // a dead letter holds no offset

	dead := env.Dead("orders")
	if len(dead) != 2 || string(dead[0].Value) != "7" || dead[0].Reason != errLocked.Error() {
		t.Fatalf("dead letters: %+v", dead)
	}
	env.Operate(inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders"}})
	env.Await("done", 3)
	if dead := env.Dead("orders"); len(dead) > 0 {
		t.Errorf("%d dead letters are left", len(dead))
	}
}

func TestParkAndRelease(t *testing.T) {
	t.Parallel()
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		if string(job.Value) == "locked" && job.Attempt == 1 {
			return bridge.Bury(errLocked)
		}
		return nil
	})
	cfg.Topics[0].OnFailure = bridge.ParkLane
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "locked"), order("ben", "7"))
	env.Await("park", 1)
	env.Produce("orders", order("anna", "8"), order("anna", "9"), order("ben", "10"))
	env.Await("done", 2)
	env.AwaitCommitted("orders")
	env.Restart()
	env.AwaitState("orders", 0, 2, inspect.Parked)
	env.Operate(inspect.Command{Verb: inspect.Release, Select: inspect.Query{Topic: "orders", Key: []byte("anna")}})
	var order []int64
	for _, c := range env.Await("done", 5) {
		order = append(order, c.Offset)
	}
	if order[2] != 0 || order[3] != 2 || order[4] != 3 {
		t.Errorf("done in the order %v", order)
	}
}

func TestCheckpointsSurviveACrash(t *testing.T) {
	t.Parallel()
	kept := make(chan string, 3)
	env := bridgetest.Start(t, orders(func(ctx context.Context, job *bridge.Job) error {
		kept <- string(job.LastCheckpoint())
		if job.LastCheckpoint() != nil {
			return nil
		}
		if err := job.Checkpoint(ctx, []byte("row 500")); err != nil {
			return err
		}
		kept <- "row 500 is on disk"
		<-ctx.Done() // the rest takes long
		return ctx.Err()
	}))
	env.Produce("orders", order("anna", "1,000 rows"))
	<-kept
	<-kept
	env.Crash()
	env.Await("done", 1)
	if got := <-kept; got != "row 500" {
		t.Errorf("the next run found %q", got)
	}
}

func TestDeferredJob(t *testing.T) {
	t.Parallel()
	later := make(chan *bridge.Deferred, 1)
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		if string(job.Value) == "wait" {
			later <- job.Defer(time.Hour)
		}
		return nil
	})
	cfg.Workers = 1
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "wait"), order("anna", "behind it"), order("ben", "7"))
	env.Await("done", 1) // ben's: no worker waits for anna's
	env.AwaitState("orders", 0, 0, inspect.Deferred)
	if !(<-later).Finish(nil) {
		t.Error("Finish came too late")
	}
	env.Await("done", 3)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	sizes := make(chan int, 10)
	cfg := bridge.Config{Topics: []bridge.Topic{{Name: "orders", Batch: &bridge.Batch{
		Max: 3, Wait: time.Hour,
		Handler: bridge.BatchHandlerFunc(func(_ context.Context, jobs []*bridge.Job) []error {
			sizes <- len(jobs)
			errs := make([]error, len(jobs))
			for i, job := range jobs {
				if string(job.Value) == "twice" {
					errs[i] = bridge.Skip("ordered twice") // the others are done all the same
				}
			}
			return errs
		}),
	}}}}
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "1"), order("anna", "twice"), order("anna", "3"), order("anna", "4"))
	env.Await("done", 2)
	env.Await("skipped", 1)
	env.Advance(time.Hour) // the fourth waits for others no longer
	env.Await("done", 3)
	if first, second := <-sizes, <-sizes; first != 3 || second != 1 {
		t.Errorf("batches of %d and %d", first, second)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	cfg := orders(func(context.Context, *bridge.Job) error { return nil })
	cfg.Topics[0].Delay = 15 * time.Minute // after the record's timestamp
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"))
	env.AwaitState("orders", 0, 0, inspect.Delayed)
	env.Advance(15 * time.Minute)
	env.Await("done", 1)
}

func TestFilterAndExpiry(t *testing.T) {
	t.Parallel()
	cfg := orders(func(context.Context, *bridge.Job) error { return nil })
	cfg.Topics[0].Filter = func(r *bridge.Record) bool { return string(r.Value) != "test" }
	cfg.Topics[0].Expiry = 24 * time.Hour
	env := bridgetest.Start(t, cfg)
	old := order("ben", "8")
	old.Time = env.Clock.Now().Add(-48 * time.Hour)
	env.Produce("orders", order("anna", "test"), old, order("cleo", "9"))
	env.AwaitCommitted("orders") // what is left out is committed too
	if got := env.Await("done", 1); len(got) != 1 || got[0].Offset != 2 {
		t.Errorf("done: %+v", got)
	}
}

func TestOnlyLatest(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	values := make(chan string, 4)
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		<-release
		values <- string(job.Value)
		return nil
	})
	cfg.Topics[0].OnlyLatest = true
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "1"))
	env.AwaitState("orders", 0, 0, inspect.Running)
	env.Produce("orders", order("anna", "2"), order("anna", "3"), order("anna", "4"))
	env.Await("superseded", 2)
	close(release)
	env.Await("done", 2)
	if first, second := <-values, <-values; first != "1" || second != "4" {
		t.Errorf("ran %s and %s", first, second)
	}
}

func TestPauseOutlivesARestart(t *testing.T) {
	t.Parallel()
	env := bridgetest.Start(t, orders(func(context.Context, *bridge.Job) error { return nil }))
	env.Produce("orders", order("anna", "7"))
	env.Await("done", 1)
	env.Operate(inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders"}})
	env.Produce("orders", order("anna", "8"))
	env.Restart()
	env.AwaitState("orders", 0, 1, inspect.Paused)
	env.Operate(inspect.Command{Verb: inspect.Resume, Select: inspect.Query{Topic: "orders"}})
	env.Await("done", 2)
}

func TestProduceBeforeDone(t *testing.T) {
	t.Parallel()
	cfg := orders(func(_ context.Context, job *bridge.Job) error {
		n, err := strconv.Atoi(string(job.Value))
		if err != nil {
			return bridge.Bury(err)
		}
		job.Produce(bridge.Record{Topic: "bills", Key: job.Key, Value: strconv.AppendInt(nil, int64(2*n), 10)})
		return nil
	})
	env := bridgetest.Start(t, cfg, bridgetest.Topic("bills", 1))
	env.Produce("orders", order("anna", "21"))
	env.Await("done", 1) // so the bill is there
	if got := env.Broker.EndOffsets("bills")[0]; got != 1 {
		t.Errorf("%d bills", got)
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	told := make(chan string, 10)
	cfg := orders(func(context.Context, *bridge.Job) error { return nil })
	cfg.Hooks = &bridge.Hooks{
		Stored:    func(bridge.Stored) { told <- "stored" },
		Started:   func(*bridge.Job) { told <- "started" },
		Finished:  func(_ *bridge.Job, r bridge.Result) { told <- "finished: " + r.Outcome },
		Durable:   func([]bridge.Completion) { told <- "durable" },
		Committed: func(c bridge.Committed) { told <- "committed " + strconv.FormatInt(c.Offset, 10) },
	}
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"))
	env.AwaitCommitted("orders")
	env.Stop()
	close(told)
	seen := map[string]bool{}
	for s := range told {
		seen[s] = true
	}
	for _, want := range []string{"stored", "started", "finished: done", "durable", "committed 1"} {
		if !seen[want] {
			t.Errorf("no hook told %q; told were %v", want, seen)
		}
	}
}

func TestPoison(t *testing.T) {
	t.Parallel()
	runs := make(chan struct{}, 10)
	cfg := orders(func(ctx context.Context, job *bridge.Job) error {
		if string(job.Key) == "anna" {
			runs <- struct{}{}
			<-ctx.Done() // what would kill a process cannot be shown in one: the test says when
			return ctx.Err()
		}
		return nil
	})
	cfg.Topics[0].OnFailure, cfg.MaxCrashes = bridge.BuryJob, 3
	env := bridgetest.Start(t, cfg)
	env.Produce("orders", order("anna", "7"), order("anna", "8"), order("ben", "9"))
	env.Await("done", 1)
	for range 2 + 3 { // two crashes are nobody's, three are counted
		<-runs
		env.Crash()
	}
	<-runs // of the next job of anna's, who is innocent: it runs on
	if dead := env.Dead("orders"); len(dead) != 1 || string(dead[0].Value) != "7" || dead[0].Reason != "crashed the process 3 times" {
		t.Errorf("dead letters: %+v", dead)
	}
}

func TestDeferredJobIsFoundAfterACrash(t *testing.T) {
	t.Parallel()
	env := bridgetest.Start(t, orders(func(ctx context.Context, job *bridge.Job) error {
		later := job.Defer(0)
		context.AfterFunc(ctx, func() { later.Finish(context.Cause(ctx)) }) // else each end would wait for it
		return nil
	}))
	env.Produce("orders", order("anna", "7"))
	for range 3 {
		env.AwaitState("orders", 0, 0, inspect.Deferred)
		env.Crash()
	}
	if job := env.AwaitState("orders", 0, 0, inspect.Deferred); job.Crashes != 1 {
		t.Errorf("%d of 3 crashes were counted, want the one on probation", job.Crashes)
	}
}
