package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
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

func (m *machine) append(t *rapid.T) {
	p := m.partition(t)
	if p == nil || p.next < 0 {
		return
	}
	n := rapid.IntRange(1, 12).Draw(t, "records")
	recs := make([]Record, n)
	set := p.completedElsewhere()
	for i := range recs {
		gap := rapid.SampledFrom([]int64{0, 0, 0, 0, 0, 1, 3, 2000}).Draw(t, "gap")
		recs[i] = drawRecord(t, p.next+gap, p.scheme)
		p.moveTo(recs[i].Offset + 1)
		if !set.has(recs[i].Offset) {
			p.jobs = append(p.jobs, modelJob{rec: cloneRecord(recs[i]), scheme: p.scheme})
			p.promote()
		}
	}
	p.touched = true
	must(t, errOf(p.handle.Append(recs)))
}

// drawRecord gives a key different lanes under different schemes.
func drawRecord(t *rapid.T, offset int64, scheme int) Record {
	r := Record{Offset: offset, Timestamp: rapid.Int64Range(-1, 3).Draw(t, "timestamp")}
	r.Key = rapid.SampledFrom([][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d"), {}, nil}).Draw(t, "key")
	r.Value = rapid.SampledFrom([][]byte{[]byte("short"), bytes.Repeat([]byte("."), 60), {}, nil}).Draw(t, "value")
	if len(r.Value) > 0 {
		r.Value = fmt.Appendf(r.Value[:len(r.Value):len(r.Value)], "%d", offset)
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "headers") {
		r.Headers = append(r.Headers, Header{
			rapid.SampledFrom([]string{"", "h", "trace"}).Draw(t, "header"),
			rapid.SampledFrom([][]byte{nil, {}, []byte("v")}).Draw(t, "header value"),
		})
	}
	switch {
	case r.Key == nil || rapid.IntRange(0, 9).Draw(t, "own") == 0:
		r.Lane.Own = true
		r.Lane.ID = 1
	case len(r.Key) == 0:
		r.Lane.Name = r.Key
	case scheme%2 == 0:
		r.Lane = Lane{ID: uint64(r.Key[0]), Name: r.Key}
	default:
		r.Lane = Lane{ID: uint64(r.Key[0] % 2), Name: fmt.Append(nil, r.Key[0]%2)}
	}
	return cloneRecord(r)
}

// expected returns the jobs that may start now, by partition, and how many of
// them the topics' limits let.
func (m *machine) expected() (jobs map[TopicPartition]map[int64]*modelJob, n int) {
	jobs = map[TopicPartition]map[int64]*modelJob{}
	now := m.clock.Now()
	for _, o := range []modelOutcomes{m.gathering, m.flying} {
		if !o.since.IsZero() && now.Sub(o.since) > maxUndurableAge {
			return jobs, 0
		}
	}
	ready, running := map[string]int{}, map[string]int{}
	for tp, p := range m.parts {
		jobs[tp] = p.startable(now)
		ready[tp.Topic] += len(jobs[tp])
		running[tp.Topic] += len(p.runs)
	}
	for topic, count := range ready {
		if limit := m.limits[topic]; limit > 0 {
			count = min(count, max(0, limit-running[topic]))
		}
		n += count
	}
	return jobs, n
}

func (m *machine) take(t *rapid.T) {
	want, n := m.expected()
	dst := make([]Job, rapid.IntRange(1, 6).Draw(t, "jobs"))
	if n == 0 {
		m.store.mu.Lock()
		defer m.store.mu.Unlock()
		if m.store.fill(dst, m.clock.Now()) > 0 {
			t.Fatalf("%s@%d started", dst[0].TopicPartition(), dst[0].Offset)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	got, err := m.store.Take(ctx, dst)
	if err != nil {
		t.Fatalf("take of %d jobs: %v, want %d of %v", len(dst), err, n, want)
	}
	if got != min(n, len(dst)) {
		t.Fatalf("took %d jobs of %d, want %d", got, len(dst), min(n, len(dst)))
	}
	for i := range dst[:got] {
		j := &dst[i]
		model := want[j.TopicPartition()][j.Offset]
		if model == nil {
			t.Fatalf("%s@%d started, which must not or has already", j.TopicPartition(), j.Offset)
		}
		delete(want[j.TopicPartition()], j.Offset)
		if j.Damaged != nil || !sameRecord(&j.Record, &model.rec) {
			t.Fatalf("%s came as %+v (%v), went as %+v", j.TopicPartition(), j.Record, j.Damaged, model.rec)
		}
		if j.Attempt != model.attempts+1 || j.LastError != model.err {
			t.Fatalf("%s@%d: attempt %d after %q, want %d after %q", j.TopicPartition(), j.Offset, j.Attempt, j.LastError, model.attempts+1, model.err)
		}
		if data, err := m.store.Checkpoint(j); err != nil || string(data) != model.checkpoint {
			t.Fatalf("%s@%d has the checkpoint %q (%v), want %q", j.TopicPartition(), j.Offset, data, err, model.checkpoint)
		}
		m.parts[j.TopicPartition()].runs[j.Offset] = &modelRun{j, laneOf(&model.rec), j.Run()}
	}
}

func (m *machine) finish(t *rapid.T) {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	var finished []Finished
	for range rapid.IntRange(1, 4).Draw(t, "outcomes") {
		if len(p.runs) == 0 {
			break
		}
		run := p.runs[rapid.SampledFrom(slices.Sorted(maps.Keys(p.runs))).Draw(t, "offset")]
		o := Outcome{Kind: rapid.SampledFrom([]Kind{Done, Done, Done, Done, Done, Done, Skipped, Retry, Retry, Release, Snooze, Halt}).Draw(t, "kind")}
		if o.Kind == Retry || o.Kind == Halt || o.Kind == Bury {
			o.Error = rapid.SampledFrom([]string{"", "refused"}).Draw(t, "error")
		}
		if o.Kind == Retry || o.Kind == Snooze {
			o.Guarded = o.Kind == Retry && rapid.IntRange(0, 4).Draw(t, "guarded") == 0
			o.Due = rapid.SampledFrom([]time.Time{{}, m.clock.Now(), m.clock.Now().Add(time.Second)}).Draw(t, "due")
		}
		finished = append(finished, Finished{run.job, o})
		if p.finish(run, o, m.clock.Now()) {
			m.outcome(p, run.job, o.Kind)
		}
	}
	must(t, m.store.Finish(finished...))
	must(t, m.store.Finish(finished...)) // a second time is void
}

// checkpoint keeps one for a run whose job counts; it is void for any other.
func (m *machine) checkpoint(t *rapid.T) {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	if len(p.runs) == 0 {
		return
	}
	offset := rapid.SampledFrom(slices.Sorted(maps.Keys(p.runs))).Draw(t, "offset")
	data := rapid.SampledFrom([]string{"", "half", "two thirds"}).Draw(t, "data")
	err := p.runs[offset].name.keep(offset, []byte(data))
	if !p.owned(offset) {
		if !errors.Is(err, ErrRunOver) {
			t.Fatalf("checkpoint of %s@%d, which is forgotten: %v", p.tp, offset, err)
		}
		return
	}
	must(t, err)
	p.job(offset).checkpoint, p.touched = data, true
}

func (m *machine) outcome(p *modelPartition, j *Job, kind Kind) {
	attempts := j.Attempt
	if kind == Release || kind == Snooze {
		attempts--
	}
	m.gathering.add(m.clock.Now(), Durable{p.tp, j.Offset, kind, attempts})
}

// flushStep is the next phase of a flush.
func (m *machine) flushStep(t *rapid.T) {
	switch {
	case m.flush == nil:
		m.flush, m.written = m.store.gather(), false
		for _, p := range m.order {
			p.gather()
		}
		m.guard.gather()
		m.flyingDead = m.gatherDead(m.flush.expiring)
		m.flying, m.gathering = m.gathering, modelOutcomes{}
	case !m.written:
		must(t, m.store.write(m.flush, newBodyWriter()))
		m.written = true
		for _, p := range m.order {
			p.write()
		}
		m.guard.write()
		m.checkFile(t)
		m.checkActs(t)
	default:
		m.store.tell(m.flush, 0)
		must(t, m.store.compactDrained())
		m.store.db.NoSync = true
		m.flush = nil
		m.tell(t)
	}
}

func (m *machine) flushAll(t *rapid.T) {
	m.flushStep(t)
	for m.flush != nil {
		m.flushStep(t)
	}
}

func (p *modelPartition) gather() {
	p.reset = false
	if p.touched {
		file := p.clone()
		file.known = file.next >= 0
		p.pending, p.touched = &file, false
		p.asked, p.answer = nil, p.asked
	}
}

func (p *modelPartition) write() {
	if p.pending != nil {
		p.file = p.pending.clone()
	}
	p.deadFile, p.burialsFile = p.deadFlying, p.burials
	if !p.file.known && len(p.deadFile) == 0 { // nothing of it is left
		p.burialsFile = 0
	}
}

// tell is the end of a flush: memory knows what the file holds.
func (m *machine) tell(t *rapid.T) {
	for _, p := range m.order {
		if p.pending == nil {
			continue
		}
		p.known = p.file.known
		if !p.reset {
			p.durable = p.file.frontier()
		}
		if p.answer != nil {
			got, want := <-p.answer, p.file.progress()
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("progress of %s is %+v, want %+v", p.tp, got, want)
			}
			p.answer = nil
		}
		p.pending = nil
	}
	if want := slices.Concat(m.flying.events, m.flyingDead); !slices.Equal(m.told, want) {
		t.Fatalf("told durable: %v, want %v", m.told, want)
	}
	m.flying, m.told = modelOutcomes{}, nil
}

func (m *machine) timePasses(t *rapid.T) {
	m.clock.advance(rapid.SampledFrom([]time.Duration{time.Millisecond, 600 * time.Millisecond, 2 * time.Minute}).Draw(t, "time"))
}

func (m *machine) leases(t *rapid.T) {
	until := rapid.SampledFrom([]time.Time{{}, m.clock.Now().Add(time.Second), Forever, Forever}).Draw(t, "until")
	m.setLease(rapid.SampledFrom(m.order).Draw(t, "partition"), until)
}

func (m *machine) setLease(p *modelPartition, until time.Time) {
	if p.handle == nil {
		return
	}
	p.handle.Lease(until)
	if p.attached && !p.away.IsZero() && !until.IsZero() {
		p.away, p.touched = time.Time{}, true
	}
	if p.attached {
		p.lease = until
	}
}

func (m *machine) limit(t *rapid.T) {
	topic := rapid.SampledFrom([]string{"orders", "bills"}).Draw(t, "topic")
	m.limits[topic] = rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "limit")
	m.store.LimitTopic(topic, m.limits[topic])
}

func (m *machine) configure(t *rapid.T) {
	if p := m.partition(t); p != nil {
		m.configurePartition(t, p, rapid.SampledFrom([]string{"by key", "by key", "by header"}).Draw(t, "scheme"))
	}
}

func (m *machine) configurePartition(t *rapid.T, p *modelPartition, scheme string) {
	if p.fingerprint != "" && p.fingerprint != scheme {
		p.scheme++
	}
	p.topicID, p.fingerprint, p.touched = "id", scheme, true
	must(t, p.handle.Configure("id", scheme))
}

func (m *machine) acknowledge(t *rapid.T) {
	if p := m.partition(t); p != nil && p.durable >= 0 {
		p.handle.Acknowledge(p.durable)
		p.acked, p.touched = p.durable, true
	}
}

func (m *machine) advanceTo(t *rapid.T) {
	if p := m.partition(t); p != nil && p.next >= 0 {
		offset := p.next + rapid.Int64Range(-2, 5).Draw(t, "distance")
		must(t, p.handle.AdvanceTo(offset))
		p.moveTo(offset)
		p.touched = true
	}
}

// elsewhere is what another owner has completed, below and above next.
func (m *machine) elsewhere(t *rapid.T) {
	p := m.partition(t)
	if p == nil || p.next < 0 {
		return
	}
	var set ranges
	at := max(0, p.frontier()-2)
	for range rapid.IntRange(1, 4).Draw(t, "ranges") {
		r := Range{From: at + rapid.Int64Range(0, 8).Draw(t, "open")}
		r.To = r.From + rapid.Int64Range(1, 8).Draw(t, "done")
		set, at = append(set, r), r.To+1
	}
	p.forget()
	must(t, p.handle.CompleteElsewhere(set))
	p.jobs = slices.DeleteFunc(p.jobs, func(j modelJob) bool { return set.has(j.rec.Offset) })
	all := map[int64]bool{}
	for _, r := range slices.Concat(set, p.completedElsewhere()) {
		for o := r.From; o < r.To; o++ {
			all[o] = true
		}
	}
	for all[p.next] {
		p.next++
	}
	var left ranges
	for _, o := range slices.Sorted(maps.Keys(all)) {
		if n := len(left); n > 0 && left[n-1].To == o {
			left[n-1].To++
		} else {
			left = append(left, Range{o, o + 1})
		}
	}
	p.elsewhere, p.touched = elsewhereFrom(left, p.next), true
	p.promote()
}

func (m *machine) progress(t *rapid.T) {
	p := m.partition(t)
	if p == nil || p.asked != nil {
		return
	}
	var err error
	p.asked, err = p.handle.ask()
	must(t, err)
	p.touched = true
}

// forgetPartition forgets one that is away, and leaves the others alone.
func (m *machine) forgetPartition(t *rapid.T) {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	away, err := m.store.Away()
	must(t, err)
	listed := slices.IndexFunc(away, func(a Away) bool { return a.TopicPartition == p.tp })
	inUse := m.store.parts[p.tp] != nil
	done, err := m.store.Forget(Away{TopicPartition: p.tp, detached: m.store.detached})
	must(t, err)
	if done == inUse {
		t.Fatalf("%s is in use: %v, forgotten: %v", p.tp, inUse, done)
	}
	if inUse {
		if listed >= 0 {
			t.Fatalf("%s is in use and listed as away", p.tp)
		}
		return
	}
	if p.file.known != (listed >= 0) || listed >= 0 && !away[listed].Since.Equal(p.file.away) {
		t.Fatalf("away is %+v, the file has %+v of %s", away, p.file, p.tp)
	}
	m.parts[p.tp].modelFile = modelFile{next: -1, acked: -1}
	p.active, p.durable, p.touched = 0, -1, true
	p.handle = m.store.parts[p.tp]
}

func (m *machine) replace(t *rapid.T) {
	p := m.partition(t)
	if p == nil {
		return
	}
	for _, j := range p.heads() {
		must(t, p.handle.Replace(cloneRecord(j.rec)))
		p.touched = true
	}
}

func (m *machine) skipTo(t *rapid.T) {
	p := m.partition(t)
	if p == nil || p.next < 0 {
		return
	}
	offset := rapid.Int64Range(p.frontier(), p.next+3).Draw(t, "offset")
	p.forget()
	must(t, p.handle.SkipTo(offset))
	p.jobs = slices.DeleteFunc(p.jobs, func(j modelJob) bool { return j.rec.Offset < offset })
	p.moveTo(offset)
	p.touched = true
	p.promote()
}

func (m *machine) reset(t *rapid.T) {
	p := m.partition(t)
	if p == nil {
		return
	}
	offset := rapid.Int64Range(max(0, p.frontier()-20), p.next+3).Draw(t, "offset")
	p.forget()
	must(t, p.handle.Reset(offset))
	p.jobs, p.elsewhere = nil, ""
	p.next, p.durable, p.acked = offset, -1, -1
	p.touched, p.reset = true, true
}

// operate draws a job, most often one that there is, and tells how it stands.
func (m *machine) operate(t *rapid.T) (*modelPartition, Pending) {
	p := m.partition(t)
	if p == nil || p.next < 0 {
		return nil, Pending{}
	}
	if len(p.jobs) == 0 || rapid.IntRange(0, 9).Draw(t, "below the frontier") == 0 {
		return p, Pending{Offset: p.frontier() - 1, gen: p.handle.gen}
	}
	seen := p.seen(rapid.IntRange(0, len(p.jobs)-1).Draw(t, "job"), m.clock.Now())
	if rapid.IntRange(0, 9).Draw(t, "outdated") == 0 {
		seen.Attempts++
	}
	return p, seen
}

func (m *machine) retryJob(t *rapid.T) {
	p, seen := m.operate(t)
	if p == nil {
		return
	}
	reset := rapid.Bool().Draw(t, "reset")
	m.operated(t, p, seen, Retried,
		func() (bool, error) { return p.handle.Retry(seen, reset) },
		func() (bool, error) { return p.retry(seen, reset, m.clock.Now()) })
}

func (m *machine) skipJob(t *rapid.T) {
	if p, seen := m.operate(t); p != nil {
		m.operated(t, p, seen, Skipped,
			func() (bool, error) { return p.handle.Skip(seen) },
			func() (bool, error) { return p.skip(seen, m.clock.Now()) })
	}
}

// operated compares what the store answered with what the model does.
func (m *machine) operated(t *rapid.T, p *modelPartition, seen Pending, kind Kind, store, model func() (bool, error)) {
	attempts := seen.Attempts
	got, err := store()
	changed, refusal := model()
	if got != changed || !errors.Is(err, refusal) {
		t.Fatalf("%v %s@%d, seen as %+v: %v, %v; want %v, %v", kind, p.tp, seen.Offset, seen, got, err, changed, refusal)
	}
	if !changed {
		return
	}
	p.touched = true
	if j := p.job(seen.Offset); j != nil {
		attempts = j.attempts
	}
	m.gathering.add(m.clock.Now(), Durable{p.tp, seen.Offset, kind, attempts})
}

// listJobs compares all jobs as they are listed, page by page, with the model.
func (m *machine) listJobs(t *rapid.T) {
	p := m.partition(t)
	if p == nil {
		return
	}
	if m.flush != nil {
		m.flushAll(t)
	}
	m.flushAll(t)
	from := rapid.Int64Range(0, max(0, p.next)).Draw(t, "from")
	var got, want []Pending
	for i := range p.jobs {
		if p.jobs[i].rec.Offset >= from {
			want = append(want, p.seen(i, m.clock.Now()))
		}
	}
	for from < p.next {
		offsets := p.handle.open.list(from, p.next, rapid.IntRange(1, 5).Draw(t, "page"))
		if len(offsets) == 0 {
			break
		}
		page, err := p.handle.page(offsets, p.handle.gen)
		must(t, err)
		got = append(got, page...)
		from = offsets[len(offsets)-1] + 1
	}
	if !slices.EqualFunc(got, want, samePending) {
		t.Fatalf("%s lists %+v, want %+v", p.tp, got, want)
	}
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

// check compares everything that can be seen.
func (m *machine) check(t *rapid.T) {
	pending := len(m.gathering.events) + len(m.flying.events)
	if u := m.store.Usage(); u.Pending != pending {
		t.Fatalf("%d outcomes pending, want %d", u.Pending, pending)
	}
	for _, p := range m.order {
		m.checkPartition(t, p)
	}
	m.checkMemory(t)
}

func (m *machine) checkPartition(t *rapid.T, p *modelPartition) {
	got := p.handle.State()
	want := State{
		Known: p.known, Frontier: p.frontier(), Next: p.next, Acknowledged: p.acked,
		TopicID: p.topicID, Scheme: p.fingerprint, Open: len(p.jobs), Halted: p.halted(),
	}
	if got != want {
		t.Fatalf("%s stands at %+v, want %+v", p.tp, got, want)
	}
	frontier := p.handle.Frontier()
	if frontier != p.durable {
		t.Fatalf("durable frontier of %s is %d, want %d", p.tp, frontier, p.durable)
	}
	if frontier > got.Frontier || frontier >= 0 && !p.reset && frontier > p.file.frontier() {
		t.Fatalf("durable frontier %d of %s is above that of memory, %d, or of the file, %d", frontier, p.tp, got.Frontier, p.file.frontier())
	}
	if n := p.handle.Running(); n != len(p.runs) {
		t.Fatalf("%d jobs of %s run, want %d", n, p.tp, len(p.runs))
	}
	p.handle.Room()
}

// checkMemory recounts what the budgets are kept by.
func (m *machine) checkMemory(t *rapid.T) {
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	var memory, fresh int64
	running := map[string]int{}
	for _, p := range s.parts {
		held, unwritten := int64(0), int64(0)
		for _, c := range p.chunks {
			held += c.bytes
			if !c.flushed {
				unwritten += c.bytes
			}
			if c.live < 0 || c.records == nil && c.bytes != 0 {
				t.Fatalf("%s: a chunk of %d bytes with %d open jobs and %d records", p.tp, c.bytes, c.live, len(c.records))
			}
		}
		if held != p.held || unwritten != p.unwritten {
			t.Fatalf("%s holds %d bytes, %d unwritten; counted %d and %d", p.tp, held, unwritten, p.held, p.unwritten)
		}
		checkWaits(t, p)
		memory += held
		fresh += unwritten
		running[p.tp.Topic] += p.running
	}
	if memory != s.memory || fresh != s.fresh {
		t.Fatalf("%d bytes held, of them %d fresh; counted %d and %d", memory, fresh, s.memory, s.fresh)
	}
	for name, topic := range s.topics {
		if topic.running != running[name] {
			t.Fatalf("%d jobs of %s run, counted %d", running[name], name, topic.running)
		}
	}
}

// checkPartitions compares which partitions the file lists.
func (m *machine) checkPartitions(t *rapid.T) {
	tps, err := m.store.Partitions()
	must(t, err)
	for tp, p := range m.parts {
		if want := p.file.known || len(p.deadFile) > 0; slices.Contains(tps, tp) != want {
			t.Fatalf("the file lists %v; %s is to be among them: %v", tps, tp, want)
		}
	}
}

// checkFile reads the file as a program would that knows FORMAT.md only.
func (m *machine) checkFile(t *rapid.T) {
	must(t, m.store.db.View(func(tx *bbolt.Tx) error {
		id, parts, err := readFormat(tx)
		if err != nil {
			return err
		}
		if err := m.checkGuard(tx); err != nil {
			return err
		}
		if id != m.store.Identity() {
			return fmt.Errorf("identity %+v, want %+v", id, m.store.Identity())
		}
		for tp, p := range m.parts {
			if err := errors.Join(sameFile(parts[tp], p.file), sameLetters(parts[tp].dead, p.deadFile)); err != nil {
				return fmt.Errorf("%s: %w", tp, err)
			}
		}
		return nil
	}))
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// copy copies the first size bytes of a file: behind them there is nothing yet.
func (m *machine) copy(t *rapid.T, path string, size int64) string {
	m.files++
	to := filepath.Join(m.dir, fmt.Sprint(m.files))
	src, err := os.Open(path)
	must(t, err)
	defer src.Close()
	dst, err := os.Create(to)
	must(t, err)
	_, err = io.Copy(dst, io.LimitReader(src, size))
	must(t, err)
	must(t, dst.Close())
	return to
}
