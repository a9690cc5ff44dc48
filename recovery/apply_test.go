package recovery

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestDecisionsAreCarriedOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		decision Decision
		want     queue.State
	}{
		"keep":     {Decision{Action: Keep, Acknowledged: 100}, queue.State{Known: true, Frontier: 100, Next: 150, Acknowledged: 100, Open: 50}},
		"skip to":  {Decision{Action: SkipTo, Offset: 120, Acknowledged: 120}, queue.State{Known: true, Frontier: 120, Next: 150, Acknowledged: 120, Open: 30}},
		"skip all": {Decision{Action: SkipTo, Offset: 900, Acknowledged: 900}, queue.State{Known: true, Frontier: 900, Next: 900, Acknowledged: 900}},
		"reset":    {Decision{Action: Reset, Offset: 20, Acknowledged: 20}, queue.State{Known: true, Frontier: 20, Next: 20, Acknowledged: 20, Resets: 1}},
		"advance":  {Decision{Action: Advance, Offset: 200, Acknowledged: -1}, queue.State{Known: true, Frontier: 100, Next: 200, Acknowledged: -1, Open: 50}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _ := newStore(t, 50)
			o := mustOpen(t, options(dir))
			if err := test.decision.Apply(attach(t, o)); err != nil {
				t.Fatal(err)
			}
			mustClose(t, o)
			o = mustOpen(t, options(dir))
			defer mustClose(t, o)
			if diff := cmp.Diff(test.want, attach(t, o).State(), cmpopts.IgnoreFields(queue.State{}, "TopicID", "Scheme")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBeginIsCarriedOut(t *testing.T) {
	t.Parallel()
	o := mustOpen(t, options(t.TempDir()))
	defer mustClose(t, o)
	p := attach(t, o)
	d, err := Reconcile(p.State(), o.Store.Identity(), committed(500, ""), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(p); err != nil {
		t.Fatal(err)
	}
	if got := p.State(); got.Frontier != 500 || got.Next != 500 || got.Acknowledged != 500 {
		t.Errorf("%+v", got)
	}
}

// TestChoicesLeadOut carries out the first choice of a conflict and reconciles
// again, which must find nothing to object to.
func TestChoicesLeadOut(t *testing.T) {
	t.Parallel()
	for name, facts := range map[string]Facts{
		"stale copy":      committed(130, future),
		"set forward":     committed(130, ""),
		"topic recreated": ofTopic(committed(130, ""), "NEW"),
		"records lost":    within(committed(100, mine), 500, 1000),
		"beyond end":      within(committed(100, mine), 0, 90),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _ := newStore(t, 50)
			o := mustOpen(t, options(dir))
			defer mustClose(t, o)
			p := attach(t, o)
			if err := p.Configure("T", "key"); err != nil {
				t.Fatal(err)
			}
			id := queue.Identity{StoreID: "me", Epoch: 5}
			var conflict *Conflict
			if _, err := Reconcile(p.State(), id, facts, Policy{}); !errors.As(err, &conflict) {
				t.Fatalf("no conflict: %v", err)
			}
			if err := conflict.Choices[0].Decision.Apply(p); err != nil {
				t.Fatal(err)
			}
			if err := p.Configure(facts.TopicID, "key"); err != nil {
				t.Fatal(err)
			}
			// The bridge commits the frontier before anything else happens.
			facts.Committed, facts.Metadata = p.State().Frontier, Stamp{TopicID: facts.TopicID, StoreID: "me", Epoch: 5}.Encode()
			if d, err := Reconcile(p.State(), id, facts, Policy{}); err != nil || d.Action != Keep {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}
