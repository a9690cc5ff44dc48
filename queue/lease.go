package queue

import (
	"context"
	"fmt"
	"time"
)

// Forever is a lease without an end.
var Forever = time.Unix(1<<40, 0)

// Lease lets jobs start until the given time; the zero time lets none. Of a
// detached partition none start.
func (p *Partition) Lease(until time.Time) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.detached {
		return
	}
	p.until = until
	if p.away != 0 && !until.IsZero() { // only looking at it leaves it away
		p.away = 0
		p.touch()
	}
	p.schedule()
	if p.store.probation != nil { // suspects are not in the schedule
		p.store.wake()
	}
}

// Running returns the number of jobs of the partition that are out.
func (p *Partition) Running() int {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.running
}

// Idle waits until no job of the partition is out, or no outcome can be taken
// in any more.
func (p *Partition) Idle(ctx context.Context) error {
	s := p.store
	s.mu.Lock()
	if p.running == 0 {
		s.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	p.idle = append(p.idle, idle)
	s.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-s.failed:
		return s.Err()
	case <-s.closing:
		return fmt.Errorf("wait for the running jobs of %s: %w", p.tp, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("wait for the running jobs of %s: %w", p.tp, context.Cause(ctx))
	}
}

func (p *Partition) leaveRun() {
	p.topic.running--
	p.running--
	if p.running > 0 {
		return
	}
	for _, idle := range p.idle {
		close(idle)
	}
	p.idle = nil
	if p.detached {
		p.touch() // the flush lets go of it
	}
}
