package queue

import (
	"fmt"
	"testing"
)

// manyLanes has n lanes of one job, of which every second is halted.
func manyLanes(r *rig, p *Partition, n int) {
	recs := make([]Record, n)
	for i := range recs {
		recs[i] = Record{Offset: int64(i), Timestamp: -1, Value: fmt.Appendf(nil, "value %d", i), Lane: Lane{ID: uint64(i)}}
	}
	_, err := p.Append(recs)
	r.must(err)
	for i, job := range r.take(n) {
		kind := Release
		if i%2 == 0 {
			kind = Halt
		}
		r.finish(Outcome{Kind: kind}, job)
	}
}

// However many lanes a reader looks at, others get the store's lock after a few.
func TestAReaderOfManyLanesLetsGoOfTheLock(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	const n = 8 * restEvery
	manyLanes(r, p, n)
	for name, look := range map[string]struct {
		do    func()
		rests uint64
	}{
		"the outlook":              {func() { p.Outlook() }, n / restEvery},
		"all lanes":                {func() { p.Lanes(n) }, n / restEvery},
		"lanes that say something": {func() { p.Lanes(n - 1) }, n / 2 / restEvery},
		"failing lanes":            {func() { p.Failing(n) }, n / 2 / restEvery},
		"whether it goes on":       {func() { p.GoesOn() }, 0},
		"counts":                   {func() { p.Survey() }, 0},
	} {
		before := r.Store.rests
		look.do()
		if rests := r.Store.rests - before; rests != look.rests {
			t.Errorf("%s: the lock was let go of %d times, want %d", name, rests, look.rests)
		}
	}
	if going, stuck := p.Outlook(); going != n/2 || stuck != n/2 {
		t.Errorf("%d go on and %d do not, want %d each", going, stuck, n/2)
	}
}

// Lanes come, go and change while a reader looks at them.
func TestLanesChangeWhileTheyAreLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	const n = 4 * restEvery
	manyLanes(r, p, n)
	ended := make(chan struct{})
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for {
			p.Lanes(n)
			p.Lanes(10)
			p.Failing(n)
			p.Outlook()
			select {
			case <-ended:
				return
			default:
			}
		}
	}()
	for range n / 2 {
		r.finish(Outcome{Kind: Done}, r.take(1)[0])
	}
	r.must(p.SkipTo(n / 2))
	r.must(p.Reset(0))
	manyLanes(r, p, n)
	p.Detach()
	r.sync()
	close(ended)
	<-looked
	lanes, all := p.Lanes(n)
	if len(lanes) != 0 || !all {
		t.Errorf("of a partition that is gone %d lanes are seen", len(lanes))
	}
}
