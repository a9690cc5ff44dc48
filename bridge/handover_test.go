package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// book counts, over several bridges, which jobs were finished and which of
// these ran again.
type book struct {
	stuck func(*bridge.Job) bool // jobs that fail, until free
	free  atomic.Bool

	mu    sync.Mutex
	done  map[string]bool
	again []string
}

func newBook(stuck func(*bridge.Job) bool) *book {
	return &book{stuck: stuck, done: map[string]bool{}}
}

func (b *book) Handle(_ context.Context, job *bridge.Job) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done[job.String()] {
		b.again = append(b.again, job.String())
	}
	if !b.free.Load() && b.stuck(job) {
		return bridge.RetryAfter(100*time.Millisecond, errors.New("stuck"))
	}
	b.done[job.String()] = true
	return nil
}

func (b *book) count() (done, again int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.done), len(b.again)
}

func (b *book) waitDone(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d jobs are done", n), func() bool { done, _ := b.count(); return done >= n })
}

// leaving is the configuration of a bridge that leaves the group when it stops.
func leaving(t *testing.T, broker *bridgetest.Broker, handler bridge.Handler) bridge.Config {
	t.Helper()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: handler})
	cfg.LeaveOnStop = true
	return cfg
}

// TestPartitionsGoToAndFro: with one stuck head per partition, thousands of
// completions above it are passed on, and none of them runs again.
func TestPartitionsGoToAndFro(t *testing.T) {
	t.Parallel()
	const partitions, keys, share = 4, 40, 2000
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", partitions))
	b := newBook(func(job *bridge.Job) bool { return job.Offset == 0 })
	first, second := leaving(t, broker, b), leaving(t, broker, b)
	// Keys behind the stuck heads wait: these are records 0 to 3 of the first
	// share and those of their four keys.
	open := func(shares int) int { return shares * share * 4 / keys }
	produced := 0
	more := func() {
		produce(t, broker, "orders", share, keys, partitions)
		produced++
		b.waitDone(t, produced*share-open(produced))
	}

	x := start(t, first)
	more()
	y := start(t, second) // half of the partitions move
	broker.WaitMembers(t, "billing", 2)
	more()
	for range 2 {
		x.mustStop(t) // all are at the other one
		more()
		x = start(t, first)
		broker.WaitMembers(t, "billing", 2)
		more()
		y.mustStop(t)
		more()
		y = start(t, second)
		broker.WaitMembers(t, "billing", 2)
		more()
	}
	b.free.Store(true)
	b.waitDone(t, produced*share)
	broker.WaitCommitted(t, "billing", "orders")
	if _, again := b.count(); again > 0 {
		t.Errorf("%d finished jobs ran again, the first is %s", again, b.again[0])
	}
}

// TestWhatTheMetadataCannotCarryRunsAgain, and nothing else does.
func TestWhatTheMetadataCannotCarryRunsAgain(t *testing.T) {
	t.Parallel()
	const records = 30_000
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	b := newBook(func(job *bridge.Job) bool { return job.Offset%2 == 0 })
	left := make(chan int64, 1)
	first := leaving(t, broker, b)
	first.Hooks = &bridge.Hooks{Revoked: func(e bridge.Revoked) { left <- e.Left }}
	keyed := make([]bridgetest.Record, records)
	for i := range keyed {
		keyed[i].Key = []byte(strconv.Itoa(i))
	}
	broker.Produce(t, "orders", keyed...)
	x := start(t, first)
	b.waitDone(t, records/2)
	x.mustStop(t)
	b.free.Store(true)
	start(t, leaving(t, broker, b))
	b.waitDone(t, records)
	broker.WaitCommitted(t, "billing", "orders")
	want := <-left
	if _, again := b.count(); int64(again) != want || want == 0 || want > records/4 {
		t.Errorf("%d finished jobs ran again, %d did not fit", again, want)
	}
}

// moving is a clock that can be set forward while it is in use.
type moving struct{ by atomic.Int64 }

func (m *moving) Now() time.Time { return time.Now().Add(time.Duration(m.by.Load())) }

func (m *moving) AfterFunc(d time.Duration, f func()) queue.Timer { return time.AfterFunc(d, f) }

// TestCommitTellsWhatIsAheadOfAStuckHead every 30 s, though its offset stays.
func TestCommitTellsWhatIsAheadOfAStuckHead(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	b := newBook(func(job *bridge.Job) bool { return job.Offset == 0 })
	cfg, clock := leaving(t, broker, b), &moving{}
	cfg.Clock = clock
	start(t, cfg)
	told := func() []queue.Range {
		stamp, _ := recovery.DecodeStamp(broker.Committed("billing", "orders")[0].Metadata)
		return stamp.Ahead
	}
	for i := range 3 {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte{byte(2 * i)}}, bridgetest.Record{Key: []byte{byte(2*i + 1)}})
		b.waitDone(t, 2*i+1)
		clock.by.Add(int64(30 * time.Second))
		want := []queue.Range{{From: 1, To: int64(2*i + 2)}}
		eventually(t, fmt.Sprintf("the commit tells %v", want), func() bool { return slices.Equal(told(), want) })
	}
	if commit := broker.Committed("billing", "orders")[0]; commit.Offset != 0 {
		t.Errorf("committed %d", commit.Offset)
	}
}

// TestBrokerTakesLessMetadata: the stamp is shortened, not dropped.
func TestBrokerTakesLessMetadata(t *testing.T) {
	t.Parallel()
	const records = 4000
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	b := newBook(func(job *bridge.Job) bool { return job.Offset%2 == 0 })
	keyed := make([]bridgetest.Record, records)
	for i := range keyed {
		keyed[i].Key = []byte(strconv.Itoa(i))
	}
	broker.Produce(t, "orders", keyed...)
	left := make(chan int64, 1)
	cfg := leaving(t, broker, b)
	cfg.CommitEvery = time.Hour
	cfg.Hooks = &bridge.Hooks{Revoked: func(e bridge.Revoked) { left <- e.Left }}
	x := start(t, cfg)
	b.waitDone(t, records/2)
	refused := broker.FailPartitions(bridgetest.OffsetCommit, 1, sarama.ErrOffsetMetadataTooLarge, "orders", 0)
	x.mustStop(t)
	if refused.Hits() != 1 {
		t.Fatalf("%d commits were refused", refused.Hits())
	}
	want := <-left
	stamp, err := recovery.DecodeStamp(broker.Committed("billing", "orders")[0].Metadata)
	if err != nil || len(stamp.Ahead) == 0 || stamp.Left != want || want == 0 || want > records/3 {
		t.Errorf("%d ranges, %d left, %d reported, %v", len(stamp.Ahead), stamp.Left, want, err)
	}
}
