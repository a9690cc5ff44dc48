package bridge

import (
	"bytes"
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Heartbeat says that the run makes progress, for topics with
// [Topic.Heartbeat]; elsewhere it does nothing. It is safe to call from any
// goroutine, and cheap enough for every step of a loop.
func (j *Job) Heartbeat() {
	if j.run == nil {
		return
	}
	if p := j.run.leader().pulse(); p != nil {
		p.beat()
	}
}

// pulse is the signs of life of a run. Times are spans since it began, which a
// clock that is set does not change.
type pulse struct {
	clock queue.Clock
	began time.Time
	limit time.Duration
	last  atomic.Int64 // time.Duration from began
	told  bool         // the watcher's: it is known to be stuck
}

func newPulse(clock queue.Clock, began time.Time, limit time.Duration) *pulse {
	return &pulse{clock: clock, began: began, limit: limit}
}

func (p *pulse) beat() { p.last.Store(int64(p.clock.Now().Sub(p.began))) }

// silent is how long there was no sign of life.
func (p *pulse) silent() time.Duration {
	return p.clock.Now().Sub(p.began) - time.Duration(p.last.Load())
}

// isStuck: it was silent for too long, and still is.
func (p *pulse) isStuck() bool { return p.silent() >= p.limit }

// watchEvery is how often runs are looked at, at most and at least.
const (
	watchMost  = time.Second
	watchLeast = 5 * time.Millisecond
)

// watchRuns reports runs that give no sign of life, and those that were
// cancelled and go on, until ctx ends.
func (r *run) watchRuns(ctx context.Context) error {
	return every(ctx, r.routes.watchEvery(), func() {
		for _, w := range r.pool.workers() {
			if a := w.running.Load(); a != nil {
				r.watch(w, a)
				for _, each := range a.together() {
					r.nameIgnored(each)
				}
			}
		}
	})
}

// watchEvery notices a stuck run soon after the shortest heartbeat.
func (r *routes) watchEvery() time.Duration {
	shortest := watchMost
	for to := range r.all() {
		if to.heartbeat > 0 {
			shortest = min(shortest, to.heartbeat/4)
		}
	}
	return max(shortest, watchLeast)
}

// watch reports a run that is stuck, once.
func (r *run) watch(w *worker, a *attempt) {
	p := a.pulse()
	if p == nil || p.told || !p.isStuck() {
		return
	}
	stack := stackOf(w.goroutine)
	silent := p.silent()
	if w.running.Load() != a || silent < p.limit { // the stack may be another run's
		return
	}
	p.told = true
	r.log.Error("job is stuck: its handler gives no sign of life; it goes on, and holds its lane",
		"job", &a.Job, "attempt", a.Attempt, "silent", silent.Round(time.Millisecond), "stack", stack)
	r.hooks.stuck(Stuck{Job: &a.Job, Silent: silent, Stack: stack})
}

// stackMost bounds what is read to find one goroutine's stack among all.
const stackMost = 64 << 20

// stackOf returns the stack of one goroutine. The runtime only gives those of
// all together, for which it stops them; so it is asked for a stuck run only.
func stackOf(goroutine string) string {
	var all []byte
	for size := 64 << 10; size <= stackMost; size *= 2 {
		all = make([]byte, size)
		n := runtime.Stack(all, true)
		all = all[:n]
		if n < size {
			break
		}
	}
	head := []byte("goroutine " + goroutine + " [")
	for section := range bytes.SplitSeq(all, []byte("\n\n")) {
		if bytes.HasPrefix(section, head) {
			return string(section)
		}
	}
	return "" // it has ended, or there are too many
}

// thisGoroutine is the number of the calling goroutine.
func thisGoroutine() string {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	number, _, _ := bytes.Cut(line, []byte(" "))
	return string(number)
}
