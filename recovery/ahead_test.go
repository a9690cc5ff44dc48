package recovery

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

// stampOf is a stamp with completions above the offset.
func stampOf(store, topic string, epoch uint64, ahead ...queue.Range) string {
	return Stamp{TopicID: topic, StoreID: store, Epoch: epoch, Ahead: ahead}.Encode()
}

func TestReconcileMergesWhatIsAhead(t *testing.T) {
	t.Parallel()
	follow := Policy{OnExternalReset: ResetFollow}
	ahead := []queue.Range{{From: 210, To: 220}, {From: 290, To: 400}}
	for name, test := range map[string]struct {
		local  queue.State
		kafka  Facts
		policy Policy
		want   Decision
	}{
		"never held":                         {never(), committed(150, stampOf("other", "T", 9, ahead...)), Policy{}, Decision{Action: Begin, Offset: 150, Ahead: ahead}},
		"our own frontier is below":          {held(), committed(250, stampOf("other", "T", 9, ahead...)), Policy{}, Decision{Action: SkipTo, Offset: 250, Ahead: ahead}},
		"our own frontier is above":          {held(), committed(150, stampOf("other", "T", 9, ahead...)), Policy{}, Decision{Ahead: ahead}},
		"a restored copy, frontier as it is": {held(), committed(200, stampOf("me", "T", 6, ahead...)), Policy{}, Decision{Ahead: ahead}},
		"stores without topic ids":           {held(), committed(150, stampOf("other", "", 9, ahead...)), Policy{}, Decision{Ahead: ahead}},
		"a deleted topic's":                  {held(), committed(150, stampOf("other", "OLD", 9, ahead...)), Policy{}, Decision{Acknowledged: -1}},
		"the log was cut off": {held(), within(committed(150, stampOf("other", "T", 9, ahead...)), 10, 300), Policy{},
			Decision{Ahead: []queue.Range{{From: 210, To: 220}, {From: 290, To: 300}}}},
		"retention has passed what is done":  {held(), within(committed(200, stampOf("other", "T", 9, ahead...)), 390, 1000), Policy{}, Decision{Ahead: ahead}},
		"another store has followed a reset": {held(), committed(50, stampOf("other", "T", 9, ahead...)), follow, Decision{Action: Reset, Offset: 50, Ahead: ahead}},
		"our own stamp was set back":         {held(), committed(50, stampOf("me", "T", 4, ahead...)), follow, Decision{Action: Reset, Offset: 50}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Reconcile(test.local, self, test.kafka, test.policy)
			if err != nil {
				t.Fatal(err)
			}
			if test.want.Acknowledged == 0 {
				test.want.Acknowledged = test.kafka.Committed
			}
			got.Notes, got.Older = nil, ""
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAdoptedRunWhoseJobWasFinishedElsewhere: the job is complete, whatever its
// run still says.
func TestAdoptedRunWhoseJobWasFinishedElsewhere(t *testing.T) {
	t.Parallel()
	dir, _ := newStore(t, 5) // 100 to 104
	o := mustOpen(t, options(dir))
	defer mustClose(t, o)
	p := attach(t, o)
	p.Lease(queue.Forever)
	jobs := make([]queue.Job, 1)
	if _, err := o.Store.Take(t.Context(), jobs); err != nil || jobs[0].Offset != 100 {
		t.Fatal(jobs[0].Offset, err)
	}
	p.Detach()
	p = attach(t, o)
	d, err := Reconcile(p.State(), o.Store.Identity(), committed(100, stampOf("other", "", 1, queue.Range{From: 101, To: 103})), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(p); err != nil {
		t.Fatal(err)
	}
	if s := p.State(); s.Frontier != 100 || s.Open != 3 {
		t.Errorf("%+v", s)
	}
	if err := o.Store.Finish(queue.Finished{Job: &jobs[0], Outcome: queue.Outcome{Kind: queue.Done}}); err != nil {
		t.Fatal(err)
	}
	if s := p.State(); s.Frontier != 103 || s.Open != 2 {
		t.Errorf("%+v", s)
	}
}

func TestMovedOnNeedsAnotherStoresStamp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kafka Facts
		want  bool
	}{
		"another store, above":                {committed(250, others), true},
		"another store, at acknowledged":      {committed(100, others), true},
		"another store, below":                {committed(99, others), false}, // somebody set it
		"another store, without topic id":     {committed(250, othersNoID), true},
		"another store, another topic":        {committed(250, othersOld), false},
		"only here is what retention deleted": {within(committed(250, others), 251, 1000), false},
		"retention deleted what was not here": {within(committed(300, others), 310, 1000), true},
		"our own":                             {committed(150, mine), false},
		"another program":                     {committed(250, "v1"), false},
		"a tool":                              {committed(250, ""), false},
		"nothing":                             {committed(-1, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := MovedOn(held(), self, test.kafka); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
