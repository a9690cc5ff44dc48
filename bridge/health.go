package bridge

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Health tells whether the bridge goes on: whether the committer, the scheduler
// and the group's heartbeat have stepped lately, whatever its jobs do. It costs
// little and waits for nothing that could hang, so that a watchdog can ask.
func (b *Bridge) Health() inspect.Health { return b.vitals.health(time.Now()) }

const (
	// standsStill is how long a part may take for a step. An fsync may take long
	// on a disk that is throttled, and a restart costs the runs under way.
	standsStill = 2 * time.Minute
	// vitalsEvery is how often the parts are looked at.
	vitalsEvery = time.Second
)

// vitals watch what must never stand still. All times are the machine's.
type vitals struct {
	beats atomic.Uint64 // of the loop that renews leases

	mu        sync.Mutex
	state     string           // guarded by mu
	failed    bool             // guarded by mu; the store has, and Run is to return
	watched   time.Time        // guarded by mu; the last look; zero: none yet
	committer vital            // guarded by mu
	scheduler vital            // guarded by mu
	leases    vital            // guarded by mu
	heartbeat func() time.Time // guarded by mu; its last step; nil until the clients are open
	lease     func() time.Time // guarded by mu; until when the group counts on us
	other     func() string    // guarded by mu; what is known of a copy of the data directory
}

// vital is one part as the looks have found it.
type vital struct {
	steps uint64
	last  time.Time // it had stepped since the look before, or had nothing to do
}

// look takes note of how many steps a part has taken, and whether it has
// something to do.
func (v *vital) look(now time.Time, steps uint64, busy bool) {
	if !busy || steps != v.steps || v.last.IsZero() {
		v.last = now
	}
	v.steps = steps
}

func newVitals() *vitals { return &vitals{state: inspect.StateStarting} }

func (v *vitals) enter(state string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = state
}

// watchVitals looks after the parts until ctx ends.
func (r *run) watchVitals(ctx context.Context) error {
	v := r.vitals
	v.mu.Lock()
	v.heartbeat, v.lease, v.other = r.cluster.Stepped, r.cluster.Lease, facts{r}.copySeen
	v.mu.Unlock()
	r.lookAtVitals(time.Now())
	return every(ctx, vitalsEvery, func() { r.lookAtVitals(time.Now()) })
}

func (r *run) lookAtVitals(now time.Time) {
	v, pulse, failed := r.vitals, r.store.Pulse(), r.store.Err() != nil
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watched, v.failed = now, failed
	v.committer.look(now, pulse.Flushes, pulse.Unflushed)
	v.scheduler.look(now, pulse.Looks, pulse.Unattended)
	v.leases.look(now, v.beats.Load(), true)
}

func (v *vitals) health(now time.Time) inspect.Health {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := inspect.Health{State: v.state, Alive: v.state != inspect.StateEnded}
	if v.failed {
		h.Alive = false
		h.Problems = append(h.Problems, "a write to the store has failed")
	}
	for _, p := range v.parts(now) {
		h.Parts = append(h.Parts, p)
		if p.SilentSeconds > p.LimitSeconds {
			h.Alive = false
			h.Problems = append(h.Problems, fmt.Sprintf("the %s stands still for %.0f s", p.Part, p.SilentSeconds))
		}
	}
	switch h.Ready = h.Alive && v.state == inspect.StateRunning; {
	case v.state != inspect.StateRunning:
		h.Problems = append(h.Problems, "the bridge is "+v.state)
	case v.lease == nil || !now.Before(v.lease()):
		h.Ready = false
		h.Problems = append(h.Problems, "not a member of the group: Kafka has not confirmed it within the session timeout")
	}
	if v.other != nil {
		if text := v.other(); text != "" {
			h.Problems = append(h.Problems, text)
		}
	}
	return h
}

// parts needs mu. There are none before the first look.
func (v *vitals) parts(now time.Time) (list []inspect.HealthPart) {
	if v.watched.IsZero() {
		return nil
	}
	for _, p := range []struct {
		name string
		last time.Time
	}{
		{"committer", v.committer.last},
		{"scheduler", v.scheduler.last},
		{"leases", v.leases.last},
		{"heartbeat", v.heartbeat()},
		{"watch", v.watched},
	} {
		list = append(list, inspect.HealthPart{
			Part: p.name, SilentSeconds: max(0, now.Sub(p.last).Seconds()), LimitSeconds: standsStill.Seconds(),
		})
	}
	return list
}
