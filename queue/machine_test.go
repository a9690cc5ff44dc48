package queue

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// machine drives a store and the model through the same operations. The store
// has no committer: the phases of a flush are operations of their own, so that
// everything else, a crash too, can come between them.
type machine struct {
	dir   string
	files int
	clock *fakeClock
	opt   Options
	store *Store

	parts  map[TopicPartition]*modelPartition
	order  []*modelPartition
	limits map[string]int
	guard  modelGuard // of orders
	policy DeadPolicy // of the dead letters of orders

	flush      *flush
	written    bool
	gathering  modelOutcomes
	flying     modelOutcomes
	flyingDead []Durable // what becomes of dead letters
	told       []Durable // by the store
}

// modelOutcomes are outcomes on their way to the file.
type modelOutcomes struct {
	events []Durable
	since  time.Time
}

func (o *modelOutcomes) add(now time.Time, event Durable) {
	if len(o.events) == 0 {
		o.since = now
	}
	o.events = append(o.events, event)
}

func TestStoreBehavesAsItsModel(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), FileName)
	if err := Create(template, Identity{Cluster: "c", Group: "g", StoreID: "s"}); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(rt, t.TempDir(), template)
		defer func() { m.store.db.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"":              m.check,
			"append":        m.append,
			"append more":   m.append,
			"take":          m.take,
			"take more":     m.take,
			"finish":        m.finish,
			"finish more":   m.finish,
			"checkpoint":    m.checkpoint,
			"flush step":    m.flushStep,
			"flush":         m.flushAll,
			"time passes":   m.timePasses,
			"lease":         m.leases,
			"limit":         m.limit,
			"configure":     m.configure,
			"acknowledge":   m.acknowledge,
			"advance to":    m.advanceTo,
			"elsewhere":     m.elsewhere,
			"progress":      m.progress,
			"forget":        m.forgetPartition,
			"guard":         m.setGuard,
			"replace":       m.replace,
			"skip to":       m.skipTo,
			"reset":         m.reset,
			"retry a job":   m.retryJob,
			"skip a job":    m.skipJob,
			"bury a job":    m.buryJob,
			"dead letters":  m.deadLetters,
			"list dead":     m.listDead,
			"list jobs":     m.listJobs,
			"detach":        m.detach,
			"attach":        m.attach,
			"close, reopen": m.reopen,
			"crash":         m.crash,
		})
	})
}

func newMachine(t *rapid.T, dir, template string) *machine {
	m := &machine{dir: dir, clock: newFakeClock(), parts: map[TopicPartition]*modelPartition{}, limits: map[string]int{}}
	m.opt = Options{
		Memory:  rapid.SampledFrom([]int64{1, 3000, 0}).Draw(t, "memory"),
		Durable: func(d []Durable) { m.told = append(m.told, d...) },
		Clock:   m.clock,
	}
	m.policy = DeadPolicy{
		Keep:   rapid.SampledFrom([]time.Duration{0, time.Second, 3 * time.Minute}).Draw(t, "keep"),
		Outbox: rapid.Bool().Draw(t, "outbox"),
	}
	m.opt.DeadLetters = func(topic string) DeadPolicy {
		if topic == "orders" {
			return m.policy
		}
		return DeadPolicy{}
	}
	for _, tp := range []TopicPartition{{"orders", 0}, {"orders", 1}, {"bills", 0}} {
		m.parts[tp] = newModelPartition(tp)
		m.order = append(m.order, m.parts[tp])
	}
	m.open(t, m.copy(t, template, 1<<20))
	for _, p := range m.order {
		m.attachPartition(t, p)
		m.setLease(p, Forever)
	}
	return m
}

func (m *machine) open(t *rapid.T, path string) {
	m.clock.timers = nil
	l := layout{
		blockBytes:   rapid.SampledFrom([]int64{100, 500, 512 << 10}).Draw(t, "blockBytes"),
		blockRows:    rapid.SampledFrom([]int32{1, 3, 4096}).Draw(t, "blockRows"),
		bucketBytes:  rapid.SampledFrom([]int64{0, 200, 16 << 10}).Draw(t, "bucketBytes"),
		mergeRun:     rapid.SampledFrom([]int{2, 3, 16}).Draw(t, "mergeRun"),
		deadBytes:    rapid.SampledFrom([]int64{0, 500, 1 << 30}).Draw(t, "deadBytes"),
		rewriteBytes: rapid.SampledFrom([]int64{200, 4 << 20}).Draw(t, "rewriteBytes"),
		drainedFile:  rapid.SampledFrom([]int64{1, 1 << 30}).Draw(t, "drainedFile"),
		drainedInUse: 1 << 30,
	}
	s, err := open(path, m.opt, l)
	must(t, err)
	s.db.NoSync = true
	m.store, m.flush, m.written = s, nil, false
	m.guard.gathering, m.guard.flying = nil, nil
	m.gathering, m.flying, m.told = modelOutcomes{}, modelOutcomes{}, nil
	for topic, limit := range m.limits {
		s.LimitTopic(topic, limit)
	}
	for _, p := range m.order {
		p.reload()
	}
	m.checkPartitions(t)
	m.checkFile(t)
}

// partition draws an attached partition, or nil.
func (m *machine) partition(t *rapid.T) *modelPartition {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	if !p.attached {
		return nil
	}
	return p
}

func (m *machine) detach(t *rapid.T) {
	if p := m.partition(t); p != nil {
		p.handle.Detach()
		p.attached, p.lease, p.touched = false, time.Time{}, true
		p.away = m.clock.Now()
	}
}

func (m *machine) attach(t *rapid.T) {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	if p.attached {
		if _, err := m.store.Attach(p.tp); err == nil {
			t.Fatalf("%s was attached twice", p.tp)
		}
		return
	}
	m.attachPartition(t, p)
	m.setLease(p, Forever)
}

func (m *machine) attachPartition(t *rapid.T, p *modelPartition) {
	h, err := m.store.Attach(p.tp)
	must(t, err)
	p.handle, p.attached = h, true
	if p.next < 0 {
		m.configurePartition(t, p, "by key")
		p.next = rapid.Int64Range(0, 1500).Draw(t, "start")
		must(t, h.SetStart(p.next))
	}
}

func (m *machine) attachAll(t *rapid.T) {
	for _, p := range m.order {
		m.attachPartition(t, p)
		m.setLease(p, Forever)
	}
}

// reopen is a planned stop and a start.
func (m *machine) reopen(t *rapid.T) {
	if m.flush != nil {
		m.flushAll(t)
	}
	m.told = nil
	expiring := m.store.expireDue || len(m.store.deadChanges) > 0
	go m.store.commitLoop()
	must(t, m.store.Close())
	want := slices.Concat(m.gathering.events, m.gatherDead(expiring))
	if !slices.Equal(m.told, want) {
		t.Fatalf("told durable at the close: %v, want %v", m.told, want)
	}
	if _, err := m.store.Take(context.Background(), make([]Job, 1)); !errors.Is(err, ErrClosed) {
		t.Fatalf("take from a closed store: %v", err)
	}
	for _, p := range m.order {
		p.gather()
		p.write()
	}
	m.guard.gather()
	m.guard.write()
	m.open(t, m.store.path)
	m.attachAll(t)
}

// crash abandons the store and goes on with the file as it is.
func (m *machine) crash(t *rapid.T) {
	old := m.store
	var size int64
	must(t, old.db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	}))
	m.open(t, m.copy(t, old.path, size))
	must(t, old.db.Close())
	m.attachAll(t)
}
