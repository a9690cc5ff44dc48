package queue

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func (r *rig) fillLane(p *Partition, lane string, n int) {
	r.t.Helper()
	for n > 0 {
		some := min(n, 1000)
		r.append(p, slices.Repeat([]string{lane}, some)...)
		n -= some
	}
}

func TestAHotKeyDoesNotEndTheLookAhead(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.fillLane(p, "a", 10*windowJobs)
	if p.Room() {
		t.Error("a partition that is one lane, such as one with an order of its own, is read without end")
	}
	r.append(p, "b")
	if !p.Room() {
		t.Error("what waits behind one slow key ends the fetching for all others")
	}
	r.append(p, lanesOf(windowJobs)...)
	if p.Room() {
		t.Error("a window of jobs that could start does not end it")
	}
}

func TestAQuickKeyFillsTheWindow(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.mu.Lock()
	p.rate.perSecond = 2 * windowJobs // one lane, one worker
	r.mu.Unlock()
	r.append(p, "b")
	r.fillLane(p, "a", 3*windowJobs)
	if !p.Room() {
		t.Error("less than two seconds of work ends the fetching")
	}
	r.fillLane(p, "a", 2*windowJobs)
	if p.Room() {
		t.Error("more than two seconds of work does not")
	}
}

// TestDepthIsThatOfTheLanes compares the count with one of all lanes.
func TestDepthIsThatOfTheLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, Options{})
		defer r.Close()
		p := r.attach(orders)
		rt.Repeat(map[string]func(*rapid.T){
			"fill": func(rt *rapid.T) {
				r.fillLane(p, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "lane"), rapid.IntRange(1, 200).Draw(rt, "n"))
			},
			"drain": func(rt *rapid.T) {
				for range rapid.IntRange(1, 200).Draw(rt, "n") {
					dst := make([]Job, 1)
					r.mu.Lock()
					n := r.fill(dst, r.clock.Now())
					r.mu.Unlock()
					if n == 0 {
						return
					}
					r.done(&dst[0])
				}
			},
			"skip":    func(*rapid.T) { r.must(p.SkipTo(p.State().Next / 2)) },
			"reset":   func(*rapid.T) { r.must(p.Reset(p.State().Next)) },
			"restart": func(*rapid.T) { r.reopen(); p = r.attach(orders) },
			"": func(rt *rapid.T) {
				r.pass(time.Second)
				r.mu.Lock()
				defer r.mu.Unlock()
				want, deep := p.open.count, 0
				for _, l := range p.lanes {
					want -= max(0, len(l.jobs)-max(deepFrom, int(windowSeconds*p.rate.perSecond)))
					if len(l.jobs) > deepFrom {
						deep++
					}
				}
				if deep == len(p.lanes) {
					want = p.open.count
				}
				if got := p.reachable(); got != want {
					rt.Fatalf("%d of %d jobs are within reach, want %d", got, p.open.count, want)
				}
			},
		})
	})
}
