package queue

import "testing"

// reads is how many read transactions f makes.
func (r *rig) reads(f func()) int {
	before := r.db.Stats().TxN
	f()
	return r.db.Stats().TxN - before
}

func (r *rig) wantParkedAway(want int) {
	r.t.Helper()
	away, err := r.Away()
	r.must(err)
	if len(away) != 1 || away[0].State.Parked != want {
		r.t.Errorf("%+v are away, want %d parked lanes", away, want)
	}
}

// Parked lanes of partitions that others own are counted in pages, and once: a
// look at everything is not longer for them.
func TestParkedLanesThatAreAwayAreCountedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	const n = 3*pageJobs + 10
	r.append(p, make([]string, n)...)
	for _, j := range r.take(n) {
		r.park(j)
	}
	p.Detach()
	r.sync()
	if reads := r.reads(func() { r.wantParkedAway(n) }); reads != 1+4 {
		t.Errorf("%d transactions counted %d lanes", reads, n)
	}
	if reads := r.reads(func() { r.wantParkedAway(n) }); reads != 1 {
		t.Errorf("%d transactions, though they are counted", reads)
	}

	// They change while the partition is here.
	p = r.attach(orders)
	for i, lane := range r.parkedLanes(orders) {
		if i < 7 {
			changed, err := p.Release(lane, false)
			r.change(changed, err)
		}
	}
	r.leave(p)
	r.wantParkedAway(n - 7)
	r.reopen()
	r.wantParkedAway(n - 7)
}

// What was counted while the partition was here is not kept.
func TestACountOfParkedLanesThatIsOvertaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "", "")
	for _, j := range r.take(2) {
		r.park(j)
	}
	r.sync()
	if n, err := r.parkedAway(orders); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	changed, err := p.Release(r.parkedLanes(orders)[0], false)
	r.change(changed, err)
	r.leave(p)
	r.wantParkedAway(1)
}
