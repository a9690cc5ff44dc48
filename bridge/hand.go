package bridge

import (
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// hand holds the jobs that one worker has taken together. Taking several saves
// a round trip to the store per job while handlers are quick; nothing may wait
// behind a slow one, so whoever relieves the hand gets all but the running job.
type hand struct {
	store *queue.Store

	// The worker's own.
	relief   *time.Timer
	attempts attempts
	last     queue.Finished // not yet in finished; no Job: none

	reporting sync.Mutex // held while outcomes are on their way to the store

	mu       sync.Mutex
	jobs     []queue.Job      // guarded by mu; those from next on are not started
	next     int              // guarded by mu
	finished []queue.Finished // guarded by mu; not yet reported
	spare    []queue.Finished // guarded by reporting; to gather in again
}

const (
	maxHand = 64
	// handFor is the work that a hand is filled with, judged by the last one.
	handFor = 200 * time.Microsecond
	// relieveAfter is when a hand that took longer than foreseen is relieved.
	relieveAfter = 2 * time.Millisecond
)

// handSize says how many jobs to take when the last n took so long.
func handSize(took time.Duration, n int) int {
	each := took / time.Duration(max(n, 1))
	if each <= 0 {
		return maxHand
	}
	return int(min(max(handFor/each, 1), maxHand))
}

// deal takes over jobs from the store. Several at a time are relieved by a
// timer, of the machine's time, since waiting behind a slow job is real.
func (h *hand) deal(jobs []queue.Job) {
	h.attempts = attempts{}
	h.mu.Lock()
	h.jobs, h.next = jobs, 0
	h.mu.Unlock()
	if len(jobs) < 2 {
		return
	}
	if h.relief == nil {
		h.relief = time.AfterFunc(relieveAfter, func() { _ = h.settle() }) // a failed store also fails the next Take
		return
	}
	h.relief.Reset(relieveAfter)
}

// start returns the next job, or nil if none is left, and how many follow it.
func (h *hand) start() (job *queue.Job, left int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.collect()
	if h.next == len(h.jobs) {
		return nil, 0
	}
	h.next++
	return &h.jobs[h.next-1], len(h.jobs) - h.next
}

// finish notes the outcome of the job that start has returned. The next start
// makes it part of what is reported: the worker locks once for both.
func (h *hand) finish(job *queue.Job, outcome queue.Outcome) {
	h.last = queue.Finished{Job: job, Outcome: outcome}
}

// collect needs mu, and is for the worker only.
func (h *hand) collect() {
	if h.last.Job != nil {
		h.finished = append(h.finished, h.last)
		h.last = queue.Finished{}
	}
}

// report gives everything to the store when no job of the hand runs. On return
// nothing that the timer reports is under way.
func (h *hand) report() error {
	if h.relief != nil {
		h.relief.Stop()
	}
	h.mu.Lock()
	h.collect()
	h.mu.Unlock()
	return h.settle()
}

// settle gives the store all but the running job: the outcomes so far, and the
// jobs that were not started.
func (h *hand) settle() error {
	h.reporting.Lock()
	defer h.reporting.Unlock()
	out := h.drop()
	if len(out) == 0 {
		return nil
	}
	err := h.store.Finish(out...)
	clear(out)
	h.spare = out[:0]
	return err
}

// drop empties the hand but for the running job. It needs reporting.
func (h *hand) drop() []queue.Finished {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.finished
	for ; h.next < len(h.jobs); h.next++ {
		job := &h.jobs[h.next]
		forget(job) // the running one may take long
		out = append(out, queue.Finished{Job: job, Outcome: queue.Outcome{Kind: queue.Release}})
	}
	h.finished, h.spare = h.spare, nil
	return out
}
