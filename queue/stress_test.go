package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// stress is a store under many goroutines, with what each lane has to do next.
type stress struct {
	t     *testing.T
	store *Store

	mu      sync.Mutex
	todo    map[string][]int64 // by lane: offsets in order; the first is next
	running map[string]bool
	done    int // told durable
	all     chan struct{}
}

const (
	stressPartitions = 3
	stressRecords    = 1500 // per partition
	stressLanes      = 20
)

func stressLane(tp TopicPartition, offset int64) string {
	return fmt.Sprint(tp, " ", offset*offset%stressLanes)
}

// TestManyGoroutinesShareAStore appends, takes, finishes, detaches and syncs at
// the same time. Every job completes once, in the order of its lane.
func TestManyGoroutinesShareAStore(t *testing.T) {
	t.Parallel()
	l := standardLayout()
	l.blockRows, l.bucketBytes, l.mergeRun, l.deadBytes, l.drainedFile = 16, 300, 3, 0, 1
	path := filepath.Join(t.TempDir(), FileName)
	must(t, Create(path, Identity{StoreID: "s"}))
	st := &stress{t: t, todo: map[string][]int64{}, running: map[string]bool{}, all: make(chan struct{})}
	s, err := open(path, Options{Flush: time.Millisecond, Memory: 32 << 10, Durable: st.durable}, l)
	must(t, err)
	go s.commitLoop()
	st.store = s
	s.LimitTopic("0", 3)

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { st.work(ctx) })
	}
	wg.Go(func() { st.look(ctx) })
	for i := range stressPartitions {
		wg.Go(func() { st.feed(ctx, TopicPartition{fmt.Sprint(i % 2), int32(i)}) })
	}
	select {
	case <-st.all:
	case <-time.After(5 * time.Minute):
		t.Error("not all jobs were done")
	}
	stop()
	wg.Wait()
	must(t, s.Close())
	s, err = Open(path, Options{})
	must(t, err)
	for i := range stressPartitions {
		p, err := s.Attach(TopicPartition{fmt.Sprint(i % 2), int32(i)})
		must(t, err)
		if state := p.State(); state.Open != 0 || state.Frontier != stressRecords {
			t.Errorf("left after all was done: %+v", state)
		}
	}
	must(t, s.Close())
}

func (st *stress) durable(events []Durable) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range events {
		if e.Kind == Done {
			st.done++
		}
	}
	if st.done == stressPartitions*stressRecords {
		close(st.all)
	}
}

// feed appends the records of one partition and lets go of it now and then.
func (st *stress) feed(ctx context.Context, tp TopicPartition) {
	p := st.attach(tp)
	for next := int64(0); next < stressRecords; {
		var recs []Record
		st.mu.Lock()
		for range min(1+rand.IntN(40), int(stressRecords-next)) {
			r := record(next, "")
			lane := stressLane(tp, next)
			r.Lane = Lane{ID: uint64(next * next % stressLanes), Name: []byte(lane)}
			recs = append(recs, r)
			st.todo[lane] = append(st.todo[lane], next)
			next++
		}
		st.mu.Unlock()
		st.check(errOf(p.Append(recs)))
		switch rand.IntN(8) {
		case 0:
			st.check(st.store.Sync(ctx))
		case 1:
			p.Lease(time.Time{})
			st.check(p.Idle(ctx))
			p.Lease(Forever)
		case 2:
			p.Detach()
			if rand.IntN(2) == 0 {
				st.check(st.store.Sync(ctx))
			}
			p = st.attach(tp)
		}
	}
}

func (st *stress) attach(tp TopicPartition) *Partition {
	p, err := st.store.Attach(tp)
	must(st.t, err)
	if p.State().Next < 0 {
		st.check(p.SetStart(0))
	}
	p.Lease(Forever)
	return p
}

func (st *stress) work(ctx context.Context) {
	for {
		jobs := make([]Job, 1+rand.IntN(8))
		n, err := st.store.Take(ctx, jobs)
		if err != nil {
			if ctx.Err() == nil {
				st.t.Error(err)
			}
			return
		}
		var finished []Finished
		for i := range jobs[:n] {
			finished = append(finished, Finished{&jobs[i], st.run(&jobs[i])})
		}
		st.mu.Lock()
		for _, f := range finished {
			lane := stressLane(f.Job.TopicPartition(), f.Job.Offset)
			if f.Outcome.Kind == Done {
				st.todo[lane] = st.todo[lane][1:]
			}
			st.running[lane] = false
		}
		st.mu.Unlock()
		st.check(st.store.Finish(finished...))
	}
}

func (st *stress) run(j *Job) Outcome {
	lane := stressLane(j.TopicPartition(), j.Offset)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.running[lane] || st.todo[lane][0] != j.Offset {
		st.t.Errorf("%s@%d started; lane running: %v, next: %d", j.TopicPartition(), j.Offset, st.running[lane], st.todo[lane][0])
	}
	if want := fmt.Sprintf("value %d", j.Offset); j.Damaged != nil || string(j.Value) != want {
		st.t.Errorf("%s@%d has the value %q, %v", j.TopicPartition(), j.Offset, j.Value, j.Damaged)
	}
	st.running[lane] = true
	switch rand.IntN(12) {
	case 0:
		return Outcome{Kind: Release}
	case 1:
		return Outcome{Kind: Retry, Due: time.Now().Add(time.Duration(rand.IntN(2000)) * time.Microsecond), Error: "refused"}
	}
	return Outcome{Kind: Done}
}

// look reads everything that may be read at any time.
func (st *stress) look(ctx context.Context) {
	for ctx.Err() == nil {
		u := st.store.Usage()
		if u.Memory < 0 || u.Pending < 0 {
			st.t.Errorf("usage %+v", u)
		}
		if _, err := st.store.Partitions(); err != nil {
			st.t.Error(err)
		}
		st.store.LimitTopic("1", rand.IntN(3))
		st.store.mu.Lock()
		var parts []*Partition
		for _, p := range st.store.parts {
			parts = append(parts, p)
		}
		st.store.mu.Unlock()
		for _, p := range parts {
			if f, s := p.Frontier(), p.State(); f > s.Frontier {
				st.t.Errorf("durable frontier %d above %d", f, s.Frontier)
			}
			p.Room()
			p.Running()
			p.Acknowledge(p.Frontier())
		}
	}
	st.store.LimitTopic("1", 0)
}

func (st *stress) check(err error) {
	if err != nil {
		st.t.Error(err)
	}
}
