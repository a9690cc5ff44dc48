package queue

import (
	"context"
	"sync"
	"testing"
	"time"
)

// breakFile makes every later commit fail.
func (r *rig) breakFile() {
	r.t.Helper()
	r.must(r.db.Close())
}

func TestAFailedCommitStopsTheStore(t *testing.T) {
	t.Parallel()
	var told []Durable
	r := newRig(t, Options{Durable: func(d []Durable) { told = append(told, d...) }})
	p := r.attach(orders)
	r.append(p, "a", "a", "b")
	r.done(r.take(1)...)
	r.sync()
	running := r.take(2)
	r.done(running[0])
	r.breakFile()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	take, idle := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := r.Take(ctx, make([]Job, 1))
		take <- err
	}()
	go func() { idle <- p.Idle(ctx) }()
	wantIs(t, "sync", r.Sync(ctx), ErrStoreFailed)
	select {
	case <-r.Failed():
	default:
		t.Error("Failed is not closed")
	}
	wantIs(t, "Err", r.Err(), ErrStoreFailed)
	wantIs(t, "waiting take", <-take, ErrStoreFailed)
	wantIs(t, "waiting idle", <-idle, ErrStoreFailed)
	_, err := r.Take(ctx, make([]Job, 1))
	wantIs(t, "take", err, ErrStoreFailed)
	wantIs(t, "finish", r.Finish(Finished{running[1], Outcome{Kind: Done}}), ErrStoreFailed)
	wantIs(t, "append", errOf(p.Append(records(3, "a"))), ErrStoreFailed)
	wantIs(t, "configure", p.Configure("id", "s"), ErrStoreFailed)
	wantIs(t, "reset", p.Reset(0), ErrStoreFailed)
	wantIs(t, "set the cluster", r.SetCluster("c"), ErrStoreFailed)
	wantIs(t, "sync again", r.Sync(ctx), ErrStoreFailed)
	_, err = r.Attach(TopicPartition{"orders", 4})
	wantIs(t, "attach", err, ErrStoreFailed)
	if p.Room() {
		t.Error("a failed store has room")
	}
	p.Lease(Forever)
	p.Acknowledge(1)
	p.Detach()
	if f := p.Frontier(); f != -1 {
		t.Errorf("the frontier to commit is %d after a failure, want none", f)
	}
	wantIs(t, "close", r.Close(), ErrStoreFailed)
	if len(told) != 1 {
		t.Errorf("%v were told durable, want the first outcome only", told)
	}

	r.open() // what had been durable before is there
	if s := r.attach(orders).State(); s.Frontier != 1 || s.Next != 3 || s.Open != 2 {
		t.Errorf("reopened: %+v", s)
	}
}

func TestCloseSaysThatItsFlushFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a")
	r.breakFile()
	wantIs(t, "close", r.Close(), ErrStoreFailed)
}

// gate is a Durable callback that can be held.
type gate struct {
	mu      sync.Mutex
	entered chan struct{}
	told    []Durable
}

func (g *gate) durable(d []Durable) {
	select {
	case g.entered <- struct{}{}:
	default:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, d...)
}

func TestNoJobStartsWhileAnOutcomeIsOlderThanASecondAndNotDurable(t *testing.T) {
	t.Parallel()
	g := &gate{entered: make(chan struct{}, 1)}
	r := newRig(t, Options{Durable: g.durable})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "d")
	running := r.take(2)
	g.mu.Lock()
	r.done(running[0])
	synced := make(chan error, 1)
	go func() { synced <- r.Sync(t.Context()) }()
	<-g.entered // the committer is held: it does not begin another flush
	r.done(running[1])
	r.clock.advance(maxUndurableAge)
	r.done(r.take(1)...)
	r.clock.advance(1)
	jobs := r.takers(1)
	r.nothingStarts()
	g.mu.Unlock()
	r.must(<-synced)
	r.sync()
	r.receive(jobs, 1)
}

func TestALongFlushIntervalDoesNotHoldWorkers(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Flush: time.Hour})
	r.append(r.attach(orders), "a", "b")
	r.done(r.take(1)...)
	r.clock.advance(maxUndurableAge + 1)
	r.take(1)
}

func TestNoJobStartsBeyondTheBoundOfUndurableOutcomes(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, Options{}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	const jobs = maxUndurable + 1000
	r.append(p, make([]string, jobs)...)
	ran := len(r.drain())
	if ran < maxUndurable || ran > maxUndurable+64 { // it takes 64 at a time
		t.Errorf("%d jobs ran without a flush, want %d", ran, maxUndurable)
	}
	waiting := r.takers(1)
	f := r.gather() // those in a flush that is under way count too
	r.nothingStarts()
	r.must(r.write(f, newBodyWriter()))
	r.tell(f, 0)
	r.done(r.receive(waiting, 1)...)
	if ran += 1 + len(r.drain()); ran != jobs {
		t.Errorf("%d jobs ran, want %d", ran, jobs)
	}
}

func TestSyncReturnsAfterTheOutcomesWereTold(t *testing.T) {
	t.Parallel()
	g := &gate{}
	r := newRig(t, Options{Durable: g.durable})
	p := r.attach(orders)
	r.append(p, "a", "b", "a", "c")
	jobs := r.take(3)
	r.done(jobs[0])
	r.finish(Outcome{Kind: Retry, Error: "refused"}, jobs[1])
	r.finish(Outcome{Kind: Release}, jobs[2])
	r.sync()
	want := []Durable{{orders, jobs[0].Offset, Done, 1}, {orders, jobs[1].Offset, Retry, 1}, {orders, jobs[2].Offset, Release, 0}}
	if len(g.told) != 3 || g.told[0] != want[0] || g.told[1] != want[1] || g.told[2] != want[2] {
		t.Errorf("told %v, want %v", g.told, want)
	}
}

func TestOutcomesAreToldBeforeTheFrontierMovesOverThem(t *testing.T) {
	t.Parallel()
	var p *Partition
	var at int64
	r := newRig(t, Options{Durable: func([]Durable) { at = p.Frontier() }})
	p = r.attach(orders)
	r.append(p, "a")
	r.sync()
	before := p.Frontier()
	r.done(r.take(1)...)
	r.sync()
	if at != before || p.Frontier() != before+1 {
		t.Errorf("frontier %d, then %d when told and %d after it", before, at, p.Frontier())
	}
}

func TestSyncWaitsForMoreThanTheFlushUnderWay(t *testing.T) {
	t.Parallel()
	g := &gate{}
	r := prepareRig(t, Options{Durable: g.durable}, standardLayout())
	r.manual = true
	r.open()
	r.append(r.attach(orders), "a", "b")
	jobs := r.take(2)
	r.done(jobs[0])
	f := r.gather()
	r.done(jobs[1])
	synced := make(chan error, 1)
	go func() { synced <- r.Sync(t.Context()) }()
	waiting := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.waiters) == 1
	}
	eventually(t, "Sync waits", waiting)
	r.must(r.write(f, newBodyWriter()))
	r.tell(f, 0)
	if !waiting() || len(g.told) != 1 {
		t.Errorf("Sync returned with %v told durable", g.told)
	}
	r.flush()
	r.must(<-synced)
	if len(g.told) != 2 {
		t.Errorf("told %v", g.told)
	}
}

func TestSyncEndsWithItsContext(t *testing.T) {
	t.Parallel()
	g := &gate{entered: make(chan struct{}, 1)}
	r := newRig(t, Options{Durable: g.durable})
	r.append(r.attach(orders), "a")
	r.done(r.take(1)...)
	g.mu.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	synced := make(chan error, 1)
	go func() { synced <- r.Sync(ctx) }()
	<-g.entered
	cancel()
	wantIs(t, "sync", <-synced, context.Canceled)
	g.mu.Unlock()
}
