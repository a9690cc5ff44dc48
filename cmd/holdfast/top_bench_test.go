package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

const (
	watchedJobs  = 1_500_000
	watchedKeys  = 20_000
	stuckJobs    = 20_000 // that wait behind one which fails for ever: looking at them must not cost anything
	watchedPairs = 5
)

// BenchmarkBesideOperators measures how fast jobs that take no time are done while
// operators look at the bridge all the time, one with top and three with
// status --watch, against the same without them. `make bench-top` prints the ratio,
// the median of a few pairs: it is to be 0.97 at least.
func BenchmarkBesideOperators(b *testing.B) {
	broker := bridgetest.StartBroker(b, bridgetest.Topic("orders", 4))
	fillWatched(b, broker)
	for b.Loop() {
		reportPairs(b, "watched", func(watched bool) time.Duration {
			return timeJobs(b, broker, nil, func(bridged *bridge.Bridge, dir string) (stop func()) {
				if !watched {
					return nothing
				}
				return startOperators(b, dir)
			})
		})
	}
}

func nothing() {}

// reportPairs reports how fast jobs are done with something, against without it:
// the median of a few pairs.
func reportPairs(b *testing.B, something string, run func(with bool) time.Duration) {
	b.Helper()
	var ratios []float64
	for i := range watchedPairs {
		took := map[bool]time.Duration{}
		for _, with := range []bool{i%2 > 0, i%2 == 0} {
			took[with] = run(with)
		}
		ratios = append(ratios, float64(took[false])/float64(took[true]))
		b.Logf("alone %v, %s %v: %.3f", took[false], something, took[true], ratios[i])
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}

func fillWatched(b *testing.B, broker *bridgetest.Broker) {
	b.Helper()
	records := make([]bridgetest.Record, 0, 10_000)
	flush := func() {
		broker.Produce(b, "orders", records...)
		records = records[:0]
	}
	for i := range stuckJobs + watchedJobs {
		key := "stuck"
		if i >= stuckJobs {
			key = strconv.Itoa(i % watchedKeys)
		}
		if records = append(records, bridgetest.Record{Key: []byte(key), Value: make([]byte, 100)}); len(records) == cap(records) {
			flush()
		}
	}
	flush()
}

// timeJobs runs a bridge with a directory of its own until all jobs but the stuck
// ones are done, beside something that begins with it.
func timeJobs(b *testing.B, broker *bridgetest.Broker, tune func(*bridge.Config), beside func(_ *bridge.Bridge, dir string) (stop func())) time.Duration {
	b.Helper()
	dir := b.TempDir()
	var left atomic.Int64
	left.Store(watchedJobs)
	open, done := make(chan struct{}), make(chan struct{})
	config := bridge.Config{
		Brokers: broker.Addrs(), Group: "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36), DataDir: dir,
		StopWithin: -1, InstanceID: bridge.Dynamic, Logger: slog.New(slog.DiscardHandler),
		Topics: []bridge.Topic{{Name: "orders", Retry: bridge.Backoff{First: time.Second, Max: time.Second}, Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			<-open
			if string(job.Key) == "stuck" {
				return errors.New("stuck")
			}
			if left.Add(-1) == 0 {
				close(done)
			}
			return nil
		})}},
	}
	if tune != nil {
		tune(&config)
	}
	bridged, err := bridge.New(config)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- bridged.Run(ctx) }()
	select {
	case <-bridged.Ready():
	case err := <-ended:
		b.Fatal("the bridge ended early: ", err)
	}
	serve := listenTo(b, bridged, dir)
	go func() { ended <- serve(ctx) }()
	defer beside(bridged, dir)()
	began := time.Now()
	close(open)
	select {
	case <-done:
	case err := <-ended:
		b.Fatal("it ended early: ", err)
	case <-time.After(5 * time.Minute):
		b.Fatalf("%d jobs are left after 5 minutes", left.Load())
	}
	took := time.Since(began)
	cancel()
	if err := errors.Join(<-ended, <-ended); err != nil {
		b.Fatal(err)
	}
	return took
}

// startOperators looks at the bridge with the commands that operators have.
func startOperators(b *testing.B, dir string) (stop func()) {
	b.Helper()
	screen, top := startTop(b, dir)
	running := []*exec.Cmd{top}
	for range 3 {
		cmd := holdfast(b, "status", "--watch", "--every", "1s", "--data-dir", dir)
		cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		running = append(running, cmd)
	}
	screen.Await(b, 0, "orders/0")
	return func() {
		for _, cmd := range running {
			cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil {
				b.Errorf("%v: %v", cmd.Args, err)
			}
		}
	}
}
