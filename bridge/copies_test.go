package bridge_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// copied is cfg for a copy of its data directory, which no bridge works with.
func copied(t *testing.T, cfg bridge.Config) bridge.Config {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(cfg.DataDir)); err != nil {
		t.Fatal(err)
	}
	cfg.DataDir = to
	return cfg
}

// opened opens the store of a bridge once, until it holds its partitions: a copy
// that knows nothing of it is told from one that does.
func opened(t *testing.T, cfg bridge.Config, partitions int) {
	t.Helper()
	b := start(t, cfg)
	eventually(t, "its partitions are taken", func() bool {
		parts, err := b.Inspector().Partitions(t.Context())
		return err == nil && len(parts) == partitions && parts[partitions-1].Committed >= 0
	})
	b.mustStop(t)
}

// refused runs a bridge and tells how it ended by itself.
func refused(t *testing.T, cfg bridge.Config) (b *bridge.Bridge, ended <-chan error) {
	t.Helper()
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		result <- b.Run(ctx)
	}()
	t.Cleanup(func() {
		b.Abort()
		cancel()
		<-done
	})
	return b, result
}

func checkRefused(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if !errors.Is(err, bridge.ErrRefused) || !strings.Contains(err.Error(), "a copy of this data directory is in use") {
			t.Fatalf("Run returned %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
}

const describeGroups bridgetest.Request = 15

// While a bridge waits for a member with its store, readiness tells why.
func TestABridgeThatWaitsForACopyIsNotReadyAndSaysWhy(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	cfg.InstanceID = bridge.Dynamic
	opened(t, cfg, 1)
	other := copied(t, cfg)
	start(t, cfg)
	eventually(t, "it has joined", func() bool { return broker.Members("billing") == 1 })
	b, ended := refused(t, other)
	eventually(t, "the reason is told", func() bool {
		h := b.Health()
		return h.Alive && !h.Ready && strings.Contains(strings.Join(h.Problems, "; "), "works with this store, too")
	})
	checkRefused(t, ended)
}

// Of two copies in one group the one that was opened less often gives way as at
// a planned stop: what runs is finished and committed, and runs nowhere else.
func TestACopyGivesWayWithoutLosingItsRuns(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	forbidden := broker.Fail(describeGroups, bridgetest.Always, sarama.ErrGroupAuthorizationFailed)
	var runs atomic.Int64
	started, release := make(chan struct{}), make(chan struct{})
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error {
		runs.Add(1)
		close(started)
		<-release
		return nil
	})})
	cfg.InstanceID = bridge.Dynamic
	opened(t, cfg, 1)
	other := copied(t, cfg)
	opened(t, other, 1) // once more
	older, ended := refused(t, cfg)
	broker.Produce(t, "orders", bridgetest.Record{Value: []byte("slow")})
	select {
	case <-started:
	case <-time.After(patience):
		t.Fatal("the job does not start")
	}
	later := start(t, other)
	eventually(t, "both are members", func() bool { return broker.Members("billing") == 2 })
	forbidden.Remove()
	eventually(t, "the other one tells of it", func() bool { return strings.Contains(strings.Join(later.Health().Problems, "; "), "is to give way") })
	eventually(t, "it stops", func() bool { return older.Health().State == inspect.StateStopping })
	select {
	case err := <-ended:
		t.Fatalf("Run returned %v before its job had ended", err)
	default:
	}
	close(release)
	checkRefused(t, ended)
	broker.WaitCommitted(t, "billing", "orders")
	if n := runs.Load(); n != 1 {
		t.Errorf("%d runs", n)
	}
}

// What gives way commits no fixed partition any more: the offset is the other's.
func TestACopyThatGivesWayLeavesFixedPartitionsAlone(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	one, two := newJournal(), newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Partitions: []int32{0, 1}, Handler: one.handler(nil)})
	opened(t, cfg, 2)
	other := copied(t, cfg)
	opened(t, other, 2) // once more
	_, ended := refused(t, cfg)
	other.Topics = []bridge.Topic{{Name: "orders", Partitions: []int32{0, 1}, Handler: two.handler(nil)}}
	taken := make(chan bridge.Assigned, 2)
	other.Hooks = &bridge.Hooks{Assigned: func(a bridge.Assigned) { taken <- a }}
	later := start(t, other)
	<-taken
	<-taken
	// The offset moves for both as long as both work.
	var err error
	eventually(t, "one of two gives way", func() bool {
		broker.Produce(t, "orders", bridgetest.Record{Partition: 0}, bridgetest.Record{Partition: 1})
		select {
		case err = <-ended:
			return true
		default:
			return false
		}
	})
	if !errors.Is(err, bridge.ErrRefused) {
		t.Fatalf("Run returned %v", err)
	}
	broker.WaitCommitted(t, "billing", "orders")
	later.mustStop(t)
	for p, c := range broker.Committed("billing", "orders") {
		if !strings.Contains(c.Metadata, " epoch=3 ") {
			t.Errorf("orders/%d is committed with %q", p, c.Metadata)
		}
	}
}
