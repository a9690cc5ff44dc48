package bridge

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// partition is one Kafka partition as the bridge knows it, over all claims of
// it. It is kept when a claim ends, since runs may outlive the claim.
type partition struct {
	topic   string
	id      int32
	dropped dropCounts
	wishes  wishes
	// committing: an offset was committed since the bridge began, or may have been.
	committing atomic.Bool

	// seen is what view returns. Whoever changes a part of it publishes it
	// anew, with mu held: a run looks at it without a lock.
	seen atomic.Pointer[view]

	mu      sync.Mutex // guards all below
	route   *route
	guard   *guard // nil: it needs none
	topicID string
	// claim and stored are set while the partition is owned and nothing stands
	// in the way of its jobs. withdraw clears them, before the lease: a lease
	// is never renewed afterwards.
	claim  *kafka.Claim
	stored *queue.Partition
	// until is the lease as the store has it, for jobs that a worker has taken
	// and not started yet.
	until time.Time
	// commit wakes the committer of the claim.
	commit chan struct{}
	// scope is the parent of the contexts of the partition's runs. It goes on
	// over a lost claim, whose runs are adopted by the next; interrupt ends it.
	scope  context.Context
	cancel context.CancelCauseFunc
	// lost: the claim ended without a revocation. back is since when the group has
	// us again without giving us the partition; zero while it does not have us.
	// claimed: it has given it to us, and jobs may not start yet.
	lost    bool
	back    time.Time
	claimed bool
}

// admit makes the partition's jobs runnable under the claim.
func (p *partition) admit(jobs context.Context, clock queue.Clock, claim *kafka.Claim, stored *queue.Partition) (commit <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claim, p.stored, p.topicID = claim, stored, claim.TopicID
	p.commit = make(chan struct{}, 1)
	p.lost, p.back = false, time.Time{}
	if p.scope == nil || p.scope.Err() != nil {
		p.scope, p.cancel = context.WithCancelCause(jobs)
	}
	p.lease(clock)
	return p.commit
}

// withdraw lets no further job start; what runs goes on.
func (p *partition) withdraw(lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stored != nil {
		p.stored.Lease(time.Time{})
	}
	p.claim, p.stored, p.until = nil, nil, time.Time{}
	p.lost, p.back = lost, time.Time{}
	p.publish()
}

// rejoined notes that the group has us again. A lost partition should follow.
func (p *partition) rejoined(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost && p.back.IsZero() {
		p.back = now
	}
}

// outside notes that the group does not have us: whatever it gave to whom, it
// has to give again.
func (p *partition) outside() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back = time.Time{}
}

// claiming notes that a claim begins, or has ended, whether jobs could start under
// it or not.
func (p *partition) claiming(begins bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claimed = begins
	if !p.back.IsZero() {
		p.back = now
	}
}

// resign cancels the runs of a lost partition that has not come back within
// the time that the group takes at most to assign it: another member has it.
func (p *partition) resign(now time.Time, within time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost && !p.claimed && !p.back.IsZero() && now.Sub(p.back) > within {
		p.lost = false
		p.cancel(ErrRevoked)
	}
}

// interrupt cancels the contexts of the partition's runs.
func (p *partition) interrupt(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel(cause)
	}
}

// renew passes the claim's lease on to the store.
func (p *partition) renew(clock queue.Clock) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stored != nil {
		p.lease(clock)
	}
}

// lease needs mu. The claim goes by the machine's time, the store by clock.
func (p *partition) lease(clock queue.Clock) {
	p.until = clock.Now().Add(time.Until(p.claim.Lease()))
	p.publish() // first: with the lease, jobs start
	p.stored.Lease(p.until)
}

// pokeCommit wakes the committer unless it is busy: then it is late already.
func (p *partition) pokeCommit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stored == nil {
		return
	}
	select {
	case p.commit <- struct{}{}:
	default:
	}
}

// view is what a run needs to know of its partition. It does not change.
type view struct {
	route   *route
	topicID string
	scope   context.Context
	until   time.Time        // jobs start before it only
	claim   *kafka.Claim     // nil: not owned now
	stored  *queue.Partition // nil: not owned now
	guard   *guard           // nil: jobs are given up without asking
}

// lets reports whether a job may start.
func (v *view) lets(now time.Time) bool { return v.scope.Err() == nil && now.Before(v.until) }

// reroute lets the next runs go by another route.
func (p *partition) reroute(to *route, guard *guard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.route, p.guard = to, guard
	if p.seen.Load() != nil { // else it is not admitted yet
		p.publish()
	}
}

// publish needs mu.
func (p *partition) publish() {
	p.seen.Store(&view{p.route, p.topicID, p.scope, p.until, p.claim, p.stored, p.guard})
}

// view is that of a partition that was admitted: jobs come from no others.
func (p *partition) view() *view { return p.seen.Load() }

// registry holds the partitions that this process has owned.
type registry struct {
	adding sync.Mutex
	// byTP is replaced and never changed: every job looks into it.
	byTP atomic.Pointer[map[queue.TopicPartition]*partition]
}

func newRegistry() *registry {
	r := new(registry)
	r.byTP.Store(new(map[queue.TopicPartition]*partition))
	return r
}

// add returns the partition, known from now on.
func (r *registry) add(tp queue.TopicPartition, to *route, guard *guard) *partition {
	r.adding.Lock()
	defer r.adding.Unlock()
	if p := r.get(tp); p != nil {
		p.reroute(to, guard)
		return p
	}
	more := map[queue.TopicPartition]*partition{tp: {topic: tp.Topic, id: tp.Partition, route: to, guard: guard}}
	maps.Copy(more, *r.byTP.Load())
	r.byTP.Store(&more)
	return more[tp]
}

// get returns a partition that was added; jobs come from no others.
func (r *registry) get(tp queue.TopicPartition) *partition { return (*r.byTP.Load())[tp] }

// rejoined tells all partitions that the group has us again.
func (r *registry) rejoined(now time.Time) {
	r.each(func(p *partition) { p.rejoined(now) })
}

// each calls f for every partition.
func (r *registry) each(f func(*partition)) {
	for _, p := range *r.byTP.Load() {
		f(p)
	}
}
