package bridge_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

const (
	otherJobs = 20_000 // of ordinary keys
	otherKeys = 2_000
	hotShare  = 4 // jobs of the hot key for each of another one: 80% of the traffic
	otherTook = 25 * time.Millisecond
	pairs     = 3
)

// BenchmarkOthersBesideAHotAndAStuckKey measures how fast the jobs of ordinary
// keys are done beside one key that has 80% of the traffic and one that fails for
// ever, against the same without these two. The handler waits, so that workers
// and not processors are the bound. `make bench-keys` prints the ratio, the
// median of a few pairs.
func BenchmarkOthersBesideAHotAndAStuckKey(b *testing.B) {
	broker := bridgetest.StartBroker(b, bridgetest.Topic("plain", 1), bridgetest.Topic("skewed", 1))
	var plain, skewed []bridgetest.Record
	stuck := bridgetest.Record{Key: []byte("stuck")}
	skewed = append(skewed, stuck)
	for i := range otherJobs {
		other := bridgetest.Record{Key: []byte(strconv.Itoa(i % otherKeys)), Value: make([]byte, 100)}
		plain = append(plain, other)
		for range hotShare {
			skewed = append(skewed, bridgetest.Record{Key: []byte("hot"), Value: make([]byte, 100)})
		}
		if skewed = append(skewed, other); i%100 == 0 {
			skewed = append(skewed, stuck)
		}
	}
	for topic, records := range map[string][]bridgetest.Record{"plain": plain, "skewed": skewed} {
		for part := range slices.Chunk(records, 5000) {
			broker.Produce(b, topic, part...)
		}
	}
	for b.Loop() {
		var ratios []float64
		for range pairs {
			alone, beside := timeOthers(b, broker, "plain"), timeOthers(b, broker, "skewed")
			ratios = append(ratios, float64(alone)/float64(beside))
			b.Logf("alone %v, beside the hot and the stuck key %v: %.3f", alone, beside, ratios[len(ratios)-1])
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
	}
}

// timeOthers runs a bridge with a directory of its own until all jobs of
// ordinary keys are done.
func timeOthers(b *testing.B, broker *bridgetest.Broker, topic string) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(otherJobs)
	var began atomic.Int64
	ended := make(chan time.Duration, 1)
	handler := bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		switch string(job.Key) {
		case "stuck":
			return errors.New("stuck")
		case "hot":
			time.Sleep(otherTook)
			return nil
		}
		began.CompareAndSwap(0, time.Now().UnixNano())
		time.Sleep(otherTook)
		if left.Add(-1) == 0 {
			ended <- time.Since(time.Unix(0, began.Load()))
		}
		return nil
	})
	bridged, err := bridge.New(bridge.Config{
		Brokers: broker.Addrs(), Group: "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36), DataDir: b.TempDir(),
		Workers: 200, StopWithin: -1, InstanceID: bridge.Dynamic, Logger: slog.New(slog.DiscardHandler),
		Topics: []bridge.Topic{{Name: topic, Handler: handler, Retry: bridge.Backoff{First: 10 * time.Millisecond, Max: 10 * time.Millisecond}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- bridged.Run(ctx) }()
	select {
	case took := <-ended:
		cancel()
		if err := <-stopped; err != nil {
			b.Fatal(err)
		}
		return took
	case err := <-stopped:
		b.Fatal("the bridge ended early: ", err)
	case <-time.After(5 * time.Minute):
		b.Fatalf("%d jobs are left after 5 minutes", left.Load())
	}
	return 0
}
