package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"
)

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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
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
	inUse, counted := m.store.parts[p.tp] != nil, m.store.Holding(p.tp).State.Parked
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
	if listed >= 0 && away[listed].State.Parked != counted {
		t.Fatalf("%d lanes of %s are parked, the file has %d", away[listed].State.Parked, p.tp, counted)
	}
	m.parts[p.tp].modelFile = modelFile{next: -1, acked: -1, ended: p.ended, buried: p.buried}
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
	p.resets++
}
