package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// ErrDrainUndone means that an operator has taken a drain back: records are
// fetched again.
var ErrDrainUndone = errors.New("an operator has taken it back")

// Drain stops fetching and waits until everything that is stored is finished and
// its offset committed. Jobs that wait for an operator, those that are halted,
// parked or paused and what is behind them, are left; so is a partition that is
// held. Nothing is fetched afterwards, until the bridge is run anew: end the
// context of Run, with [Config.LeaveOnStop] for a machine to be moved. When ctx
// ends before, fetching goes on, unless somebody else drains the bridge too. It
// is [inspect.ErrNotRunning] while Run has not begun, and once it ends, and
// [ErrDrainUndone] when an operator takes it back.
func (b *Bridge) Drain(ctx context.Context) error {
	r := b.active.Load()
	if r == nil {
		return fmt.Errorf("drain: %w", inspect.ErrNotRunning)
	}
	on, began := r.drainage.join()
	if began {
		r.log.Info("draining: no records are fetched; what is stored is finished")
	}
	select {
	case <-on.drained:
		return nil
	case <-on.over:
		return fmt.Errorf("drain: %w", ErrDrainUndone)
	case <-r.stopping.Done():
		return fmt.Errorf("drain: the bridge stops before: %w", inspect.ErrNotRunning)
	case <-ctx.Done():
		if r.drainage.giveUp(on) {
			r.log.Info("draining was given up: records are fetched again")
		}
		return fmt.Errorf("drain: %w", context.Cause(ctx))
	}
}

// drainOrder carries out an operator's word.
func (r *run) drainOrder(order inspect.DrainOrder) (changed bool) {
	switch {
	case order.Undo:
		if changed = r.drainage.end(); changed {
			r.log.Info("draining was given up by an operator: records are fetched again")
		}
	default:
		changed = r.drainage.order(order.Leave)
	}
	return changed
}

// leaveOrder makes the bridge stop and leave its group.
func (r *run) leaveOrder() (changed bool) {
	changed = r.leaves.CompareAndSwap(false, true)
	r.askOnce.Do(func() {
		changed = true
		close(r.asked)
	})
	return changed
}

// drainEvery is how often a bridge that is drained looks whether it is empty.
const drainEvery = 50 * time.Millisecond

// watchDrain tells who waits when the bridge is empty.
func (r *run) watchDrain(ctx context.Context) error {
	before := false // once more: between joining the group and its first claim there is a moment
	return every(ctx, drainEvery, func() {
		now := r.drainage.dry() && r.assigned() && r.empty()
		if sure := before && now; !sure {
			before = now
			return
		}
		first, leave := r.drainage.tell()
		if first {
			r.log.Info("drained: everything that can be is finished and committed", "leaves", leave)
		}
		if leave {
			r.leaveOrder()
		}
	})
}

// empty tells whether nothing that is stored goes on by itself, and Kafka has
// acknowledged all of it. A partition that is still being taken over counts by
// its jobs, too.
func (r *run) empty() bool {
	if pending := r.claims.pending(); len(pending) > 0 && !r.stuckIn(pending) {
		return false
	}
	empty := true
	r.parts.each(func(p *partition) {
		v := p.view()
		if v == nil || v.stored == nil { // not owned, or held
			return
		}
		if v.stored.GoesOn() {
			empty = false
			return
		}
		if state := v.stored.State(); state.Acknowledged != state.Frontier {
			p.pokeCommit()
			empty = false
		}
	})
	return empty
}

// stuckIn tells whether no stored job of these partitions goes on by itself.
func (r *run) stuckIn(partitions []queue.TopicPartition) bool {
	attached := map[queue.TopicPartition]*queue.Partition{}
	for _, p := range r.store.Attached() {
		attached[p.TopicPartition()] = p
	}
	return !slices.ContainsFunc(partitions, func(tp queue.TopicPartition) bool {
		p := attached[tp]
		return p == nil || p.GoesOn() // nil: it is not loaded yet
	})
}

// assigned tells whether the partitions that are ours are known: before, and
// while the group does not count on us, none of them would be looked at.
func (r *run) assigned() bool {
	balanced := slices.ContainsFunc(r.cfg.Topics, func(t Topic) bool { return len(t.Partitions) == 0 })
	return !balanced || !r.cluster.Membership().Confirmed.IsZero()
}

// drainage tells readers to stop and to go on. The zero value lets them read.
type drainage struct {
	mu      sync.Mutex
	stop    map[int]context.CancelFunc // of readers
	numbers int
	on      *draining // nil: records are fetched
}

type draining struct {
	ordered bool // by an operator: it goes on when nobody waits any more
	waiting int  // callers of Drain
	leave   bool
	told    bool
	drained chan struct{} // closed when the bridge is empty
	over    chan struct{} // closed when records are fetched again
}

// begin stops the readers, and reports whether that is new. It needs mu.
func (d *drainage) begin() (began bool) {
	if d.on != nil {
		return false
	}
	d.on = &draining{drained: make(chan struct{}), over: make(chan struct{})}
	for _, stop := range d.stop {
		stop()
	}
	return true
}

// order is for an operator. It reports whether that is new: nobody has ordered the
// draining, or the leaving, before.
func (d *drainage) order(leave bool) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed = d.begin()
	changed = changed || !d.on.ordered || leave && !d.on.leave
	d.on.ordered, d.on.leave = true, d.on.leave || leave
	return changed
}

// join is for who waits until the bridge is empty, or gives up.
func (d *drainage) join() (on *draining, began bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	began = d.begin()
	d.on.waiting++
	return d.on, began
}

// giveUp is for one who has joined. It reports whether the readers go on: nobody
// else wants them to rest.
func (d *drainage) giveUp(on *draining) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	on.waiting--
	if d.on != on || on.ordered || on.told || on.waiting > 0 {
		return false
	}
	d.stopResting()
	return true
}

// stopResting lets the readers go on. It needs mu.
func (d *drainage) stopResting() {
	close(d.on.over)
	d.on = nil
}

// end lets the readers go on. It reports false where they do.
func (d *drainage) end() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on == nil {
		return false
	}
	d.stopResting()
	return true
}

// dry reports whether the bridge is drained and no reader is at work any more.
func (d *drainage) dry() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on != nil && len(d.stop) == 0
}

// tell lets go who waits until the bridge is empty.
func (d *drainage) tell() (first, leave bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on == nil {
		return false, false
	}
	if first = !d.on.told; first {
		d.on.told = true
		close(d.on.drained)
	}
	return first, d.on.leave
}

// state tells an operator how far it is.
func (d *drainage) state() inspect.DrainState {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on == nil {
		return inspect.DrainState{}
	}
	return inspect.DrainState{On: true, Ordered: d.on.ordered, Empty: d.on.told, Leaves: d.on.leave}
}

// flow is a reader's leave to read: a context that ends when the bridge is to be
// drained. It waits while that is so, and is false when ctx ends. ebb is to be
// called when nothing that was read is given to the store any more.
func (d *drainage) flow(ctx context.Context) (flow context.Context, ebb func(), ok bool) {
	for {
		flow, ebb, over := d.enter(ctx)
		if over == nil {
			return flow, ebb, true
		}
		select {
		case <-over:
		case <-ctx.Done():
			return nil, nil, false
		}
	}
}

// enter returns what closes when records are fetched again, or lets the reader in.
func (d *drainage) enter(ctx context.Context) (flow context.Context, ebb func(), over <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on != nil {
		return nil, nil, d.on.over
	}
	flow, stop := context.WithCancel(ctx)
	number := d.numbers
	d.numbers++
	if d.stop == nil {
		d.stop = make(map[int]context.CancelFunc)
	}
	d.stop[number] = stop
	return flow, func() {
		stop()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.stop, number)
	}, nil
}
