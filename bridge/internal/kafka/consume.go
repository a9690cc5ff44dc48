package kafka

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
)

// Subscription is what to consume.
type Subscription struct {
	Topics   []string
	Patterns []*regexp.Regexp
	Fixed    map[string][]int32 // taken as they are, not balanced by the group
}

// Owner takes the partitions. Own is called on a goroutine of its own for every
// partition taken; ctx ends when the claim does and context.Cause says why:
// ErrRevoked, ErrLost or ErrStopping. Own must return within Claim.DrainWithin
// after that. Where it returns earlier, the claim is kept, idle, until it ends.
type Owner interface {
	Own(ctx context.Context, c *Claim)
}

// Consume owns partitions until ctx ends or Kafka refuses us for good: then it
// returns nil, or why, after each Own has returned. What may pass (no broker,
// no coordinator, a topic that does not exist yet) is logged and waited for.
func (c *Cluster) Consume(ctx context.Context, sub Subscription, owner Owner) error {
	if !c.consuming.CompareAndSwap(false, true) {
		return errors.New("Consume is already running")
	}
	defer c.consuming.Store(false)

	balanced := len(sub.Topics)+len(sub.Patterns) > 0
	if len(sub.Fixed) == 0 && !balanced {
		return errors.New("nothing to consume: name topics, patterns or partitions")
	}
	letGo := make(chan struct{}) // closed when no fixed partition is held any more
	m := &member{cluster: c, owner: owner, log: c.log, others: letGo}
	c.current.Store(m)
	f := &fixed{cluster: c, owner: owner, partitions: sub.Fixed, member: m.current.Load, alone: !balanced}

	lease := m.lease
	if !balanced {
		lease = func() time.Time { return forever }
	}
	c.lease.Store(&lease)
	defer c.lease.Store(nil)

	// The cause of this context's end is what each claim is told.
	run, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	defer context.AfterFunc(ctx, func() { stop(ErrStopping) })()

	leases, done := context.WithCancel(context.Background())
	var keeping sync.WaitGroup
	keeping.Go(func() { c.keepLease(leases, m.current.Load) })
	defer keeping.Wait()
	defer done()

	if err := c.awaitAlone(run); err != nil {
		return err
	}
	var running sync.WaitGroup
	var memberErr, fixedErr error
	running.Go(func() {
		defer close(letGo)
		if fixedErr = f.run(run); fixedErr != nil {
			stop(fmt.Errorf("%w: %w", ErrStopping, fixedErr))
		}
	})
	if balanced {
		running.Go(func() {
			if memberErr = m.run(run, sub); memberErr != nil {
				stop(fmt.Errorf("%w: %w", ErrStopping, memberErr))
			}
		})
	}
	running.Wait()
	return errors.Join(memberErr, fixedErr)
}

// backoff grows from a quarter of a second to two.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 250*time.Millisecond), 2*time.Second)
	return b.last
}

// gate counts what is inside.
type gate struct {
	mu     sync.Mutex
	inside int             // guarded by mu
	nobody []chan struct{} // closed when inside falls to zero; guarded by mu
}

func (g *gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside++
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 {
		for _, c := range g.nobody {
			close(c)
		}
		g.nobody = nil
	}
}

// empty is closed once nobody is inside.
func (g *gate) empty() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := make(chan struct{})
	if g.inside == 0 {
		close(c)
		return c
	}
	g.nobody = append(g.nobody, c)
	return c
}
