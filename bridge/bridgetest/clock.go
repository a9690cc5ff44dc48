package bridgetest

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Clock is a [queue.Clock] that stands still until it is advanced. It is the
// time of jobs: of retries, snoozes, delays, expiry, pauses, rates and the
// timeouts of runs. What the bridge does for itself goes by the machine's time:
// flushes, commits, heartbeats to Kafka and the time that a stop may take.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer // in the order of their making
	// flush is the store's interval between two flushes: it asks this clock too,
	// and is to go by the machine's.
	flush time.Duration
}

type timer struct {
	clock *Clock
	at    time.Time
	f     func()
}

// NewClock returns a clock that shows now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f once the clock has been advanced by d.
func (c *Clock) AfterFunc(d time.Duration, f func()) queue.Timer {
	if d == c.flush {
		return time.AfterFunc(d, f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c, c.now.Add(d), f}
	if d <= 0 {
		go f()
		return t
	}
	c.timers = append(c.timers, t)
	return t
}

// Stop reports whether it prevented the call.
func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	i := slices.Index(t.clock.timers, t)
	if i < 0 {
		return false
	}
	t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	return true
}

// Advance moves the clock on and calls what becomes due, in the order of time;
// each call sees the time that it was meant for.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for t := c.due(end); t != nil; t = c.due(end) {
		c.now = t.at
		c.mu.Unlock()
		t.f()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// due takes out the timer that is due first, until end. It needs mu.
func (c *Clock) due(end time.Time) *timer {
	first := -1
	for i, t := range c.timers {
		if !t.at.After(end) && (first < 0 || t.at.Before(c.timers[first].at)) {
			first = i
		}
	}
	if first < 0 {
		return nil
	}
	t := c.timers[first]
	c.timers = slices.Delete(c.timers, first, first+1)
	return t
}
