package bridge

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// stillClock moves when it is told to. Its timers run on the goroutine that
// moves it.
type stillClock struct {
	mu      sync.Mutex
	now     time.Time
	waiting []*stillTimer
}

type stillTimer struct {
	clock *stillClock
	at    time.Time
	f     func()
}

func newStillClock() *stillClock { return &stillClock{now: time.Unix(1_700_000_000, 0)} }

func (c *stillClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stillClock) AfterFunc(d time.Duration, f func()) queue.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := &stillTimer{c, c.now.Add(d), f}
	c.waiting = append(c.waiting, timer)
	return timer
}

func (t *stillTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	i := slices.Index(t.clock.waiting, t)
	if i >= 0 {
		t.clock.waiting = slices.Delete(t.clock.waiting, i, i+1)
	}
	return i >= 0
}

func (c *stillClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []*stillTimer
	c.waiting = slices.DeleteFunc(c.waiting, func(t *stillTimer) bool {
		if t.at.After(c.now) {
			return false
		}
		due = append(due, t)
		return true
	})
	c.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}

func (c *stillClock) timers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}
