package inspect_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

const patience = 60 * time.Second

// morgue is a store in which every job was buried, or given up in another way, and
// what runs in it.
type morgue struct {
	t     *testing.T
	path  string
	clock *movedClock
	live  inspect.Live // nil: none
	*queue.Store
	operator inspect.Inspector
	stop     func() // ends the executor and the workers; may be called again

	mu   sync.Mutex
	runs map[string]int // of each job, since it was requeued
	dies func(queue.TopicPartition, int64) bool
	end  queue.Kind // of those that die again
	due  time.Duration
	last map[string]int64 // the last job of each lane that ran
}

// movedClock is the machine's clock, and what a test adds to it.
type movedClock struct {
	queue.SystemClock
	mu    sync.Mutex
	added time.Duration
}

func (c *movedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.added)
}

func (c *movedClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
}

// newMorgue buries n jobs in each of so many partitions of orders.
func newMorgue(t *testing.T, partitions int32, n int) *morgue {
	t.Helper()
	m := newStock(t, partitions, n, 100)
	m.giveUp(int(partitions)*n, queue.Bury)
	return m
}

// newStock has n jobs in each of so many partitions of orders, in lanes.
func newStock(t *testing.T, partitions int32, n, lanes int) *morgue {
	t.Helper()
	m := &morgue{t: t, path: filepath.Join(t.TempDir(), queue.FileName), clock: &movedClock{}, runs: map[string]int{}, stop: func() {}, end: queue.Bury, due: time.Hour}
	must(t, queue.Create(m.path, queue.Identity{StoreID: "s"}))
	m.open(partitions)
	for _, p := range m.Attached() {
		must(t, p.SetStart(0))
		m.append(p, n, lanes)
	}
	return m
}

func (m *morgue) append(p *queue.Partition, n, lanes int) {
	m.t.Helper()
	recs := make([]queue.Record, n)
	for i := range recs {
		key := fmt.Appendf(nil, "k%d", i%lanes)
		recs[i] = queue.Record{Offset: p.State().Next + int64(i), Timestamp: -1, Key: key, Lane: queue.Lane{ID: uint64(i % lanes), Name: key}}
	}
	must(m.t, errOf(p.Append(recs)))
}

// giveUp runs so many jobs in vain.
func (m *morgue) giveUp(left int, kind queue.Kind) {
	m.t.Helper()
	t := m.t
	for left > 0 {
		jobs := make([]queue.Job, 100)
		taken, err := m.Take(t.Context(), jobs)
		must(t, err)
		for i := range jobs[:taken] {
			reason := fmt.Sprintf("http 503: request %d", 100_000+jobs[i].Offset)
			must(t, m.Finish(queue.Finished{Job: &jobs[i], Outcome: queue.Outcome{Kind: kind, Error: reason}}))
		}
		left -= taken
	}
	must(t, m.Sync(t.Context()))
}

func (m *morgue) finishOne(o queue.Outcome) {
	m.t.Helper()
	job := make([]queue.Job, 1)
	if n, err := m.Take(m.t.Context(), job); n != 1 || err != nil {
		m.t.Fatal(n, err)
	}
	must(m.t, m.Finish(queue.Finished{Job: &job[0], Outcome: o}))
}

func (m *morgue) options() inspect.Options { return inspect.Options{Clock: m.clock, Live: m.live} }

func (m *morgue) open(partitions int32) {
	m.t.Helper()
	var err error
	m.Store, err = queue.Open(m.path, queue.Options{})
	must(m.t, err)
	m.t.Cleanup(func() { m.close() })
	m.operator = inspect.New(m.Store, m.options())
	for number := range partitions {
		m.hold(number)
	}
}

func (m *morgue) hold(number int32) {
	m.t.Helper()
	p, err := m.Attach(queue.TopicPartition{Topic: "orders", Partition: number})
	must(m.t, err)
	p.Lease(queue.Forever)
}

func (m *morgue) close() {
	m.stop()
	must(m.t, m.Store.Close())
}

// start lets a bridge run: stored operations are executed, and jobs.
func (m *morgue) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var ends sync.WaitGroup
	ends.Go(func() { m.execution(ctx) })
	ends.Go(func() { m.work(ctx) })
	m.stop = func() { cancel(); ends.Wait() }
}

// execution executes stored operations until ctx ends.
func (m *morgue) execution(ctx context.Context) {
	if err := inspect.ExecuteStored(ctx, m.Store, m.options()); err != nil {
		m.t.Error(err)
	}
}

// executes lets stored operations be executed, and no job run.
func (m *morgue) executes(with func(context.Context) context.Context) {
	ctx, cancel := context.WithCancel(context.Background())
	var ends sync.WaitGroup
	ends.Go(func() { m.execution(with(ctx)) })
	m.stop = func() { cancel(); ends.Wait() }
}

func (m *morgue) work(ctx context.Context) {
	for jobs := make([]queue.Job, 10); ; {
		n, err := m.Take(ctx, jobs)
		if err != nil {
			return
		}
		for i := range jobs[:n] {
			j := &jobs[i]
			m.mu.Lock()
			m.runs[fmt.Sprintf("%s@%d", j.TopicPartition(), j.Offset)]++
			dies := m.dies != nil && m.dies(j.TopicPartition(), j.Offset)
			m.mu.Unlock()
			o := queue.Outcome{Kind: queue.Done}
			if dies {
				o = queue.Outcome{Kind: m.end, Error: "again", Due: m.clock.Now().Add(m.due)}
			}
			if err := m.Finish(queue.Finished{Job: j, Outcome: o}); err != nil {
				return
			}
		}
	}
}

func (m *morgue) plan(c inspect.Command) inspect.Plan {
	m.t.Helper()
	p, err := m.operator.Plan(m.t.Context(), c)
	must(m.t, err)
	return p
}

func (m *morgue) execute(p inspect.Plan) inspect.Operation {
	m.t.Helper()
	op, err := m.operator.Execute(inspect.As(m.t.Context(), "uid 7 (eva)"), p)
	must(m.t, err)
	return op
}

// operation waits until one of that id is as it should be.
func (m *morgue) operation(id string, is func(inspect.BulkOperation) bool) inspect.BulkOperation {
	m.t.Helper()
	var last inspect.BulkOperation
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		list, err := m.operator.Operations(m.t.Context())
		must(m.t, err)
		for _, op := range list {
			if last = op; op.ID == id && is(op) {
				return op
			}
		}
	}
	m.t.Fatalf("operation %s is not as it should be: %+v", id, last)
	return last
}

// put stores an operation as it is.
func (m *morgue) put(op queue.Operation) {
	m.t.Helper()
	_, err := m.PutOperation(op)
	must(m.t, err)
}

// executeOverRestarts executes a command of 3,000 in two partitions, with four
// restarts on the way, and returns what came of it.
func (m *morgue) executeOverRestarts(c inspect.Command) inspect.BulkOperation {
	m.t.Helper()
	id := m.execute(m.plan(c)).Stored.ID
	for _, taken := range []int{300, 900, 1500, 2200} {
		m.start()
		m.operation(id, func(op inspect.BulkOperation) bool { return op.Taken >= taken })
		m.close()
		m.open(2)
	}
	m.start()
	return m.operation(id, settled)
}

func settled(op inspect.BulkOperation) bool {
	return op.State != inspect.OperationRunning && op.Waiting == 0
}

func (m *morgue) letters() (n int) {
	m.t.Helper()
	for _, err := range m.operator.Dead(m.t.Context(), inspect.DeadQuery{}) {
		must(m.t, err)
		n++
	}
	return n
}

// wantRuns is how many jobs have run once, none more often.
func (m *morgue) wantRuns(want int) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, n := range m.runs {
		if n != 1 {
			m.t.Errorf("%s ran %d times", name, n)
		}
	}
	if len(m.runs) != want {
		m.t.Errorf("%d jobs ran, want %d", len(m.runs), want)
	}
}

func requeueOrders(rate float64) inspect.Command {
	return inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders"}, Rate: rate}
}
