package bridge_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// movingClock is the machine's clock, which a test can put forward.
type movingClock struct {
	mu     sync.Mutex
	ahead  time.Duration
	timers []*movingTimer
}

type movingTimer struct {
	clock *movingClock
	at    time.Time // by the clock
	f     func()
	real  *time.Timer
}

func newTestClock() *movingClock { return new(movingClock) }

func (c *movingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *movingClock) AfterFunc(d time.Duration, f func()) queue.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &movingTimer{clock: c, at: time.Now().Add(c.ahead + d), f: f}
	t.real = time.AfterFunc(d, t.fire)
	c.timers = append(c.timers, t)
	return t
}

func (t *movingTimer) fire() {
	if t.Stop() {
		t.f()
	}
}

func (t *movingTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.real.Stop()
	i := slices.Index(t.clock.timers, t)
	if i >= 0 {
		t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	}
	return i >= 0
}

func (c *movingClock) advance(d time.Duration) {
	c.mu.Lock()
	c.ahead += d
	waiting := slices.Clone(c.timers)
	for _, t := range waiting {
		t.real.Reset(max(0, t.at.Sub(time.Now().Add(c.ahead))))
	}
	c.mu.Unlock()
}

func openJobs(t *testing.T, b *bridge.Bridge) (n int) {
	t.Helper()
	parts, err := b.Inspector().Partitions(t.Context())
	if err != nil {
		return -1 // not yet
	}
	for _, p := range parts {
		n += p.Open
	}
	return n
}

func countState(t *testing.T, b *bridge.Bridge, state inspect.State) (n int) {
	t.Helper()
	for _, err := range b.Inspector().Jobs(context.Background(), inspect.Query{States: []inspect.State{state}}) {
		if err != nil {
			return -1 // not yet
		}
		n++
	}
	return n
}
