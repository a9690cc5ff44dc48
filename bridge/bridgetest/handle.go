package bridgetest

import (
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Handle runs one job as a bridge would, without a broker or a store, and
// returns what would be recorded. Of job the caller gives what the handler
// looks at; an empty topic counts as one called test. What the handler produces
// is in the Result, of a record that names no topic with one called results. The context of the run
// ends with the test. Use [bridge.Try] where lanes, middleware or a retry policy
// matter too.
func Handle(tb testing.TB, handler bridge.Handler, job bridge.Job) bridge.Result {
	tb.Helper()
	if job.Topic == "" {
		job.Topic = "test"
	}
	cfg := bridge.Config{Topics: []bridge.Topic{{Name: job.Topic, Handler: handler, Produce: bridge.Produce{Topic: "results"}}}}
	trial, err := bridge.Try(tb.Context(), cfg, job)
	if err != nil {
		tb.Fatalf("handle %s: %v", &job, err)
	}
	return trial.Result
}
