package queue

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

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
		Resets: p.resets,
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
