package queue

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// requeueMachine buries, requeues and discards the jobs of one partition, with
// the phases of a flush as operations of their own. Its model is where each job
// is.
type requeueMachine struct {
	*machine    // for its files and its clock
	p           *Partition
	next        int64
	jobs        map[int64]modelPlace // as memory has them
	flying      map[int64]modelPlace
	file        map[int64]modelPlace
	runs        map[int64]*Job
	acts        []modelRequeue
	agains      []modelAgain
	againFlying int // of them, in the flush under way
	burials     uint64
	written     uint64 // burials in the file
}

type modelPlace struct {
	where    where
	attempts int
	halted   bool
	number   uint64 // of a dead one; zero until it is gathered
	rerun    Rerun
}

type where string

const (
	isOpen  where = "open"
	isAside where = "aside"
	comes   where = "coming" // aside in the flush under way, and not in its lane yet
	isDead  where = "dead"
	isGone  where = "gone"
)

// modelRequeue is a requeue, or a discard, for the next flush.
type modelRequeue struct {
	offset         int64
	number         uint64
	discard, reset bool
	store          *deadAct
}

// modelAgain is a record that is to run again with the next flush.
type modelAgain struct {
	offset int64
	rerun  Rerun
	store  *againAct
	done   bool // as the model has it
}

func TestRequeueBehavesAsItsModel(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), FileName)
	if err := Create(template, Identity{Cluster: "c", Group: "g", StoreID: "s"}); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := &requeueMachine{
			machine: &machine{dir: t.TempDir(), clock: newFakeClock()},
			jobs:    map[int64]modelPlace{}, file: map[int64]modelPlace{}, runs: map[int64]*Job{},
		}
		m.opt = Options{Clock: m.clock, Memory: rapid.SampledFrom([]int64{1, 0}).Draw(rt, "memory")}
		m.start(rt, m.copy(rt, template, 1<<20))
		defer func() { m.store.db.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"":           m.check,
			"append":     m.append,
			"take":       m.take,
			"take more":  m.take,
			"finish":     m.finish,
			"requeue":    m.requeue,
			"run again":  m.runAgain,
			"flush step": m.flushStep,
			"flush": func(t *rapid.T) {
				for m.flushStep(t); m.flush != nil; {
					m.flushStep(t)
				}
			},
			"crash": func(t *rapid.T) {
				old := m.store
				var size int64
				must(t, old.db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil }))
				m.start(t, m.copy(t, old.path, size))
				must(t, old.db.Close())
			},
		})
	})
}

func (m *requeueMachine) start(t *rapid.T, path string) {
	m.open(t, path)
	p, err := m.store.Attach(orders)
	must(t, err)
	p.Lease(Forever)
	if p.State().Next < 0 {
		must(t, p.Configure("id", "scheme"))
		must(t, p.SetStart(0))
	}
	m.p, m.next, m.burials, m.acts = p, p.State().Next, m.written, nil
	m.agains, m.againFlying = nil, 0
	m.jobs, m.runs = maps.Clone(m.file), map[int64]*Job{}
	m.arrive()
}

// arrive puts what came back into its lane.
func (m *requeueMachine) arrive() {
	for offset, j := range m.jobs {
		if j.where == comes {
			j.where = isAside
			m.jobs[offset] = j
		}
	}
}

func laneName(offset int64) string { return []string{"a", "b", "c", ""}[offset%4] }

func (m *requeueMachine) append(t *rapid.T) {
	n := rapid.IntRange(1, 5).Draw(t, "records")
	recs := make([]Record, n)
	for i := range recs {
		recs[i] = record(m.next, laneName(m.next))
		m.jobs[m.next] = modelPlace{where: isOpen}
		m.next++
	}
	must(t, errOf(m.p.Append(recs)))
}

// startable returns the jobs that may start: the first of each lane that has no
// run, if it is not halted.
func (m *requeueMachine) startable() (list []int64) {
	busy := map[string]bool{}
	for offset := range m.runs {
		busy[laneName(offset)] = true
	}
	for _, offset := range slices.Sorted(maps.Keys(m.jobs)) {
		j, lane := m.jobs[offset], laneName(offset)
		if lane == "" {
			lane = fmt.Sprint(offset)
			busy[lane] = m.runs[offset] != nil
		}
		if j.where != isOpen && j.where != isAside || busy[lane] {
			continue
		}
		if busy[lane] = true; !j.halted {
			list = append(list, offset)
		}
	}
	return list
}

func (m *requeueMachine) take(t *rapid.T) {
	want := m.startable()
	dst := make([]Job, rapid.IntRange(1, 4).Draw(t, "jobs"))
	m.store.mu.Lock()
	n := m.store.fill(dst, m.clock.Now())
	m.store.mu.Unlock()
	if n != min(len(dst), len(want)) {
		t.Fatalf("took %d of %d jobs, want of %v", n, len(dst), want)
	}
	if got, err := m.store.warmAll(dst[:n]); err != nil || got != n {
		t.Fatalf("%d of %d jobs are to run: %v", got, n, err)
	}
	for i := range dst[:n] {
		j := &dst[i]
		model, known := m.jobs[j.Offset]
		if !slices.Contains(want, j.Offset) || !known || j.Attempt != model.attempts+1 || j.Rerun != model.rerun || string(j.Value) != fmt.Sprintf("value %d", j.Offset) || j.Damaged != nil {
			t.Fatalf("took %+v, want one of %v, attempt %d and rerun %d", j, want, model.attempts+1, model.rerun)
		}
		m.runs[j.Offset] = j
	}
}

func (m *requeueMachine) finish(t *rapid.T) {
	if len(m.runs) == 0 {
		return
	}
	offset := rapid.SampledFrom(slices.Sorted(maps.Keys(m.runs))).Draw(t, "offset")
	run, j := m.runs[offset], m.jobs[offset]
	o := Outcome{Kind: rapid.SampledFrom([]Kind{Bury, Bury, Bury, Done, Retry, Release, Halt}).Draw(t, "kind")}
	must(t, m.store.Finish(Finished{run, o}))
	delete(m.runs, offset)
	switch o.Kind {
	case Done:
		j.where = isGone
	case Bury:
		j.where, j.attempts = isDead, run.Attempt
	case Retry, Halt:
		j.attempts, j.halted = run.Attempt, o.Kind == Halt
	}
	m.jobs[offset] = j
}

// requeue asks for the requeue or discard of letters of the file, some of which
// are letters no more.
func (m *requeueMachine) requeue(t *rapid.T) {
	var dead []int64
	for _, offset := range slices.Sorted(maps.Keys(m.file)) {
		if m.file[offset].where == isDead {
			dead = append(dead, offset)
		}
	}
	for range min(len(dead), rapid.IntRange(1, 4).Draw(t, "letters")) {
		offset := rapid.SampledFrom(dead).Draw(t, "letter")
		a := modelRequeue{offset: offset, number: m.file[offset].number, reset: rapid.Bool().Draw(t, "reset")}
		a.discard = rapid.IntRange(0, 4).Draw(t, "discard") == 0
		act, may := deadAct{kind: Requeued, do: (*deadTable).requeue, reset: a.reset}, m.store.mayRequeue
		if a.discard {
			act, may = deadAct{kind: Discarded, do: (*deadTable).remove}, nil
		}
		acts := newDeadActs(act, []DeadRef{{orders, a.offset, a.number}})
		must(t, m.store.submit(may, acts))
		if acts[0].refused != nil {
			t.Fatalf("%d is refused: %v", offset, acts[0].refused)
		}
		a.store = acts[0]
		m.acts = append(m.acts, a)
	}
}

// runAgain wants jobs of records, whatever has become of these.
func (m *requeueMachine) runAgain(t *rapid.T) {
	recs := Again{TopicPartition: orders, TopicID: "id", Scheme: "scheme", Rerun: Rerun(rapid.IntRange(0, 2).Draw(t, "rerun"))}
	for range rapid.IntRange(1, 4).Draw(t, "records") {
		offset := rapid.Int64Range(0, m.next).Draw(t, "offset")
		recs.Records = append(recs.Records, record(offset, laneName(offset)))
	}
	a := &again{Again: recs, acts: make([]againAct, len(recs.Records))}
	for i := range recs.Records {
		a.acts[i].rec = &recs.Records[i]
	}
	must(t, m.store.submitAgain(a))
	for i := range a.acts {
		offset := a.acts[i].rec.Offset
		where := m.jobs[offset].where
		if refused := offset == m.next || where == isOpen || where == isAside; refused != (a.acts[i].refused != nil) {
			t.Fatalf("%d is %s: %v", offset, where, a.acts[i].refused)
		} else if !refused {
			m.agains = append(m.agains, modelAgain{offset: offset, rerun: recs.Rerun, store: &a.acts[i]})
		}
	}
}

func (m *requeueMachine) flushStep(t *rapid.T) {
	switch {
	case m.flush == nil:
		m.flush, m.machine.written = m.store.gather(), false
		m.gatherPlaces()
	case !m.machine.written:
		must(t, m.store.write(m.flush, newBodyWriter()))
		m.machine.written = true
		for _, a := range m.agains[:m.againFlying] {
			if a.store.done != a.done || a.done != (a.store.refused == nil) {
				t.Fatalf("%d again: %v, %v, want %v", a.offset, a.store.done, a.store.refused, a.done)
			}
		}
		m.agains, m.againFlying = m.agains[m.againFlying:], 0
		m.file, m.written = m.flying, m.burials
		m.checkPlaces(t)
	default:
		m.store.tell(m.flush, 0)
		m.flush = nil
		m.arrive()
	}
}

// gatherPlaces gives burials their numbers, in the order of Store.deadChanges,
// which is that of their ends: the file tells them.
func (m *requeueMachine) gatherPlaces() {
	for _, c := range m.flush.dead {
		for _, b := range c.burials {
			m.burials++
			j := m.jobs[b.offset]
			j.number = m.burials
			m.jobs[b.offset] = j
		}
	}
	for _, a := range m.acts {
		j := m.jobs[a.offset]
		if j.where != isDead || j.number != a.number {
			continue
		}
		j.where, j.halted = comes, false
		if a.discard {
			j.where = isGone
		}
		if a.reset {
			j.attempts = 0
		}
		m.jobs[a.offset] = j
	}
	m.acts = nil
	for i := range m.agains {
		a := &m.agains[i]
		if m.jobs[a.offset].where == isGone {
			m.jobs[a.offset] = modelPlace{where: comes, rerun: a.rerun}
			a.done = true
		}
	}
	m.againFlying = len(m.agains)
	m.flying = maps.Clone(m.jobs)
}

// checkPlaces finds every job of the file where it is to be, and nowhere else.
func (m *requeueMachine) checkPlaces(t *rapid.T) {
	must(t, Verify(m.store.db, true, func(d *DamageError) { t.Fatal(d) }))
	must(t, m.store.db.View(func(tx *bbolt.Tx) error {
		_, parts, err := readFormat(tx)
		if err != nil {
			return err
		}
		for _, o := range parts[orders].overtaken {
			if m.file[o.done].where == isOpen {
				return fmt.Errorf("%d is said to be done, and is open", o.done)
			}
		}
		got := map[int64][]where{}
		for _, j := range parts[orders].jobs {
			got[j.rec.Offset] = append(got[j.rec.Offset], isOpen)
		}
		for _, l := range parts[orders].dead {
			got[l.rec.Offset] = append(got[l.rec.Offset], isDead)
			if l.number != m.file[l.rec.Offset].number {
				return fmt.Errorf("letter %d has number %d, want %d", l.rec.Offset, l.number, m.file[l.rec.Offset].number)
			}
		}
		if aside, ok := openAside(partitionBucket(tx, orders)); ok {
			_ = aside.jobs.ForEach(func(key, _ []byte) error {
				got[mustOffset(key)] = append(got[mustOffset(key)], isAside)
				return nil
			})
		}
		for offset, j := range m.file {
			want := []where{j.where}
			switch j.where {
			case comes:
				want[0] = isAside
			case isGone:
				want = nil
			}
			if !slices.Equal(got[offset], want) {
				return fmt.Errorf("%d is %v, want %v", offset, got[offset], want)
			}
		}
		return nil
	}))
}

func (m *requeueMachine) check(t *rapid.T) {
	open, aside, frontier := 0, 0, m.next
	for offset, j := range m.jobs {
		switch j.where {
		case isOpen:
			open++
			frontier = min(frontier, offset)
		case isAside:
			aside++
		}
	}
	if s := m.p.State(); s.Open != open || s.Aside != aside || s.Frontier != frontier {
		t.Fatalf("stands at %+v, want %d open, %d aside, frontier %d", s, open, aside, frontier)
	}
	letters := 0
	for _, j := range m.file {
		if j.where == isDead {
			letters++
		}
	}
	if c := m.store.DeadCounts(); m.flush == nil && (len(c) > 0) != (letters > 0) || m.flush == nil && letters > 0 && c[0].Letters != letters {
		t.Fatalf("counts %+v, want %d", c, letters)
	}
}
