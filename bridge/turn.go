package bridge

import (
	"fmt"
	"strconv"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// maxDelay is as far as a header may put a job off: a time beyond it is a
// mistake of whoever wrote it, and one too far could not be stored.
const maxDelay = 10 * 365 * 24 * time.Hour

// timed: not every job may run as soon as it is taken.
func (s *settings) timed() bool { return s.expiry > 0 || s.delay > 0 || s.delayHeader != "" }

// turn reports whether a job that was taken may run now; else the outcome says
// what becomes of it.
func (s *settings) turn(job *queue.Job, now time.Time) (outcome queue.Outcome, ok bool) {
	if s.expiry > 0 && !job.Forced && isOlder(job.Timestamp, now, s.expiry) {
		return queue.Outcome{Kind: queue.Skipped, Error: fmt.Sprintf("expired: older than %v", s.expiry)}, false
	}
	if job.Waited || job.Forced || job.Attempt > 1 { // it was asked before
		return queue.Outcome{}, true
	}
	if due := s.due(&job.Record, now); due.After(now) {
		return queue.Outcome{Kind: queue.Postpone, Due: due}, false
	}
	return queue.Outcome{}, true
}

// turn is that of the route of a partition's job, and tells of what expired.
func (r *run) turn(part *partition, v *view, job *queue.Job, now time.Time) (outcome queue.Outcome, ok bool) {
	outcome, ok = v.route.turn(job, now)
	if outcome.Kind == queue.Skipped {
		r.tellExpired(part, job)
	}
	return outcome, ok
}

// due is when a record may run first. A timestamp from the future, or a clock
// that was set back, delays it by no more than the delay.
func (s *settings) due(record *queue.Record, now time.Time) (due time.Time) {
	if s.delay > 0 && record.Timestamp >= 0 {
		due = earlier(time.UnixMilli(record.Timestamp).Add(s.delay), now.Add(s.delay))
	}
	if s.delayHeader == "" {
		return due
	}
	for i := len(record.Headers) - 1; i >= 0; i-- { // the last one counts
		if h := record.Headers[i]; h.Key == s.delayHeader {
			if at, ok := parseDue(string(h.Value)); ok && at.After(due) {
				due = earlier(at, now.Add(maxDelay))
			}
			break
		}
	}
	return due
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// parseDue reads a time by RFC 3339, or Unix milliseconds.
func parseDue(text string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}
