package bridge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// explained is what the inspector says once all parts are in it.
func explained(t *testing.T, i inspect.Inspector, partition int32, offset *int64, parts ...string) (e inspect.Explanation) {
	t.Helper()
	text := ""
	deadline := time.Now().Add(patience)
	for {
		var err error
		if e, err = i.Explain(t.Context(), "orders", partition, offset); err != nil && !errors.Is(err, inspect.ErrNotRunning) {
			t.Fatal(err)
		}
		text = e.String()
		missing := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return strings.Contains(text, part) })
		if len(missing) == 0 {
			return e
		}
		if time.Now().After(deadline) {
			t.Fatalf("the explanation does not say %q:\n%s", missing, text)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAnOperatorSeesWhyAnOffsetDoesNotMove(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	i := s.Inspector()
	e := explained(t, i, 0, nil, "orders/0   committed 1   frontier 1   stored to 6   log end 6",
		"orders/0@1, key cust, is unfinished.", "halted after 1 attempt", "on_failure: block", "not a number",
		"2 jobs of this key", "2 offsets ahead of it are done; no other key fails: not an outage",
		"Next       nothing, until you act.", "nothing would run again.",
		"holdfast bury --topic orders --partition 0 --offset 1", "holdfast park --topic orders --partition 0 --key cust")
	if e.Cause != inspect.CauseJob || e.Job == nil || !e.Job.Holds || e.Still == nil || *e.LogStart != 0 {
		t.Errorf("explained as %+v", e)
	}
	last := int64(5)
	explained(t, i, 0, &last, "orders/0@5, key cust, is blocked.", "orders/0@1 of its key is before it, halted")
	explained(t, i, 7, nil, "Nothing is known of orders/7: Kafka has no such topic or partition.")

	status, err := i.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one := status.Partitions[0]
	if status.Healthy || one.Halted != 1 || one.Blocked != 2 || one.Unfinished() != 3 || one.NotStored == nil || *one.NotStored != 0 || one.CommitLag != 0 || one.OldestAt.IsZero() {
		t.Errorf("status is %+v", status)
	}
	if !slices.ContainsFunc(status.Problems, func(p inspect.Problem) bool { return p.Code == "halted" && p.Topic == "orders" }) {
		t.Errorf("problems are %+v", status.Problems)
	}
	if status.Workers.Workers != 16 || status.Member.ID == "" || status.Member.Confirmed.IsZero() || status.Topics[0].OnFailure != "block" {
		t.Errorf("workers %+v, member %+v, topics %+v", status.Workers, status.Member, status.Topics)
	}
	for lane, err := range i.Lanes(t.Context(), inspect.LaneQuery{Topic: "orders"}) {
		if err != nil || lane.Offset != 1 || lane.Jobs != 3 || lane.State != inspect.Halted || string(lane.Key) != "cust" || !lane.Holds || lane.Error != "not a number" {
			t.Errorf("lane %+v: %v", lane, err)
		}
	}
	d, err := i.Job(t.Context(), inspect.Name{Topic: "orders", Partition: 0, Offset: 1})
	if err != nil || string(d.Value) != "bad" || d.Behind != 2 || d.Attempts != 1 || !d.Holds || d.Stored.IsZero() || len(d.History) != 1 {
		t.Errorf("the job is %+v: %v", d, err)
	}
	if d, err := i.Job(t.Context(), inspect.Name{Topic: "orders", Partition: 0, Offset: 0}); err != nil || d.State != inspect.Done {
		t.Errorf("a job that is done is %+v: %v", d, err)
	}

	s.mended.Store(true)
	execute(t, i, plan(t, i, bad(inspect.Retry)))
	explained(t, i, 0, nil, "committed 6", "Everything that Kafka has is done and committed.")
}

func TestTheSameIsSeenWithoutABridge(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	s.mustStop(t)
	if _, err := s.Inspector().Status(t.Context()); !errors.Is(err, inspect.ErrNotRunning) {
		t.Errorf("the status of a bridge that has ended: %v", err)
	}
	off, err := inspect.Open(t.Context(), s.cfg.DataDir, inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer off.Close()
	explained(t, off, 0, nil, "orders/0   committed 1   frontier 1   stored to 6   (no bridge runs)",
		"orders/0@1, key cust, is unfinished: the offset waits for it.", "halted after 1 attempt, last", "2 jobs of this key", "re-runs 0.")
	status, err := off.Status(t.Context())
	if err != nil || status.Live || status.Halted != 1 || status.Blocked != 2 || status.NotStored != nil || status.Workers != nil {
		t.Errorf("status is %+v: %v", status, err)
	}
	if _, err := off.Workers(t.Context()); !errors.Is(err, inspect.ErrNotRunning) {
		t.Errorf("the workers of no bridge: %v", err)
	}
	disk, err := off.Disk(t.Context())
	if err != nil || disk.Path != s.cfg.DataDir || len(disk.Uses) != 1 || disk.Uses[0].Jobs != 3 || disk.Budget != nil || disk.FileBytes == 0 || disk.TotalBytes == 0 {
		t.Errorf("disk is %+v: %v", disk, err)
	}
}

func TestAHeldPartitionSaysWhy(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 1, 1)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	start(t, cfg).mustStopAt(t, broker)
	produce(t, broker, "orders", 10, 1, 1)
	broker.DeleteRecords(t, "orders", 0, 15)
	b := start(t, cfg)
	e := explained(t, b.Inspector(), 0, nil, "Held since", "for a person to decide: ", "deleted offsets 10 to 14", "holdfast seek --topic orders --partition 0")
	status, err := b.Inspector().Status(t.Context())
	if err != nil || e.Cause != inspect.CauseHeld || status.Healthy || status.Problems[0].Code != "held" || status.Partitions[0].HeldError == "" {
		t.Errorf("explained as %s, status %+v: %v", e.Cause, status, err)
	}
}

func TestWhatRunsIsSeen(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	release := make(chan struct{})
	defer close(release)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Timeout: time.Hour, Heartbeat: time.Minute, Concurrency: 1, Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return ctx.Err()
	})})
	cfg.StopWithin = -1
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("a")}, bridgetest.Record{Key: []byte("b")})
	b := start(t, cfg)
	e := explained(t, b.Inspector(), 0, nil, "running for", "its attempt 1; last sign of life", "told to end at", "holdfast cancel", "waits for the 1 run under way")
	if e.Job.Started.IsZero() || *e.RestartReruns != 1 {
		t.Errorf("explained as %+v", e)
	}
	other := 1 - e.Job.Offset
	explained(t, b.Inspector(), 0, &other, "is ready.", "one of the 1 runs that orders may have at a time ends")
	list, err := b.Inspector().Workers(t.Context())
	if err != nil || len(list) != 1 || list[0].Offset != e.Job.Offset || list[0].Timeout.IsZero() || list[0].Silent == nil || list[0].Stuck || list[0].Batch != 1 {
		t.Errorf("workers are %+v: %v", list, err)
	}
	broker.Stop(t)
	e = explained(t, b.Inspector(), 0, nil, "running for")
	status, err := b.Inspector().Status(t.Context())
	if err != nil || status.Running != 1 || status.Ready != 1 || e.LogEnd == nil || *e.LogEnd != 2 {
		t.Errorf("without Kafka the status is %+v: %v", status, err)
	}
	eventually(t, "it is told that jobs do not start", func() bool {
		status, err := b.Inspector().Status(t.Context())
		return err == nil && slices.ContainsFunc(status.Problems, func(p inspect.Problem) bool { return p.Code == "no_lease" || p.Code == "kafka_away" })
	})
	explained(t, b.Inspector(), 0, nil, "this bridge is no member of its group at the moment", "1 run of it under way, from before")
}
