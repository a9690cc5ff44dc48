package main

import (
	"log/slog"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// failuresPerSecond bounds the lines about failed jobs: an outage fails
// thousands per second, all alike.
const failuresPerSecond = 5

// failures logs failed jobs.
type failures struct {
	log *slog.Logger

	mu     sync.Mutex
	second time.Time // guarded by mu; the one that is counted
	lines  int       // guarded by mu; written in it
	unsaid int       // guarded by mu; left out since the last line
}

func newFailures(log *slog.Logger) *failures { return &failures{log: log} }

// note logs how a run ended, if it failed. The bridge itself says so where a job
// is given up.
func (f *failures) note(now time.Time, job *bridge.Job, r bridge.Result) {
	if r.Outcome != "retry" {
		return
	}
	unsaid, ok := f.admit(now)
	if !ok {
		return
	}
	attributes := []any{"job", job.String(), "lane", printable(shortened(job.Lane, 100)), "attempt", job.Attempt, "error", shortened(r.Err.Error(), 500)}
	if unsaid > 0 {
		attributes = append(attributes, "not_shown_before", unsaid)
	}
	f.log.Warn("job failed; it runs again in "+r.Delay.Round(time.Millisecond).String(), attributes...)
}

// admit tells whether a line may be written, and how many were not before it.
func (f *failures) admit(now time.Time) (unsaid int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if second := now.Truncate(time.Second); !second.Equal(f.second) {
		f.second, f.lines = second, 0
	}
	if f.lines == failuresPerSecond {
		f.unsaid++
		return 0, false
	}
	f.lines++
	unsaid, f.unsaid = f.unsaid, 0
	return unsaid, true
}

func shortened(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
