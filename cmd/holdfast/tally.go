package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// tally counts what a bridge does, for the status line.
type tally struct {
	running, failed   atomic.Int64
	filtered, expired atomic.Int64

	mu    sync.Mutex
	parts map[partitionID]*partitionTally // guarded by mu; those that are owned
	done  int64                           // guarded by mu

	// The line before, of which only the status loop knows.
	lastDone, lastFailed int64
	lastTime             time.Time
}

type partitionID struct {
	topic string
	id    int32
}

type partitionTally struct {
	open   int // unfinished jobs
	halted int // of these, given up
	held   bool
}

func newTally() *tally { return &tally{parts: make(map[partitionID]*partitionTally)} }

// hooks are what the bridge tells.
func (t *tally) hooks(f *failures, left *leftOut) *bridge.Hooks {
	return &bridge.Hooks{
		Assigned: func(e bridge.Assigned) {
			t.change(e.Topic, e.Partition, func(p *partitionTally) { *p = partitionTally{open: e.Open, halted: e.Halted} })
		},
		Held: func(e bridge.Held) {
			t.change(e.Topic, e.Partition, func(p *partitionTally) { p.held = true })
		},
		Stored: func(e bridge.Stored) {
			t.change(e.Topic, e.Partition, func(p *partitionTally) { p.open += e.Records })
		},
		Revoked: func(e bridge.Revoked) {
			t.mu.Lock()
			defer t.mu.Unlock()
			delete(t.parts, partitionID{e.Topic, e.Partition})
		},
		Started: func(*bridge.Job) { t.running.Add(1) },
		Finished: func(job *bridge.Job, r bridge.Result) {
			t.running.Add(-1)
			if r.Err != nil {
				f.note(job, r)
			}
			if r.Outcome == "retry" {
				t.failed.Add(1)
			}
		},
		Durable: t.durable,
		Dropped: func(d bridge.Dropped) {
			left.note(time.Now(), d)
			if d.Reason == "filtered" {
				t.filtered.Add(int64(d.Records))
			} else {
				t.expired.Add(int64(d.Records))
			}
		},
	}
}

func (t *tally) change(topic string, id int32, f func(*partitionTally)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := partitionID{topic, id}
	if t.parts[key] == nil {
		t.parts[key] = new(partitionTally)
	}
	f(t.parts[key])
}

func (t *tally) durable(completions []bridge.Completion) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range completions {
		p := t.parts[partitionID{c.Topic, c.Partition}]
		switch {
		case c.Outcome == "halt" && p != nil:
			p.halted++
		case c.Outcome == "requeued" && p != nil:
			p.open++
		case complete[c.Outcome]:
			if c.Outcome == "done" {
				t.done++
			}
			if p != nil && p.open > 0 {
				p.open--
			}
		}
	}
}

// complete are the outcomes after which a job is open no more.
var complete = map[string]bool{"done": true, "skipped": true, "superseded": true, "bury": true}

// line says what goes on; rates are those since the line before.
func (t *tally) line(now time.Time) string {
	t.mu.Lock()
	parts, done, open, halted, held := len(t.parts), t.done, 0, 0, 0
	for _, p := range t.parts {
		open += p.open
		halted += p.halted
		if p.held {
			held++
		}
	}
	t.mu.Unlock()
	running, failed := t.running.Load(), t.failed.Load()
	seconds := now.Sub(t.lastTime).Seconds()
	doneRate, failedRate := float64(done-t.lastDone)/seconds, float64(failed-t.lastFailed)/seconds
	t.lastDone, t.lastFailed, t.lastTime = done, failed, now
	if parts == 0 {
		return "waiting for partitions"
	}
	words := []string{
		plural(parts, "partition"),
		fmt.Sprintf("%s done/s", listing.Count(int64(doneRate+0.5))),
		fmt.Sprintf("%s running", listing.Count(running)),
		fmt.Sprintf("%s waiting", listing.Count(max(0, int64(open)-running))),
	}
	if failedRate > 0 {
		words = append(words, fmt.Sprintf("%.1f failed/s", failedRate))
	}
	if n := t.filtered.Load(); n > 0 {
		words = append(words, listing.Count(n)+" filtered")
	}
	if n := t.expired.Load(); n > 0 {
		words = append(words, listing.Count(n)+" expired")
	}
	if halted > 0 {
		words = append(words, fmt.Sprintf("%s HALTED, see the log", plural(halted, "job")))
	}
	if held > 0 {
		words = append(words, fmt.Sprintf("%s HELD, see the log", plural(held, "partition")))
	}
	return strings.Join(append(words, listing.Count(done)+" done"), "   ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return listing.Count(n) + " " + what + "s"
}
