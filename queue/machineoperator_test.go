package queue

import (
	"errors"
	"slices"

	"pgregory.net/rapid"
)

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
