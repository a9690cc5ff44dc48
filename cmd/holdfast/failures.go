package main

import (
	"log/slog"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// failures logs failed jobs.
type failures struct{ log *slog.Logger }

func newFailures(log *slog.Logger) *failures { return &failures{log: log} }

// note logs how a run ended, if it failed. The bridge itself says so where a job
// is given up.
func (f *failures) note(job *bridge.Job, r bridge.Result) {
	if r.Outcome != "retry" {
		return
	}
	f.log.Warn("job failed and runs again", "job", job.String(), "lane", printable(shortened(job.Lane, 100)), "attempt", job.Attempt,
		"error", shortened(r.Err.Error(), 500), "next_in", r.Delay.Round(time.Millisecond).String())
}

func shortened(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
