package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// deadLetters reads those of orders/0 in the store of a stopped bridge.
func deadLetters(t *testing.T, dir string) (list []queue.DeadLetter) {
	t.Helper()
	store, err := queue.Open(filepath.Join(dir, queue.FileName), queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for l, err := range store.DeadLetters(t.Context(), queue.TopicPartition{Topic: "orders"}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

// TestOnlyTheFailingJobIsBuried: ten keys run at a time, and one of them fails.
// While the first one runs, no offset is committed, whatever the others do.
func TestOnlyTheFailingJobIsBuried(t *testing.T) {
	t.Parallel()
	const keys, bad = 10, 3
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	records := make([]bridgetest.Record, keys)
	for i := range records {
		records[i] = bridgetest.Record{Key: []byte("k" + strconv.Itoa(i)), Value: []byte(strconv.Itoa(i))}
	}
	broker.Produce(t, "orders", records...)
	var running atomic.Int64
	var mu sync.Mutex
	outcomes := map[int64]string{}
	goOn := make([]chan struct{}, keys)
	for i := range goOn {
		goOn[i] = make(chan struct{})
	}
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", Retry: bridge.Backoff{MaxAttempts: 1}, OnFailure: bridge.BuryJob,
		Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			running.Add(1)
			<-goOn[job.Offset]
			if job.Offset == bad {
				return errors.New("amount is not a number")
			}
			return nil
		}),
	})
	buried := make(chan bridge.Buried, keys)
	cfg.Hooks = &bridge.Hooks{
		Buried: func(e bridge.Buried) { buried <- e },
		Durable: func(list []bridge.Completion) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range list {
				outcomes[c.Offset] = c.Outcome
			}
		},
	}
	durable := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(outcomes)
	}
	b := start(t, cfg)
	eventually(t, "ten keys run", func() bool { return running.Load() == keys })
	for i := keys - 1; i > 0; i-- {
		close(goOn[i])
		eventually(t, "the outcome is on disk", func() bool { return durable() == keys-i })
	}
	if c := broker.Committed("billing", "orders")[0]; c.Offset != 0 {
		t.Errorf("committed %d while offset 0 was running", c.Offset)
	}
	close(goOn[0])
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	for offset, outcome := range outcomes {
		if want := map[bool]string{false: "done", true: "bury"}[offset == bad]; outcome != want {
			t.Errorf("offset %d: %s, want %s", offset, outcome, want)
		}
	}
	if e := <-buried; len(buried) != 0 || e.Job.Offset != bad || e.Err == nil {
		t.Errorf("the hook was told of %v, and of %d more", e, len(buried))
	}
	letters := deadLetters(t, cfg.DataDir)
	if len(letters) != 1 || letters[0].Offset != bad || letters[0].Attempts != 1 || letters[0].Reason != "amount is not a number" ||
		len(letters[0].History) != 1 || letters[0].History[0].Error != "amount is not a number" {
		t.Errorf("dead letters %+v, want the one of offset %d", letters, bad)
	}
}

// TestFailingAttemptsLeaveNothingBehind is not parallel: it looks at the memory
// of the whole process.
func TestFailingAttemptsLeaveNothingBehind(t *testing.T) {
	const keys, attempts = 100, 100_000
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", keys, keys, 1)
	var ran atomic.Int64
	var healed atomic.Bool
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		n := ran.Add(1)
		if healed.Load() {
			return nil
		}
		return bridge.RetryAfter(0, fmt.Errorf("attempt %d of all: %s", n, strings.Repeat("x", 600)))
	})})
	b := start(t, cfg)
	// The history of each job is full after a few attempts. Kept errors of all of
	// them would take up 60 MiB; the bound leaves room for what is under way.
	heap, file := uint64(0), int64(0)
	for at := int64(attempts / 10); at <= attempts; at += attempts / 10 {
		eventually(t, "jobs fail", func() bool { return ran.Load() >= at })
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		info, err := os.Stat(filepath.Join(cfg.DataDir, queue.FileName))
		if err != nil {
			t.Fatal(err)
		}
		if at == 2*attempts/10 {
			heap, file = m.HeapAlloc, info.Size()
		}
		if heap > 0 && (m.HeapAlloc > heap+24<<20 || info.Size() > 2*file) {
			t.Fatalf("after %d attempts: heap %d KiB and file %d KiB, %d and %d before", ran.Load(), m.HeapAlloc>>10, info.Size()>>10, heap>>10, file>>10)
		}
	}
	healed.Store(true)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
}

// TestAttemptsAreKeptOverARebalance: a job has failed all but one of the times
// that it may; its partition goes to another member, whose runs are interrupted,
// and returns. The next failure is the last one.
func TestAttemptsAreKeptOverARebalance(t *testing.T) {
	t.Parallel()
	const limit = 4
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	for p := range int32(2) {
		broker.Produce(t, "orders", bridgetest.Record{Partition: p, Key: []byte("k"), Value: []byte("v")})
	}
	clock := newTestClock()
	var failed atomic.Int64
	policy := bridge.Backoff{MaxAttempts: limit, First: time.Hour, Max: time.Hour, Factor: 1, Jitter: -1}
	first := config(t, broker, bridge.Topic{Name: "orders", Retry: policy, Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		failed.Add(1)
		return fmt.Errorf("failure %d", job.Attempt)
	})})
	first.Clock = clock
	started := make(chan *bridge.Job, 8)
	second := config(t, broker, bridge.Topic{Name: "orders", Retry: policy, Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		started <- job
		<-ctx.Done()
		return ctx.Err()
	})})
	second.LeaveOnStop, second.StopWithin = true, -1

	a := start(t, first)
	for n := int64(1); n < limit; n++ {
		eventually(t, "both jobs fail", func() bool { return failed.Load() == 2*n && countState(t, a.Bridge, inspect.Retrying) == 2 })
		if n < limit-1 {
			clock.advance(time.Hour)
		}
	}
	b := start(t, second)
	if job := <-started; job.Attempt != 1 || job.LastError != "" { // attempts stay with the directory
		t.Errorf("elsewhere it is attempt %d after %q", job.Attempt, job.LastError)
	}
	eventually(t, "a partition has moved", func() bool { return openJobs(t, a.Bridge) == 1 })
	b.mustStop(t)
	eventually(t, "the partition is back", func() bool { return openJobs(t, a.Bridge) == 2 })
	clock.advance(time.Hour)
	eventually(t, "both jobs are given up", func() bool { return countState(t, a.Bridge, inspect.Halted) == 2 })
	for job, err := range a.Inspector().Jobs(t.Context(), inspect.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		var numbers []int
		for _, past := range job.History {
			numbers = append(numbers, past.Number)
			if past.Error != fmt.Sprintf("failure %d", past.Number) || past.At.IsZero() {
				t.Errorf("%s: %+v", job.Name, past)
			}
		}
		if job.Attempts != limit || !slices.Equal(numbers, []int{1, 2, 3, 4}) {
			t.Errorf("%s: %d attempts, of which it tells %v", job.Name, job.Attempts, numbers)
		}
	}
	if n := failed.Load(); n != 2*limit {
		t.Errorf("%d runs, want %d", n, 2*limit)
	}
}

func TestAnInterruptedRunLosesNoAttempt(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 1, 1, 1)
	started := make(chan int, 4)
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", Retry: bridge.Backoff{MaxAttempts: 2, First: time.Millisecond, Max: time.Millisecond}, OnFailure: bridge.BuryJob,
		Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			started <- job.Attempt
			if job.Attempt == 1 {
				return errors.New("first")
			}
			<-ctx.Done()
			return ctx.Err()
		}),
	})
	cfg.StopWithin = -1
	for range 3 {
		b := start(t, cfg)
		for attempt := range started {
			if attempt == 2 {
				break
			}
		}
		b.mustStop(t)
	}
	if letters := deadLetters(t, cfg.DataDir); len(letters) != 0 {
		t.Errorf("interrupted runs made %d dead letters", len(letters))
	}
	cfg.Topics[0].Handler = newJournal().handler(nil)
	b := start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
}

// TestAnOutageDoesNotDrainIntoDeadLetters: what all jobs depend on is down. As
// many are buried as there are tokens, over a restart too; all others wait, and
// are done when it is up again.
func TestAnOutageDoesNotDrainIntoDeadLetters(t *testing.T) {
	t.Parallel()
	const records, tokens = 300, 10
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", records, records, 1)
	j := newJournal()
	var up atomic.Bool
	var done, buried atomic.Int64
	var guarded sync.Map
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", OnFailure: bridge.BuryJob,
		Retry:      bridge.Backoff{MaxAttempts: 2, First: time.Millisecond, Max: time.Second},
		DeadLetter: bridge.DeadLetter{Guard: bridge.Guard{Bucket: tokens}},
		Handler: j.handler(func(context.Context, *bridge.Job) error {
			if up.Load() {
				return nil
			}
			return errors.New("http 503")
		}),
	})
	told := make(chan bridge.Guarding, 10)
	cfg.Hooks = &bridge.Hooks{
		Guarding: func(e bridge.Guarding) { told <- e },
		Retried: func(e bridge.Retried) {
			if e.Guarded {
				guarded.Store(e.Job.Offset, e.Delay)
			}
		},
		Durable: func(list []bridge.Completion) {
			for _, c := range list {
				switch c.Outcome {
				case "done":
					done.Add(1)
				case "bury":
					buried.Add(1)
				}
			}
		},
	}
	allHeldBack := func() bool {
		n := 0
		guarded.Range(func(_, delay any) bool {
			if delay != time.Second {
				t.Errorf("a job that is held back waits for %v", delay)
			}
			n++
			return true
		})
		return n == records-tokens
	}
	for range 2 {
		b := start(t, cfg)
		eventually(t, "all but the budget are held back", allHeldBack)
		if e := <-told; !e.Active || e.Topic != "orders" {
			t.Errorf("told %+v, want that it begins", e)
		}
		flagged := 0
		for job, err := range b.Inspector().Jobs(t.Context(), inspect.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if job.Guarded {
				flagged++
			}
		}
		if flagged != records-tokens {
			t.Errorf("%d jobs are flagged, want %d", flagged, records-tokens)
		}
		b.mustStop(t)
		guarded.Clear()
	}
	if n := len(deadLetters(t, cfg.DataDir)); n != tokens || buried.Load() != tokens {
		t.Errorf("%d dead letters and %d burials, want %d", n, buried.Load(), tokens)
	}
	b := start(t, cfg)
	eventually(t, "it is still down", allHeldBack)
	up.Store(true)
	broker.WaitCommitted(t, "billing", "orders")
	for e := range told {
		if !e.Active {
			if e.Refused < records-tokens {
				t.Errorf("told %+v at the end", e)
			}
			break
		}
	}
	b.mustStop(t)
	if done.Load() != records-tokens || buried.Load() != tokens {
		t.Errorf("%d jobs are done and %d buried, want %d and %d", done.Load(), buried.Load(), records-tokens, tokens)
	}
}

// TestOnFailureChangesWhileJobsRun: from block to bury, with the guard of it.
func TestOnFailureChangesWhileJobsRun(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", DeadLetter: bridge.DeadLetter{Guard: bridge.Guard{Bucket: 1}},
		Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return bridge.Bury(errors.New("no")) }),
	})
	outcomes := make(chan string, 8)
	cfg.Hooks = &bridge.Hooks{Finished: func(_ *bridge.Job, r bridge.Result) {
		outcomes <- fmt.Sprint(r.Outcome, " ", r.Guarded)
	}}
	b := start(t, cfg)
	fail := func(key, want string) {
		t.Helper()
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte(key)})
		if got := <-outcomes; got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	fail("a", "halt false")
	changed := cfg
	changed.Topics = slices.Clone(cfg.Topics)
	changed.Topics[0].OnFailure = bridge.BuryJob
	if applied, err := b.Apply(changed); err != nil || len(applied.Restart) > 0 {
		t.Fatalf("applied %+v, %v", applied, err)
	}
	fail("b", "bury false")
	fail("c", "retry true")
	b.mustStop(t)
	if letters := deadLetters(t, cfg.DataDir); len(letters) != 1 || letters[0].Offset != 1 {
		t.Errorf("dead letters %+v, want the one of offset 1", letters)
	}
}
