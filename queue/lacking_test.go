package queue

import "testing"

func TestLackingCountsWhatIsOpenOrUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "c", "d")
	r.done(r.wantTaken(0, 1, 2, 3)[1:3]...) // 1 and 2
	r.must(p.CompleteElsewhere([]Range{{6, 8}}))
	for want, set := range map[int64][]Range{
		0: {{1, 3}, {6, 8}}, 2: {{0, 4}}, 1: {{3, 4}}, 4: {{4, 10}}, 5: {{0, 1}, {4, 10}},
	} {
		if got := p.Lacking(set); got != want {
			t.Errorf("of %v it lacks %d, want %d", set, got, want)
		}
	}
}
