package endtoend

import (
	"testing"
	"time"
)

// checkFlow checks that no partition stood still for a second while a member
// kept it. What the producer paused meanwhile, or the whole process, is not the
// group's doing and does not count.
func (f *fleet) checkFlow(t *testing.T, names ...string) {
	t.Helper()
	pauses := f.notes(t, feeder)
	var kept, counted, back, paused time.Duration
	for _, p := range pauses {
		paused = max(paused, p.Still)
	}
	for _, name := range names {
		notes := f.notes(t, name)
		stalls := ofKind("stall", notes)
		for _, n := range ofKind("still", notes) {
			counts := n.Still - max(overlap(n, pauses), overlap(n, stalls))
			kept, counted = max(kept, n.Still), max(counted, counts)
			if counts > time.Second {
				t.Errorf("%s kept partition %d and let it stand still for %v, %v of it by itself, until %v",
					name, n.Partition, n.Still, counts, n.Time)
			}
		}
		for _, n := range ofKind("back", notes) {
			if !f.ownedMeanwhile(t, n, name, names) {
				back = max(back, n.Still)
			}
		}
	}
	t.Logf("a partition stood still for at most %v while it was kept, %v of it by itself, and for %v while it was revoked and given back; the producer paused for at most %v",
		milliseconds(kept), milliseconds(counted), milliseconds(back), milliseconds(paused))
}

func milliseconds(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// ownedMeanwhile tells whether another member took the partition before it came
// back to this one.
func (f *fleet) ownedMeanwhile(t *testing.T, back note, name string, names []string) bool {
	t.Helper()
	for _, other := range names {
		if other == name {
			continue
		}
		for _, n := range ofKind("taken", f.notes(t, other)) {
			if n.Partition == back.Partition && n.Time.Before(back.Time) && n.Time.After(back.Time.Add(-back.Still)) {
				return true
			}
		}
	}
	return false
}

func ofKind(kind string, notes []note) []note {
	var list []note
	for _, n := range notes {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

// overlap is how much of the time that a partition stood still falls into
// pauses.
func overlap(still note, pauses []note) (total time.Duration) {
	begin := still.Time.Add(-still.Still)
	for _, p := range pauses {
		from, to := p.Time.Add(-p.Still), p.Time
		if begin.After(from) {
			from = begin
		}
		if still.Time.Before(to) {
			to = still.Time
		}
		total += max(0, to.Sub(from))
	}
	return total
}
