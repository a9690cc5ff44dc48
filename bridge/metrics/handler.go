package metrics

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

const (
	// maxScrapes is how many may be under way: each reads the bridge.
	maxScrapes = 4
	// scrapeWithin is longer than a scraper waits.
	scrapeWithin = 10 * time.Second
)

// Handler serves what is to be watched from outside, and nothing that changes
// anything:
//
//	/metrics  what from gathers, in Prometheus' format
//	/livez    200 while the bridge is alive, else 503
//	/readyz   200 while it is ready, else 503
//
// The probes answer with an [inspect.Health] as JSON.
func Handler(from prometheus.Gatherer, health func() inspect.Health) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(from, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, Timeout: scrapeWithin, ErrorHandling: promhttp.ContinueOnError,
	}))
	mux.Handle("GET /livez", probe(health, func(h inspect.Health) bool { return h.Alive }))
	mux.Handle("GET /readyz", probe(health, func(h inspect.Health) bool { return h.Ready }))
	return mux
}

func probe(health func() inspect.Health, fine func(inspect.Health) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := health()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !fine(h) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(h) // a client that has gone needs no answer
	}
}
