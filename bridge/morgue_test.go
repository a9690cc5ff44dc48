package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Morgue is a store with dead letters, and what sends their copies, for tests
// that have a broker: those of this package cannot import one.
type Morgue struct {
	*run
	path string
	Log  *logged
}

// Logged is for tests that look into a log.
type Logged = logged

// logged keeps the messages of a log.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

func (l *logged) Count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// OpenMorgue opens the store at path, and makes it where there is none.
func OpenMorgue(t *testing.T, path string, brokers []string) *Morgue {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := queue.Create(path, queue.Identity{StoreID: "s"}); err != nil {
			t.Fatal(err)
		}
	}
	cfg := smallest()
	cfg.Brokers, cfg.Group = brokers, "billing"
	cfg.Topics = []Topic{{Name: "orders", Handler: doNothing, DeadLetter: DeadLetter{Topic: "orders.dead"}}}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	store, err := queue.Open(path, b.queueOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	cluster, err := kafka.Dial(t.Context(), kafka.Config{Brokers: brokers, Group: "billing"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	log := new(logged)
	return &Morgue{path: path, Log: log, run: &run{
		Bridge: b, store: store, cluster: cluster, parts: newRegistry(), failed: make(chan struct{}),
		log: slog.New(slog.NewTextHandler(io.MultiWriter(log, t.Output()), nil)),
	}}
}

// Bury appends jobs to a partition and buries each, and lets go of the partition.
func (m *Morgue) Bury(t *testing.T, partition int32, records ...queue.Record) {
	t.Helper()
	p, err := m.store.Attach(queue.TopicPartition{Topic: "orders", Partition: partition})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Detach()
	next := p.State().Next
	if next < 0 {
		if err := p.SetStart(0); err != nil {
			t.Fatal(err)
		}
		if err := p.Configure("topic-id", "scheme"); err != nil {
			t.Fatal(err)
		}
		next = 0
	}
	for i := range records {
		records[i].Offset = next + int64(i)
		records[i].Lane = queue.Lane{ID: uint64(i), Name: fmt.Append(nil, i)}
	}
	p.Lease(queue.Forever)
	if _, err := p.Append(records); err != nil {
		t.Fatal(err)
	}
	for range records {
		job := make([]queue.Job, 1)
		if _, err := m.store.Take(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if err := m.store.Finish(queue.Finished{Job: &job[0], Outcome: queue.Outcome{Kind: queue.Bury, Error: "account locked"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.store.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Send lets the couriers work until stop.
func (m *Morgue) Send(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.sendDead(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Error("sending does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

func (m *Morgue) Unsent() (n int) {
	for _, c := range m.store.DeadCounts() {
		n += c.Unsent
	}
	return n
}

func (m *Morgue) AwaitSent(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); m.Unsent() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d dead letters are not sent", m.Unsent())
		}
	}
}

// Kept is how many dead letters there are.
func (m *Morgue) Kept() (n int) {
	for _, c := range m.store.DeadCounts() {
		n += c.Letters
	}
	return n
}

// Close closes the store.
func (m *Morgue) Close() error { return m.store.Close() }
