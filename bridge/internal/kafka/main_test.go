package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func TestMain(m *testing.M) {
	// sarama registers a meter per topic in go-metrics' own registry, whatever
	// registry it is given.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// patience is how long a test waits for what has to happen.
const patience = time.Minute

// quick makes rebalances and watches take a fraction of a second.
func quick(cfg *kafka.Config) {
	cfg.SessionTimeout = 2 * time.Second
	cfg.RebalanceTimeout = 5 * time.Second
	cfg.WatchInterval = 200 * time.Millisecond
}

func instance(id string) func(*kafka.Config) {
	return func(cfg *kafka.Config) { cfg.InstanceID = id }
}

func assignors(names ...string) func(*kafka.Config) {
	return func(cfg *kafka.Config) { cfg.Assignors = names }
}

func readCommitted(cfg *kafka.Config) { cfg.ReadCommitted = true }

func dial(t *testing.T, brokers []string, change ...func(*kafka.Config)) *kafka.Cluster {
	t.Helper()
	cfg := kafka.Config{Brokers: brokers, Group: "billing", Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	quick(&cfg)
	for _, c := range change {
		c(&cfg)
	}
	cluster, err := kafka.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return cluster
}

// owner hands out each partition taken and holds it until its context ends.
type owner struct {
	taken chan *held
	// drain, where set, runs between the end of the context and the return of Own.
	drain func(*held)
}

type held struct {
	*kafka.Claim
	ctx  context.Context
	over chan struct{} // closed when Own returns
}

func newOwner() *owner { return &owner{taken: make(chan *held, 1000)} }

func (o *owner) Own(ctx context.Context, c *kafka.Claim) {
	h := &held{Claim: c, ctx: ctx, over: make(chan struct{})}
	defer close(h.over)
	o.taken <- h
	<-ctx.Done()
	if o.drain != nil {
		o.drain(h)
	}
}

// take waits for n partitions, by name.
func (o *owner) take(t *testing.T, n int) map[string]*held {
	t.Helper()
	claims := make(map[string]*held)
	for range n {
		select {
		case h := <-o.taken:
			claims[h.String()] = h
		case <-time.After(patience):
			t.Fatalf("%d of %d expected partitions were taken within %v", len(claims), n, patience)
		}
	}
	return claims
}

// one waits for the only partition.
func (o *owner) one(t *testing.T) *held {
	t.Helper()
	for _, h := range o.take(t, 1) {
		return h
	}
	return nil
}

// none fails where a partition was taken that nobody asked for.
func (o *owner) none(t *testing.T) {
	t.Helper()
	select {
	case h := <-o.taken:
		t.Fatalf("%s was taken", h)
	default:
	}
}

// ends waits for the end of a claim and wants its cause.
func (h *held) ends(t *testing.T, want error) {
	t.Helper()
	select {
	case <-h.ctx.Done():
	case <-time.After(patience):
		t.Fatalf("%s has not ended within %v", h, patience)
	}
	if cause := context.Cause(h.ctx); !errors.Is(cause, want) {
		t.Fatalf("%s ended with cause %v, want %v", h, cause, want)
	}
}

func (h *held) owned(t *testing.T) {
	t.Helper()
	if err := h.ctx.Err(); err != nil {
		t.Fatalf("%s has ended: %v", h, context.Cause(h.ctx))
	}
}

// consume runs Consume until stop is called or the test ends; stop wants that
// it ends without an error.
func consume(t *testing.T, c *kafka.Cluster, sub kafka.Subscription, o kafka.Owner) (stop func()) {
	t.Helper()
	cancel, ended := start(t, c, sub, o)
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("consume: %v", err)
		}
	}
}

// start runs Consume and tells how it ended.
func start(t *testing.T, c *kafka.Cluster, sub kafka.Subscription, o kafka.Owner) (stop func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		result <- c.Consume(ctx, sub, o)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return cancel, result
}

func topics(names ...string) kafka.Subscription { return kafka.Subscription{Topics: names} }

// within is a context for one call.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// until polls.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func values(n int) []bridgetest.Record {
	records := make([]bridgetest.Record, n)
	for i := range records {
		records[i] = bridgetest.Record{Value: []byte{byte(i)}}
	}
	return records
}
