package bridge

import (
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	ratesOver  = 10 * time.Second // what rates are averages of
	growthOver = 10 * time.Minute // and the growth of the file
	// growthLeast is the time below which nothing is said about growth.
	growthLeast = 30 * time.Second
)

// meters remember numbers for a while, to tell how fast they change. They are
// read once a second.
type meters struct {
	mu    sync.Mutex
	parts map[queue.TopicPartition]*meter // guarded by mu
	inUse series                          // guarded by mu; of the store's file
}

// meter counts the jobs of one partition.
type meter struct {
	stored, done series
	loaded       time.Time // the counts begin anew with each loading
}

// series is a number at some times, ascending.
type series []reading

type reading struct {
	at    time.Time
	value int64
}

// add forgets what is older than needed: one reading that is at least so old
// stays.
func (s series) add(now time.Time, value int64, over time.Duration) series {
	if n := len(s); n > 0 && now.Before(s[n-1].at) { // the clock was set back
		s = nil
	}
	for len(s) > 1 && now.Sub(s[1].at) >= over {
		s = s[1:]
	}
	return append(s, reading{now, value})
}

// perSecond is the average growth; nil: it was read but once, or for less than
// least.
func (s series) perSecond(least time.Duration) *float64 {
	if len(s) < 2 {
		return nil
	}
	first, last := s[0], s[len(s)-1]
	elapsed := last.at.Sub(first.at)
	if elapsed <= 0 || elapsed < least {
		return nil
	}
	rate := float64(last.value-first.value) / elapsed.Seconds()
	return &rate
}

// read takes the numbers as they are now.
func (m *meters) read(store *queue.Store, now time.Time) {
	surveys := make([]queue.Survey, 0, 16)
	for _, p := range store.Attached() {
		surveys = append(surveys, p.Survey())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inUse = m.inUse.add(now, store.Usage().InUse, growthOver)
	parts := make(map[queue.TopicPartition]*meter, len(surveys))
	for _, s := range surveys {
		one := m.parts[s.TopicPartition]
		if one == nil || !one.loaded.Equal(s.Loaded) {
			one = &meter{loaded: s.Loaded}
		}
		one.stored = one.stored.add(now, s.Appended, ratesOver)
		one.done = one.done.add(now, s.Completed, ratesOver)
		parts[s.TopicPartition] = one
	}
	m.parts = parts
}

func (m *meters) rates(tp queue.TopicPartition) inspect.Rates {
	m.mu.Lock()
	defer m.mu.Unlock()
	one := m.parts[tp]
	if one == nil {
		return inspect.Rates{}
	}
	return inspect.Rates{StoredPerSecond: one.stored.perSecond(0), DonePerSecond: one.done.perSecond(0)}
}

func (m *meters) growth() *float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inUse.perSecond(growthLeast)
}
