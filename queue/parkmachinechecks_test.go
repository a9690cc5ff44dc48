package queue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// list compares the jobs that are told of with the model's.
func (m *parkMachine) list(t *rapid.T) {
	if m.flush != nil {
		m.flushAll(t)
	}
	m.flushAll(t)
	m.flushAll(t)
	var got []int64
	for from, more := int64(0), true; more; {
		var page []Pending
		var err error
		page, from, more, err = m.p.nextPage(from, m.next, m.p.gen)
		must(t, err)
		for _, seen := range page {
			got = append(got, seen.Offset)
			j := m.jobs[seen.Offset]
			k, known := m.parked[j.lane]
			parked := known && !k.released && m.running[seen.Offset] == nil
			halted := j.halted && m.leads(seen.Offset)
			if seen.Aside != j.aside || (seen.State == Parked) != parked || (seen.State == Halted) != halted || seen.Attempts != j.attempts {
				t.Fatalf("%+v, want %+v", seen, j)
			}
		}
	}
	if want := slices.Sorted(maps.Keys(m.jobs)); !slices.Equal(got, want) {
		t.Fatalf("listed %v, want %v", got, want)
	}
}

func (m *parkMachine) check(t *rapid.T) {
	s := m.p.State()
	if s.Frontier != m.frontier() || s.Next != m.next || s.Open != m.openJobs() || s.Halted != len(m.haltedJobs()) {
		t.Fatalf("it stands at %+v, want %d to %d with %d open of %+v", s, m.frontier(), m.next, m.openJobs(), m.parkModel)
	}
	aside, loading := 0, false
	for _, k := range m.parked {
		loading = loading || k.released && !k.loaded
	}
	for offset, j := range m.jobs {
		if j.aside && (!m.holds(j.lane) || m.running[offset] != nil) {
			aside++
		}
	}
	if s.Aside != aside && !loading { // a job that ran when its lane was parked may still be in memory
		t.Fatalf("%d jobs are aside and run, want %d of %+v", s.Aside, aside, m.parkModel)
	}
	m.checkMemory(t)
}

// checkFile reads the file as a program would that knows FORMAT.md only.
func (m *parkMachine) checkFile(t *rapid.T) {
	must(t, m.store.db.View(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, orders)
		if b == nil {
			return nil
		}
		r := formatReader{tx}
		open, err := r.partition(b)
		if err != nil {
			return err
		}
		aside, err := r.aside(b)
		if err != nil {
			return err
		}
		jobs := slices.Concat(open.jobs, aside.jobs)
		slices.SortFunc(jobs, func(a, b modelJob) int { return cmp.Compare(a.rec.Offset, b.rec.Offset) })
		if len(jobs) != len(m.file.jobs) || open.next != m.file.next {
			return fmt.Errorf("%d jobs below %d, want %+v", len(jobs), open.next, m.file)
		}
		for _, j := range jobs {
			want, ok := m.file.jobs[j.rec.Offset]
			isAside := open.job(j.rec.Offset) == nil
			rec, _ := m.record(j.rec.Offset)
			if !ok || want.aside != isAside || want.attempts != j.attempts || want.halted != j.halted || !sameRecord(&rec, &j.rec) {
				return fmt.Errorf("%+v, want %+v", j, want)
			}
		}
		for lane, k := range m.file.parked {
			name := modelLane{id: uint64(lane[0])}
			if len(lane) > 1 {
				name.own = true
				fmt.Sscanf(lane, "own %d", &name.id)
			}
			v, ok := aside.parked[name]
			if own := len(lane) > 1; ok != (!own || !k.released) || ok && v.Released != k.released {
				return fmt.Errorf("lane %q is %+v, want %+v", lane, v, k)
			}
			delete(aside.parked, name)
		}
		if len(aside.parked) > 0 {
			return fmt.Errorf("parked are %+v, want %+v", aside.parked, m.file.parked)
		}
		return nil
	}))
}
