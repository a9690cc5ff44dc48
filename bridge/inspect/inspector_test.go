package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// newStore has partitions of orders with n jobs each, in lanes by offset % lanes.
func newStore(t *testing.T, partitions int32, n, lanes int64) *queue.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), queue.FileName)
	must(t, queue.Create(path, queue.Identity{StoreID: "s"}))
	s, err := queue.Open(path, queue.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for number := range partitions {
		p, err := s.Attach(queue.TopicPartition{Topic: "orders", Partition: number})
		must(t, err)
		must(t, p.Configure("topic-id", "scheme"))
		must(t, p.SetStart(0))
		recs := make([]queue.Record, n)
		for i := range recs {
			lane := uint64(int64(i) % lanes)
			key := fmt.Appendf(nil, "k%d", lane)
			recs[i] = queue.Record{Offset: int64(i), Timestamp: -1, Key: key, Lane: queue.Lane{ID: lane, Name: key}}
		}
		must(t, errOf(p.Append(recs)))
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func plan(t *testing.T, i inspect.Inspector, verb inspect.Verb, q inspect.Query) inspect.Plan {
	t.Helper()
	p, err := i.Plan(t.Context(), inspect.Command{Verb: verb, Select: q})
	must(t, err)
	return p
}

func list(t *testing.T, i inspect.Inspector, q inspect.Query) (names []string) {
	t.Helper()
	for job, err := range i.Jobs(t.Context(), q) {
		must(t, err)
		names = append(names, job.String())
	}
	return names
}

func TestQueriesNarrow(t *testing.T) {
	t.Parallel()
	i := inspect.New(newStore(t, 2, 4, 2), inspect.Options{})
	for want, q := range map[string]inspect.Query{
		"[orders/0@0 orders/0@1 orders/0@2 orders/0@3 orders/1@0 orders/1@1 orders/1@2 orders/1@3]": {},
		"[orders/1@0 orders/1@1 orders/1@2 orders/1@3]":                                             {Topic: "orders", Partitions: []int32{1}},
		"[orders/0@1 orders/0@3]":                       {Topic: "orders", Partitions: []int32{0}, Offsets: []int64{3, 1, 9, 3}},
		"[orders/0@1 orders/0@3 orders/1@1 orders/1@3]": {Key: []byte("k1")},
		"[orders/0@0 orders/0@2 orders/1@0 orders/1@2]": {Lane: []byte("k0")},
		"[orders/0@0 orders/0@1 orders/1@0 orders/1@1]": {States: []inspect.State{inspect.Ready, inspect.Halted}},
		"[orders/0@2 orders/0@3 orders/1@2]":            {States: []inspect.State{inspect.Blocked}, Limit: 3},
		"[orders/0@3 orders/1@3]":                       {From: 3},
		"[]":                                            {Key: []byte{}},
	} {
		if got := fmt.Sprint(list(t, i, q)); got != want {
			t.Errorf("%+v lists %s, want %s", q, got, want)
		}
	}
}

func TestPlanHoldsSoManyJobsAndCountsTheRest(t *testing.T) {
	t.Parallel()
	const n = inspect.MaxJobs + 300
	s := newStore(t, 1, n, 100)
	i := inspect.New(s, inspect.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	everything := inspect.Query{Topic: "orders"}
	p := plan(t, i, inspect.Skip, everything)
	if p.Matched != n || len(p.Jobs) != inspect.MaxJobs || p.More != 300 || len(p.Sample) == 0 {
		t.Fatalf("matched %d: %d and %d more, %d in the sample", p.Matched, len(p.Jobs), p.More, len(p.Sample))
	}
	for ; len(p.Jobs) > 0; p = plan(t, i, inspect.Skip, everything) {
		p.Background = false // as without a bridge
		op, err := i.Execute(t.Context(), p)
		must(t, err)
		if len(op.Done) != len(p.Jobs) || op.Done[0].Offset > op.Done[1].Offset {
			t.Fatalf("%d done of %d", len(op.Done), len(p.Jobs))
		}
	}
	parts, err := i.Partitions(t.Context())
	must(t, err)
	if parts[0].Open != 0 || parts[0].Frontier != n {
		t.Errorf("in the end %+v", parts[0])
	}
}

func TestRetryOfATopicTakesWhatFailedOnly(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 6, 3)
	s.Attached()[0].Lease(queue.Forever)
	jobs := make([]queue.Job, 2)
	if n, err := s.Take(t.Context(), jobs); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	must(t, s.Finish(queue.Finished{Job: &jobs[0], Outcome: queue.Outcome{Kind: queue.Halt}}))
	i := inspect.New(s, inspect.Options{})
	p := plan(t, i, inspect.Retry, inspect.Query{Topic: "orders"})
	got := fmt.Sprint(p.Matched, p.Jobs, p.AlreadyDone, p.Refused)
	want := "6 [orders/0@0] [{it runs anyway 2 [orders/0@1 orders/0@2]}] " +
		"[{an earlier job of its lane is not finished 3 [orders/0@3 orders/0@4 orders/0@5]}]"
	if got != want {
		t.Errorf("plan %s, want %s", got, want)
	}
	skip := plan(t, i, inspect.Skip, inspect.Query{Topic: "orders"})
	if len(skip.Jobs) != 5 || len(skip.Refused) != 1 || skip.Refused[0].Jobs[0].Offset != 1 {
		t.Errorf("skip refuses %+v", skip.Refused)
	}
}

// The plan stands while partitions come and go.
func TestExecuteAfterThePartitionHasGone(t *testing.T) {
	t.Parallel()
	s := newStore(t, 2, 2, 2)
	i := inspect.New(s, inspect.Options{})
	p := plan(t, i, inspect.Skip, inspect.Query{Topic: "orders"})
	s.Attached()[0].Detach()
	op, err := i.Execute(t.Context(), p)
	must(t, err)
	if fmt.Sprint(op.Done) != "[orders/1@0 orders/1@1]" || len(op.Refused) != 1 || fmt.Sprint(op.Refused[0].Jobs) != "[orders/0@1 orders/0@0]" {
		t.Errorf("operation %+v", op)
	}
}

func TestListOfAPartitionThatGoesMeanwhileSaysSo(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 1000, 10)
	listed, failure := 0, error(nil)
	for _, err := range inspect.New(s, inspect.Options{}).Jobs(t.Context(), inspect.Query{}) {
		if failure = err; err != nil {
			break
		}
		if listed++; listed == 1 {
			s.Attached()[0].Detach()
			must(t, s.Sync(t.Context()))
		}
	}
	if !errors.Is(failure, inspect.ErrNotHeld) || listed == 1000 {
		t.Errorf("%d jobs, then %v", listed, failure)
	}
}

func TestClosedStoreIsNoDamage(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 1000, 10)
	listed, failure := 0, error(nil)
	for job, err := range inspect.New(s, inspect.Options{}).Jobs(t.Context(), inspect.Query{}) {
		if failure = err; err != nil {
			break
		}
		if job.Damaged != nil {
			t.Fatalf("%s: %v", job.Name, job.Damaged)
		}
		if listed++; listed == 1 {
			must(t, s.Close())
		}
	}
	if !errors.Is(failure, queue.ErrClosed) {
		t.Errorf("%d jobs, then %v", listed, failure)
	}
}

func TestCancelledCommandSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	i := inspect.New(newStore(t, 1, 1000, 1000), inspect.Options{})
	p := plan(t, i, inspect.Skip, inspect.Query{Topic: "orders"})
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the operator has gone")
	cancel(gone)
	op, err := i.Execute(ctx, p)
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	if open := len(list(t, i, inspect.Query{})); open+len(op.Done) > 1000 {
		t.Errorf("%d named as done, and %d open", len(op.Done), open)
	}
}

// errOf is the error of an Append.
func errOf(_ int, err error) error { return err }
