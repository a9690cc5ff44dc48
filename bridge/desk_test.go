package bridge

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// desk is a store with one partition, and workers at it, without Kafka.
type desk struct {
	*run
	part   *partition
	stored *queue.Partition
}

// newDesk starts no worker yet: see desk.start.
func newDesk(t testing.TB, workers int, topic Topic, hooked *Hooks) *desk {
	t.Helper()
	path := filepath.Join(t.TempDir(), "holdfast.db")
	if err := queue.Create(path, queue.Identity{StoreID: "s"}); err != nil {
		t.Fatal(err)
	}
	topic.Name = "orders"
	cfg := smallest()
	cfg.Topics, cfg.Hooks, cfg.Workers = []Topic{topic}, hooked, workers
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	store, err := queue.Open(path, b.queueOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	d := &desk{run: &run{
		Bridge: b, store: store, parts: newRegistry(), failed: make(chan struct{}),
		log: slog.New(slog.DiscardHandler),
	}}
	tp := queue.TopicPartition{Topic: "orders"}
	to, err := b.routes.find("orders")
	if err != nil {
		t.Fatal(err)
	}
	d.part = d.parts.add(tp, to, nil)
	d.part.scope, d.part.cancel = context.WithCancelCause(context.Background())
	if d.stored, err = store.Attach(tp); err != nil {
		t.Fatal(err)
	}
	if err := d.stored.SetStart(0); err != nil {
		t.Fatal(err)
	}
	d.part.until = queue.Forever
	d.stored.Lease(d.part.until)
	d.part.publish()
	return d
}

// start lets the workers work until the test ends.
func (d *desk) start(t testing.TB) {
	d.pool.start(d.work)
	t.Cleanup(func() {
		d.part.interrupt(ErrStopping)
		<-d.pool.stop()
		if err := d.err(); err != nil {
			t.Errorf("the run failed: %v", err)
		}
	})
}

// add appends n records, each in the lane that laneOf gives to its offset.
func (d *desk) add(t *testing.T, n int, laneOf func(offset int) int) {
	t.Helper()
	records := make([]queue.Record, n)
	next := int(d.stored.State().Next)
	for i := range records {
		lane := laneOf(next + i)
		records[i] = queue.Record{
			Offset: int64(next + i),
			Key:    []byte(strconv.Itoa(lane)),
			Value:  []byte(strconv.Itoa(next + i)),
			Lane:   queue.Lane{ID: uint64(lane), Name: []byte(strconv.Itoa(lane))},
		}
	}
	if _, err := d.stored.Append(records); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) frontier(t *testing.T) int64 {
	t.Helper()
	if err := d.store.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d.stored.Frontier()
}

// waitFor waits for what another goroutine brings about.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// textLog writes to b, which belongs to one goroutine.
func textLog(b *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
