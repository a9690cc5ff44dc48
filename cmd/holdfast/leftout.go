package main

import (
	"log/slog"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// leftOutEvery is how often the log sums up what was left out.
const leftOutEvery = time.Minute

// leftOut logs what was not worked on because of a filter or an expiry.
type leftOut struct {
	log *slog.Logger

	mu       sync.Mutex
	said     time.Time      // guarded by mu; the last line
	unsaid   map[string]int // guarded by mu; records since, by reason
	ofTopics map[string]int // guarded by mu; the same by topic
}

func newLeftOut(log *slog.Logger) *leftOut {
	return &leftOut{log: log, unsaid: make(map[string]int), ofTopics: make(map[string]int)}
}

// note counts, and says it at once where that was not said for a minute.
func (l *leftOut) note(now time.Time, d bridge.Dropped) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsaid[d.Reason] += d.Records
	l.ofTopics[d.Topic] += d.Records
	if now.Sub(l.said) < leftOutEvery {
		return
	}
	l.log.Info("records were left out; they count as done (summed up once a minute)",
		"filtered", l.unsaid["filtered"], "expired", l.unsaid["expired"], "topics", l.ofTopics)
	l.said, l.unsaid, l.ofTopics = now, make(map[string]int), make(map[string]int)
}
