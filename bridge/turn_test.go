package bridge

import (
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestWhenAJobMayRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) queue.Record { return queue.Record{Timestamp: now.Add(d).UnixMilli()} }
	header := func(text string) queue.Record {
		return queue.Record{Timestamp: -1, Headers: []queue.Header{{Key: "not-before", Value: []byte("1")}, {Key: "not-before", Value: []byte(text)}}}
	}
	runs, skipped := queue.Outcome{}, queue.Outcome{Kind: queue.Skipped, Error: "expired: older than 1h0m0s"}
	until := func(d time.Duration) queue.Outcome { return queue.Outcome{Kind: queue.Postpone, Due: now.Add(d)} }
	delay, expiry := settings{delay: time.Minute}, settings{expiry: time.Hour}
	byHeader := settings{delayHeader: "not-before"}
	both := settings{delay: time.Minute, delayHeader: "not-before"}
	for name, c := range map[string]struct {
		settings
		job  queue.Job
		want queue.Outcome
	}{
		"young enough":               {expiry, queue.Job{Record: at(-time.Hour)}, runs},
		"expired":                    {expiry, queue.Job{Record: at(-time.Hour - time.Millisecond)}, skipped},
		"expired while it retried":   {expiry, queue.Job{Record: at(-2 * time.Hour), Attempt: 3}, skipped},
		"expired, wanted":            {expiry, queue.Job{Record: at(-2 * time.Hour), Forced: true}, runs},
		"no timestamp never expires": {expiry, queue.Job{Record: queue.Record{Timestamp: -1}}, runs},
		"a timestamp from 1970":      {expiry, queue.Job{Record: queue.Record{Timestamp: 0}}, skipped},
		"delayed":                    {delay, queue.Job{Record: at(-20 * time.Second)}, until(40 * time.Second)},
		"delay is over":              {delay, queue.Job{Record: at(-time.Minute)}, runs},
		"no timestamp, no delay":     {delay, queue.Job{Record: queue.Record{Timestamp: -1}}, runs},
		"timestamp from the future":  {delay, queue.Job{Record: at(48 * time.Hour)}, until(time.Minute)},
		"it has waited":              {delay, queue.Job{Record: at(48 * time.Hour), Waited: true}, runs},
		"a further attempt":          {delay, queue.Job{Record: at(0), Attempt: 2}, runs},
		"an operator's":              {delay, queue.Job{Record: at(0), Forced: true}, runs},
		"header by RFC 3339":         {byHeader, queue.Job{Record: header("2026-05-03T14:00:00+02:00")}, until(48 * time.Hour)},
		"header with a fraction":     {byHeader, queue.Job{Record: header("2026-05-01T12:00:00.25Z")}, until(250 * time.Millisecond)},
		"header in milliseconds":     {byHeader, queue.Job{Record: header("1777636801000")}, until(time.Second)},
		"header in the past":         {byHeader, queue.Job{Record: header("2026-05-01T11:00:00Z")}, runs},
		"header that is no time":     {byHeader, queue.Job{Record: header("soon")}, runs},
		"header beyond all bounds":   {byHeader, queue.Job{Record: header("9223372036854775807")}, until(maxDelay)},
		"no header":                  {byHeader, queue.Job{Record: at(0)}, runs},
		"the later of both": {both, queue.Job{Record: queue.Record{
			Timestamp: now.UnixMilli(), Headers: []queue.Header{{Key: "not-before", Value: []byte("2026-05-01T12:00:30Z")}},
		}}, until(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.job.Attempt = max(c.job.Attempt, 1)
			if !c.timed() {
				t.Error("nobody would ask")
			}
			got, ok := c.turn(&c.job, now)
			if got.Kind != c.want.Kind || !got.Due.Equal(c.want.Due) || got.Error != c.want.Error || ok != (c.want.Kind == 0) {
				t.Errorf("got %+v, %v; want %+v", got, ok, c.want)
			}
		})
	}
}

func FuzzParseDue(f *testing.F) {
	for _, text := range []string{"", "0", "-1", "2026-05-01T12:00:00Z", "9999-12-31T23:59:59Z", "9223372036854775807"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Unix(1_777_636_800, 0)
		s := settings{delayHeader: "d"}
		due := s.due(&queue.Record{Timestamp: -1, Headers: []queue.Header{{Key: "d", Value: []byte(text)}}}, now)
		if wait := due.Sub(now); wait > maxDelay || due.After(now) && due.UnixNano() < now.UnixNano() {
			t.Errorf("%q: due in %v", text, wait)
		}
	})
}
