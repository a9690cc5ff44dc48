package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sys/unix"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// fillDisk makes every further write to the store fail as on a full disk.
func fillDisk(t *testing.T, dir string) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, entry := range fds {
		name, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err != nil || name != filepath.Join(dir, "holdfast.db") {
			continue
		}
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Dup3(int(full.Fd()), fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		found = true
	}
	if !found {
		t.Fatal("the store's file is not open")
	}
}

func TestFailedStoreStopsEverything(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	var started atomic.Int64
	var told atomic.Pointer[error]
	release := make(chan struct{})
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(ctx context.Context, _ *bridge.Job) error {
		started.Add(1)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	})})
	cfg.Workers = 2
	cfg.Hooks = &bridge.Hooks{StoreError: func(err error) { told.Store(&err) }}
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.Run(t.Context()) }()
	eventually(t, "jobs run", func() bool { return started.Load() == 2 })
	eventually(t, "the start is committed", func() bool { return len(broker.Committed("billing", "orders")) == 1 })
	fillDisk(t, cfg.DataDir)
	release <- struct{}{}
	err = <-ended
	if !errors.Is(err, bridge.ErrStoreFailed) {
		t.Errorf("Run returned %v, want ErrStoreFailed", err)
	}
	if c := broker.Committed("billing", "orders")[0]; c.Offset != 0 {
		t.Errorf("committed %d after the store failed", c.Offset)
	}
	if told.Load() == nil {
		t.Error("no hook was told")
	}
}

func TestStoreThatFailsAtTheStopIsSaid(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	broker.WaitCommitted(t, "billing", "orders")
	fillDisk(t, cfg.DataDir)
	cancel()
	if err := <-ended; !errors.Is(err, bridge.ErrStoreFailed) {
		t.Errorf("Run returned %v, want ErrStoreFailed", err)
	}
}

func TestTuningThatBreaksAPromiseIsRefused(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	cfg.Sarama = func(c *sarama.Config) { c.Consumer.Offsets.AutoCommit.Enable = true }
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var problems *bridge.ConfigError
	if err := b.Run(t.Context()); !errors.As(err, &problems) || problems.Problems[0].Field != "Sarama" {
		t.Errorf("Run returned %v, want a problem with Sarama", err)
	}
}

func TestUnreachableKafkaIsSaid(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	broker.Stop(t)
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); !errors.Is(err, bridge.ErrKafkaUnreachable) {
		t.Errorf("Run returned %v, want ErrKafkaUnreachable", err)
	}
}

func TestDirectoryServesOneBridge(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	first := start(t, cfg)
	<-first.Ready()
	for name, c := range map[string]struct {
		change func(*bridge.Config)
		want   error
	}{
		"in use": {func(*bridge.Config) {}, bridge.ErrStoreInUse},
	} {
		second := cfg
		c.change(&second)
		b, err := bridge.New(second)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Run(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s: Run returned %v, want %v", name, err, c.want)
		}
	}
	first.mustStop(t)
	cfg.Group = "shipping"
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); !errors.Is(err, bridge.ErrStoreForeign) {
		t.Errorf("Run returned %v, want ErrStoreForeign", err)
	}
}

func TestTopicThatIsUnknownForAMoment(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]bridgetest.Request{
		"bounds": bridgetest.ListOffsets, "records": bridgetest.Fetch, "offset": bridgetest.OffsetFetch,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
			produce(t, broker, "orders", 10, 10, 1)
			broker.FailPartitions(request, 3, sarama.ErrUnknownTopicOrPartition, "orders", 0)
			start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})).mustStopAt(t, broker)
		})
	}
}

func TestAmbiguousPatternsAreRefused(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("audit.eu", 1))
	handler := newJournal().handler(nil)
	b, err := bridge.New(config(t, broker, bridge.Topic{Match: "audit.*", Handler: handler}, bridge.Topic{Match: ".*eu", Handler: handler}))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); !errors.Is(err, bridge.ErrRefused) {
		t.Errorf("Run returned %v, want ErrRefused", err)
	}
}

func TestRunsGoOnOverALostMembership(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 1, 1, 1)
	j := newJournal()
	started, release := make(chan struct{}, 1), make(chan struct{})
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(func(ctx context.Context, _ *bridge.Job) error {
		started <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})})
	taken, lost := make(chan bridge.Assigned, 4), make(chan bridge.Revoked, 4)
	cfg.Hooks = &bridge.Hooks{
		Assigned: func(e bridge.Assigned) { taken <- e },
		Revoked:  func(e bridge.Revoked) { lost <- e },
	}
	b := start(t, cfg)
	<-taken
	<-started
	fault := broker.Fail(bridgetest.Heartbeat, bridgetest.Always, sarama.ErrUnknownMemberId)
	if e := <-lost; errors.Is(e.Cause, bridge.ErrRevoked) || errors.Is(e.Cause, bridge.ErrStopping) || e.Interrupted != 0 {
		t.Errorf("given up with %+v, want it lost", e)
	}
	fault.Remove()
	if e := <-taken; e.Open != 1 {
		t.Errorf("taken again with %+v, want the job that runs", e)
	}
	close(release)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	if _, total := j.counts(); total != 1 {
		t.Errorf("the job ran %d times", total)
	}
}

func TestFetchingWaitsForTheBudget(t *testing.T) {
	t.Parallel()
	const records, size = 2000, 16 << 10 // 32 MiB; the window is 4 MiB, and 8 MiB may be on their way
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	batch := make([]bridgetest.Record, records)
	for i := range batch {
		batch[i] = bridgetest.Record{Key: []byte("k" + strconv.Itoa(i)), Value: bytes.Repeat([]byte("v"), size)}
	}
	broker.Produce(t, "orders", batch...)
	var stored atomic.Int64
	j, release := newJournal(), make(chan struct{})
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(func(context.Context, *bridge.Job) error {
		<-release
		return nil
	})})
	cfg.Workers, cfg.Budget.Memory = 2, 16<<20
	cfg.Hooks = &bridge.Hooks{Stored: func(e bridge.Stored) { stored.Add(int64(e.Records)) }}
	b := start(t, cfg)
	eventually(t, "the window is full", func() bool { return stored.Load()*size >= 3<<20 })
	for watched := time.Now(); time.Since(watched) < 700*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if n := stored.Load(); n > records/2 {
			t.Fatalf("%d of %d records were fetched beyond a full window", n, records)
		}
	}
	close(release)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	j.check(t, records)
}
