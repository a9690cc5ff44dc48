package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// dropCount sums up what the hook Dropped tells.
type dropCount struct {
	mu sync.Mutex
	by map[string]int
}

func (c *dropCount) hooks() *bridge.Hooks {
	return &bridge.Hooks{Dropped: func(d bridge.Dropped) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.by == nil {
			c.by = map[string]int{}
		}
		c.by[d.Reason] += d.Records
	}}
}

func (c *dropCount) of(reason string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[reason]
}

func TestWhatDropsEverythingStillMovesTheCommittedOffset(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		topic  bridge.Topic
		reason string
	}{
		"filter": {bridge.Topic{Filter: func(*bridge.Record) bool { return false }}, "filtered"},
		"expiry": {bridge.Topic{Expiry: time.Hour}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
			old := time.Now().Add(-2 * time.Hour)
			var records []bridgetest.Record
			for i := range 2000 {
				records = append(records, bridgetest.Record{Partition: int32(i % 2), Key: []byte("k"), Time: old})
			}
			broker.Produce(t, "orders", records...)
			var counted dropCount
			c.topic.Name = "orders"
			c.topic.Handler = bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
				t.Errorf("%s ran", job)
				return nil
			})
			cfg := config(t, broker, c.topic)
			cfg.Hooks = counted.hooks()
			b := start(t, cfg)
			broker.WaitCommitted(t, "billing", "orders")
			if n := counted.of(c.reason); n != 2000 {
				t.Errorf("%d %s, want 2000", n, c.reason)
			}
			b.mustStop(t)
			start(t, cfg) // it begins behind what was left out
			broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Time: old})
			broker.WaitCommitted(t, "billing", "orders")
			if n := counted.of(c.reason); n != 2001 {
				t.Errorf("%d %s, want 2001", n, c.reason)
			}
		})
	}
}

func TestAFilterLeavesOutSomeAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	const n = 3000
	var records []bridgetest.Record
	for i := range n {
		records = append(records, bridgetest.Record{Key: []byte("k" + strconv.Itoa(i%7)), Value: []byte(strconv.Itoa(i))})
	}
	broker.Produce(t, "orders", records...)
	seen := newJournal()
	var counted dropCount
	cfg := config(t, broker, bridge.Topic{
		Name:    "orders",
		Handler: seen.handler(nil),
		Filter: func(r *bridge.Record) bool {
			i, err := strconv.Atoi(string(r.Value))
			switch {
			case err != nil || r.Topic != "orders":
				t.Errorf("the filter was given %+v", r)
			case i == 1:
				panic("not this one")
			}
			return i%3 == 0
		},
	})
	cfg.Hooks = counted.hooks()
	start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	seen.check(t, n/3+1)
	if got := counted.of("filtered"); got != n-n/3-1 {
		t.Errorf("%d filtered", got)
	}
}

func TestAJobExpiresWhileItWaits(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	clock := newTestClock()
	var counted dropCount
	release := make(chan struct{})
	var mu sync.Mutex
	var ran []int64
	cfg := config(t, broker, bridge.Topic{
		Name:   "orders",
		Expiry: time.Hour,
		Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			mu.Lock()
			ran = append(ran, job.Offset)
			mu.Unlock()
			if job.Offset == 0 {
				<-release
			}
			return nil
		}),
	})
	cfg.Clock = clock
	cfg.Hooks = counted.hooks()
	b := start(t, cfg)
	broker.Produce(t, "orders",
		bridgetest.Record{Key: []byte("a"), Time: clock.Now()},
		bridgetest.Record{Key: []byte("a"), Time: clock.Now()},
		bridgetest.Record{Key: []byte("a"), Time: clock.Now().Add(2 * time.Hour)})
	eventually(t, "the first one runs and the others are here", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ran) == 1 && openJobs(t, b.Bridge) == 3
	})
	clock.advance(90 * time.Minute)
	close(release)
	broker.WaitCommitted(t, "billing", "orders")
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(ran, []int64{0, 2}) || counted.of("expired") != 1 {
		t.Errorf("ran %v, %d expired", ran, counted.of("expired"))
	}
}

func TestADelayedJobRunsWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	clock := newTestClock()
	seen := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Delay: 72 * time.Hour, Handler: seen.handler(nil)})
	cfg.Clock = clock
	cfg.Workers = 1
	b := start(t, cfg)
	const n = 500 // each in a lane of its own, one worker
	var records []bridgetest.Record
	for i := range n {
		records = append(records, bridgetest.Record{Key: []byte(fmt.Sprint(i)), Time: clock.Now()})
	}
	broker.Produce(t, "orders", records...)
	delayed := func() bool { return countState(t, b.Bridge, "delayed") == n }
	eventually(t, "all are delayed, without a worker", delayed)
	b.mustStop(t)
	b = start(t, cfg)
	eventually(t, "after a restart, too", delayed)
	clock.advance(72*time.Hour - time.Minute)
	if distinct, _ := seen.counts(); distinct != 0 {
		t.Fatalf("%d jobs ran early", distinct)
	}
	clock.advance(2 * time.Minute)
	broker.WaitCommitted(t, "billing", "orders")
	seen.check(t, n)
}

func TestOlderJobsThatHaveNotRunAreSuperseded(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	var mu sync.Mutex
	var superseded []int64
	seen := newJournal()
	release := make(chan struct{})
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", OnlyLatest: true,
		Handler: seen.handler(func(ctx context.Context, job *bridge.Job) error {
			if job.Offset == 0 {
				select {
				case <-release:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			return nil
		}),
	})
	cfg.StopWithin = -1
	cfg.Hooks = &bridge.Hooks{Durable: func(list []bridge.Completion) {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range list {
			if c.Outcome == "superseded" {
				superseded = append(superseded, c.Offset)
			}
		}
	}}
	b := start(t, cfg)
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("a")})
	eventually(t, "the first one runs", func() bool { return seen.ran("orders/0@0") == 1 })
	for range 9 {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte("a")})
	}
	count := func(want int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(superseded) == want }
	}
	eventually(t, "all between the first and the last are superseded", count(8))
	b.mustStop(t) // the first is interrupted, and superseded at the start
	close(release)
	start(t, cfg)
	eventually(t, "the first is, too", count(9))
	broker.WaitCommitted(t, "billing", "orders")
	seen.check(t, 2)
}

func TestARateBoundsOneTopicAndNoOther(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("free", 1))
	clock := newTestClock()
	slow, free := newJournal(), newJournal()
	var mu sync.Mutex
	var throttled []bridge.Throttled
	cfg := config(t, broker,
		bridge.Topic{Name: "orders", Rate: 0.01, Handler: slow.handler(nil)},
		bridge.Topic{Name: "free", Handler: free.handler(nil)})
	cfg.Clock = clock
	cfg.Workers = 1 // and it does not wait for a rate
	cfg.Hooks = &bridge.Hooks{Throttled: func(e bridge.Throttled) {
		mu.Lock()
		defer mu.Unlock()
		throttled = append(throttled, e)
	}}
	b := start(t, cfg)
	produce(t, broker, "orders", 100, 100, 1)
	produce(t, broker, "free", 500, 100, 1)
	eventually(t, "the other topic is done", func() bool { n, _ := free.counts(); return n == 500 })
	eventually(t, "one run could begin", func() bool { n, _ := slow.counts(); return n == 1 })
	for want := 2; want <= 6; want++ {
		clock.advance(100 * time.Second)
		eventually(t, fmt.Sprintf("run %d has begun", want), func() bool {
			n, _ := slow.counts()
			if n > want {
				t.Fatalf("%d runs in the time of %d", n, want)
			}
			return n == want
		})
	}
	mu.Lock()
	if len(throttled) == 0 || throttled[0] != (bridge.Throttled{Topic: "orders", Partition: -1, By: "rate"}) {
		t.Errorf("told %+v", throttled)
	}
	mu.Unlock()
	next := cfg
	next.Topics = slices.Clone(cfg.Topics)
	next.Topics[0].Rate = 0
	applied, err := b.Apply(next)
	if err != nil || !slices.Equal(applied.Changed, []string{"Topics[0].Rate"}) || len(applied.Restart) > 0 {
		t.Errorf("%+v, %v", applied, err)
	}
	broker.WaitCommitted(t, "billing", "orders")
}

func TestApplyChangesWhatRunsAndNothingElse(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	topic := bridge.Topic{
		Name: "orders", Retry: bridge.Backoff{First: time.Hour},
		Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			if job.Attempt == 1 {
				return errors.New("not yet")
			}
			return nil
		}),
	}
	cfg := config(t, broker, topic)
	b := start(t, cfg)

	bad := cfg
	bad.Workers = -1
	bad.Topics = []bridge.Topic{{Name: "orders", Handler: topic.Handler, Rate: -1}}
	var invalid *bridge.ConfigError
	if _, err := b.Apply(bad); !errors.As(err, &invalid) || len(invalid.Problems) != 2 {
		t.Errorf("a bad one: %v", err)
	}

	next := cfg
	next.Workers, next.Group, next.StopWithin = 3, "another", time.Second
	next.Topics = []bridge.Topic{topic, {Name: "more", Handler: topic.Handler}}
	next.Topics[0].Retry = bridge.Backoff{First: time.Millisecond}
	next.Topics[0].OnlyLatest = true
	applied, err := b.Apply(next)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Workers", "StopWithin", "Topics[0].Retry"}; !slices.Equal(applied.Changed, want) {
		t.Errorf("changed %q, want %q", applied.Changed, want)
	}
	if want := []string{"Group", "Topics[0].OnlyLatest", "Topics[1]"}; !slices.Equal(applied.Restart, want) {
		t.Errorf("to be restarted for %q, want %q", applied.Restart, want)
	}
	produce(t, broker, "orders", 10, 3, 1)
	broker.WaitCommitted(t, "billing", "orders")
	if again, err := b.Apply(next); err != nil || len(again.Changed) != 0 || len(again.Restart) != 3 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}
