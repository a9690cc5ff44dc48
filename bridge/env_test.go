package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// patience bounds every wait.
const patience = 30 * time.Second

// eventually fails the test if the condition does not come true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// config is a bridge at the broker with quick timers and a store of its own.
func config(t *testing.T, broker *bridgetest.Broker, topics ...bridge.Topic) bridge.Config {
	t.Helper()
	return bridge.Config{
		Brokers:          broker.Addrs(),
		Group:            "billing",
		DataDir:          t.TempDir(),
		Topics:           topics,
		Workers:          16,
		CommitEvery:      20 * time.Millisecond,
		SessionTimeout:   6 * time.Second,
		RebalanceTimeout: 10 * time.Second,
		StopWithin:       10 * time.Second,
		Logger:           logger(t),
	}
}

// running is a bridge that runs until it is stopped.
type running struct {
	*bridge.Bridge
	stop   func() error // a planned stop; waits, and tells what Run returned
	cancel context.CancelFunc
}

// start runs a bridge, at the latest until the test ends.
func start(t *testing.T, cfg bridge.Config) *running {
	t.Helper()
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("Run does not return")
		}
	})
	t.Cleanup(func() {
		b.Abort()
		if err := stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	return &running{Bridge: b, stop: stop, cancel: cancel}
}

// mustStop stops the bridge as planned.
func (r *running) mustStop(t *testing.T) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Fatalf("Run returned %v", err)
	}
}

// journal records what handlers did, at one bridge or several.
type journal struct {
	mu     sync.Mutex
	runs   map[string]int   // by job
	last   map[string]int64 // offset by bridge and lane: order holds within an owner
	active map[string]bool  // by lane: two owners must not overlap
	breaks []string
	total  int
}

func newJournal() *journal {
	return &journal{runs: map[string]int{}, last: map[string]int64{}, active: map[string]bool{}}
}

// handler notes each run around what f does.
func (j *journal) handler(f func(context.Context, *bridge.Job) error) bridge.Handler {
	return j.handlerAt("", f)
}

// handlerAt is for one of several bridges.
func (j *journal) handlerAt(owner string, f func(context.Context, *bridge.Job) error) bridge.Handler {
	return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		lane := fmt.Sprintf("%s/%d %s", job.Topic, job.Partition, job.Lane)
		j.begin(owner, lane, job)
		defer j.end(lane)
		if f == nil {
			return nil
		}
		return f(ctx, job)
	})
}

func (j *journal) begin(owner, lane string, job *bridge.Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if last, seen := j.last[owner+" "+lane]; seen && last > job.Offset {
		j.breaks = append(j.breaks, fmt.Sprintf("%s after @%d", job, last))
	}
	if j.active[lane] {
		j.breaks = append(j.breaks, fmt.Sprintf("%s beside another job of its lane", job))
	}
	j.active[lane], j.last[owner+" "+lane] = true, job.Offset
	j.runs[job.String()]++
	j.total++
}

func (j *journal) end(lane string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active[lane] = false
}

func (j *journal) ran(job string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.runs[job]
}

// distinct is how many jobs have run, and total how often.
func (j *journal) counts() (distinct, total int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.runs), j.total
}

func (j *journal) check(t *testing.T, distinct int) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.breaks) > 0 {
		t.Errorf("order broke %d times, first at %s", len(j.breaks), j.breaks[0])
	}
	if len(j.runs) != distinct {
		t.Errorf("%d jobs ran, want %d", len(j.runs), distinct)
	}
}

// produce writes n records over keys and partitions.
func produce(t *testing.T, broker *bridgetest.Broker, topic string, n, keys int, partitions int32) {
	t.Helper()
	records := make([]bridgetest.Record, n)
	for i := range records {
		key := i * 7919 % keys
		records[i] = bridgetest.Record{
			Partition: int32(key) % partitions,
			Key:       []byte("k" + strconv.Itoa(key)),
			Value:     []byte(strconv.Itoa(i)),
		}
	}
	broker.Produce(t, topic, records...)
}

// logger writes to the test's log while the test runs.
func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
