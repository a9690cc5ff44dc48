package main

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// scrapeEvery is more often than a Prometheus asks.
const scrapeEvery = time.Second

// BenchmarkWithMetrics measures how fast jobs that take no time are done while each
// of them is counted and the metrics are scraped, against the same without metrics.
// `make bench-metrics` prints the ratio, the median of a few pairs.
func BenchmarkWithMetrics(b *testing.B) {
	broker := bridgetest.StartBroker(b, bridgetest.Topic("orders", 4))
	fillWatched(b, broker)
	for b.Loop() {
		reportPairs(b, "measured", func(measured bool) time.Duration {
			address := ""
			if measured {
				address = "127.0.0.1:0"
			}
			m := newMonitor(address, slog.New(slog.DiscardHandler)) // nil without an address
			return timeJobs(b, broker, m.observe, func(bridged *bridge.Bridge, _ string) (stop func()) {
				if err := m.watch(bridged); err != nil {
					b.Fatal(err)
				}
				if m == nil {
					return nothing
				}
				end := scrape(b, "http://"+m.listener.Addr().String()+"/metrics")
				return func() { end(); m.close() }
			})
		})
	}
}

// scrape reads metrics until it is stopped.
func scrape(b *testing.B, url string) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			answer, err := http.Get(url)
			if err == nil {
				_, err = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
			if err != nil {
				b.Error(err)
				return
			}
			select {
			case <-ended:
				return
			case <-time.After(scrapeEvery):
			}
		}
	}()
	return func() { close(ended); <-done }
}
