package bridge

import (
	"context"
	"time"
)

// leaseEvery is how often leases are renewed. It is small beside any session
// timeout, so that a lease in the store is practically as fresh as the claim's.
const leaseEvery = 200 * time.Millisecond

// renewLeases passes on what the group's heartbeats allow, and gives up what
// the group has given to others. It also notes that the process lives.
func (r *run) renewLeases(ctx context.Context) error {
	return every(ctx, leaseEvery, func() {
		r.vitals.beats.Add(1)
		r.beat()
		member := r.cluster.Membership().ID != ""
		r.parts.each(func(p *partition) {
			p.renew(r.cfg.Clock)
			if !member {
				p.outside()
			}
			p.resign(time.Now(), r.cfg.RebalanceTimeout)
		})
	})
}

// pokeCommits wakes all committers at once, so that one request to Kafka can
// carry the offsets of all partitions.
func (r *run) pokeCommits(ctx context.Context) error {
	return every(ctx, r.cfg.CommitEvery, func() { r.parts.each((*partition).pokeCommit) })
}

// tickEvery is the interval of [Hooks.Tick].
const tickEvery = time.Second

// tick looks after what nothing else would notice, and tells that time passes.
func (r *run) tick(ctx context.Context) error {
	return every(ctx, tickEvery, func() {
		now := r.cfg.Clock.Now()
		r.guards.look(now)
		r.meters.read(r.store, now)
		if r.hooks.to.Tick != nil {
			r.hooks.tick(r.summary(now))
		}
	})
}

func (r *run) summary(now time.Time) Tick {
	t := Tick{At: now}
	for _, p := range r.store.Attached() {
		state := p.State()
		t.Partitions++
		t.Open += state.Open
		t.Halted += state.Halted
		t.Running += p.Running()
	}
	return t
}

// every calls f in intervals of d until ctx ends. It keeps house, so it goes by
// the machine's time also where the time of jobs is an injected clock's.
func every(ctx context.Context, d time.Duration, f func()) error {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f()
		}
	}
}

// sleep is true after d, false when ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
