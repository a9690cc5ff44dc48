package queue

import (
	"slices"

	"pgregory.net/rapid"
)

// What the machine does to dead letters.

func (m *machine) buryJob(t *rapid.T) {
	if p, seen := m.operate(t); p != nil {
		m.operated(t, p, seen, Bury,
			func() (bool, error) { return p.handle.Bury(seen, "agreed") },
			func() (bool, error) { return p.buryJob(seen, "agreed", m.clock.Now()) })
	}
}

// deadLetters discards letters, or says that they are sent, of any partition:
// some that there are, some that there were.
func (m *machine) deadLetters(t *rapid.T) {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	for range rapid.IntRange(1, 3).Draw(t, "letters") {
		ref := DeadRef{TopicPartition: p.tp, Offset: 3, Number: uint64(rapid.IntRange(1, 9).Draw(t, "number"))}
		if len(p.deadFile) > 0 {
			l := rapid.SampledFrom(p.deadFile).Draw(t, "letter")
			ref.Offset, ref.Number = l.rec.Offset, l.number
		} else {
			ref.Number += 1 << 30
		}
		act := deadAct{do: (*deadTable).sent}
		if rapid.Bool().Draw(t, "discard") {
			act = deadAct{kind: Discarded, do: (*deadTable).remove}
		}
		acts := newDeadActs(act, []DeadRef{ref})
		must(t, m.store.submit(nil, acts))
		p.acts = append(p.acts, modelAct{ref.Number, act.kind, acts[0]})
	}
}

// gatherDead is the share of dead letters in a flush: burials, acts, and the end
// of those whose time is over. It returns what is to be told behind the outcomes.
func (m *machine) gatherDead(expiring bool) (told []Durable) {
	byName := slices.SortedFunc(slices.Values(m.order), func(a, b *modelPartition) int { return a.tp.compare(b.tp) })
	for _, p := range byName {
		told = append(told, p.gatherDead(m.opt.DeadLetters(p.tp.Topic))...)
	}
	pinned := map[*modelPartition]bool{}
	for expiring && m.policy.Keep > 0 {
		var from *modelPartition
		for _, p := range byName {
			if p.tp.Topic != "orders" || len(p.dead) == 0 || pinned[p] {
				continue
			}
			if from == nil || p.dead[p.oldest()].buried.Before(from.dead[from.oldest()].buried) {
				from = p
			}
		}
		if from == nil {
			break
		}
		i := from.oldest()
		l := from.dead[i]
		if m.clock.Now().Sub(l.buried) < m.policy.Keep {
			break
		}
		if m.policy.Outbox && l.unsent {
			pinned[from] = true
			continue
		}
		from.dead = slices.Delete(slices.Clone(from.dead), i, i+1)
		told = append(told, Durable{from.tp, l.rec.Offset, Expired, l.attempts})
	}
	for _, p := range m.order {
		p.deadFlying = slices.Clone(p.dead)
	}
	return told
}

// checkActs compares what the store says that it did: a letter goes once.
func (m *machine) checkActs(t *rapid.T) {
	gone := map[DeadRef]bool{}
	for _, c := range m.flush.dead {
		for _, a := range c.acts {
			if a.done && (gone[a.ref] || a.kind == 0) {
				t.Fatalf("%s number %d is discarded once more", a.ref, a.ref.Number)
			}
			gone[a.ref] = gone[a.ref] || a.done
		}
	}
}

// listDead compares what is listed, with its records, with the file.
func (m *machine) listDead(t *rapid.T) {
	p := rapid.SampledFrom(m.order).Draw(t, "partition")
	var got []modelDead
	for at := deadKey(0, 0); at != nil; {
		page, next, err := m.store.deadPage(p.tp, at)
		must(t, err)
		for _, l := range page {
			l, found, err := m.store.DeadLetter(l.DeadRef)
			must(t, err)
			if !found || l.Damaged != nil {
				t.Fatalf("dead letter %+v is listed: %v", l, l.Damaged)
			}
			got = append(got, modelDead{l.Record, l.Number, l.Buried, l.Operator, l.Reason, l.TopicID, l.Attempts, l.Error, l.Unsent})
		}
		at = next
	}
	if !slices.IsSortedFunc(got, func(a, b modelDead) int { return int(a.rec.Offset - b.rec.Offset) }) {
		t.Fatalf("listed by other than offsets: %+v", got)
	}
	slices.SortFunc(got, func(a, b modelDead) int { return int(a.number) - int(b.number) })
	must(t, sameLetters(got, p.deadFile))
	unsent, err := m.store.Unsent(p.tp, 1000, 1<<30)
	must(t, err)
	want := slices.DeleteFunc(got, func(l modelDead) bool { return !l.unsent })
	if !slices.EqualFunc(unsent, want, func(l DeadLetter, w modelDead) bool { return l.Number == w.number && sameRecord(&l.Record, &w.rec) }) {
		t.Fatalf("unsent of %s: %+v, want %+v", p.tp, unsent, want)
	}
}
