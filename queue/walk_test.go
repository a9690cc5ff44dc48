package queue

import (
	"fmt"
	"runtime"
	"testing"
	"time"
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
		"the outlook":              {func() { p.Outlook() }, n / 2 / restEvery},
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

// BenchmarkReadersOfAMillionLanes tells how long others wait for the store's lock
// while somebody looks at a partition of a million lanes, half of them halted.
func BenchmarkReadersOfAMillionLanes(b *testing.B) {
	const n = 1 << 20
	s := &Store{}
	p := newBenchPartition(s, n)
	for name, look := range map[string]func(){
		"Outlook": func() { p.Outlook() },
		"Lanes":   func() { p.Lanes(10_000) },
		"GoesOn":  func() { p.GoesOn() },
	} {
		b.Run(name, func(b *testing.B) {
			longest := time.Duration(0)
			for b.Loop() {
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					look()
				}()
				for waiting := true; waiting; {
					began := time.Now()
					s.mu.Lock()
					longest = max(longest, time.Since(began))
					s.mu.Unlock()
					select {
					case <-ended:
						waiting = false
					default:
						runtime.Gosched()
					}
				}
			}
			b.ReportMetric(float64(longest.Microseconds()), "µs-longest-wait")
		})
	}
}

// newBenchPartition has n lanes of one job, of which every second is halted.
func newBenchPartition(s *Store, n int) *Partition {
	p := &Partition{tp: orders, store: s, topic: &topic{}, lanes: map[uint64]*lane{}, notes: map[int64]*noteValue{}}
	for i := range n {
		l := &lane{part: p, id: uint64(i)}
		l.push(entry{offset: int64(i)})
		p.open.add(int64(i))
		p.lanes[l.id] = l
		if i%2 == 0 {
			p.notes[int64(i)] = &noteValue{Attempts: 1, Halted: true}
			l.become(laneHalted)
		}
	}
	return p
}
