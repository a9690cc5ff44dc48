package bulk

import (
	"testing"
	"time"
)

var requeues = Kind{Prefix: "rq", Taken: "requeued", What: "letter", Vain: &Vain{
	What: "jobs", Said: "are dead again", Count: func(op *Operation) *int { return &op.DeadAgain },
}}

func TestAnOperationStopsWhenTooMuchRanInVain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stopAt      float64
		done, again int
		want        string
	}{
		"at its share":       {0.2, 16, 4, "4 of the 20 jobs that ran are dead again, and it stops at 20%; 80 letters were left"},
		"below its share":    {0.2, 17, 4, ""},
		"too few to tell":    {0.2, 0, 19, ""},
		"never":              {1, 0, 100, ""},
		"nothing is in vain": {0.01, 100, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &run{kind: requeues, terms: Terms{StopAt: c.stopAt, Least: 20}, Entry: Entry{Operation: Operation{Matched: 100, Done: c.done, DeadAgain: c.again}}}
			r.tally()
			if got := r.stops(); got != c.want {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestTheWindowGrowsWithWhatFinishes, and with patience where nothing does.
func TestTheWindowGrowsWithWhatFinishes(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	r := &run{kind: requeues, x: &Engine{Now: func() time.Time { return now }}, finished: now}
	r.Operation = Operation{Matched: 1000, Waiting: firstWindow}
	want := func(why string, n int) {
		t.Helper()
		if got := r.room(); got != n {
			t.Errorf("%s: room for %d, not %d", why, got, n)
		}
	}
	want("none has finished", 0)
	r.Operation.Done, r.Operation.Waiting = 10, firstWindow-10
	want("ten have finished", 20)
	r.Operation.Waiting = firstWindow + 10
	now = now.Add(windowPatience)
	want("none has finished for long", firstWindow)
	r.terms.Limit, r.Operation.Taken = 1000, 997
	want("three are left of the limit", 3)
}
