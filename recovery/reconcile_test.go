package recovery

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-2837c37b/holdfast/queue"
)

var (
	self = queue.Identity{StoreID: "me", Epoch: 5}

	mine       = Stamp{TopicID: "T", StoreID: "me", Epoch: 4}.Encode()
	others     = Stamp{TopicID: "T", StoreID: "other", Epoch: 9}.Encode()
	future     = Stamp{TopicID: "T", StoreID: "me", Epoch: 6}.Encode()
	minesOld   = Stamp{TopicID: "OLD", StoreID: "me", Epoch: 4}.Encode()
	othersOld  = Stamp{TopicID: "OLD", StoreID: "other", Epoch: 9}.Encode()
	othersNoID = Stamp{StoreID: "other", Epoch: 9}.Encode()
)

// held: acknowledged 100, frontier 200, stored to 300, 40 of them unfinished.
func held() queue.State {
	return queue.State{Known: true, Acknowledged: 100, Frontier: 200, Next: 300, TopicID: "T", Open: 40}
}

func never() queue.State { return queue.State{Acknowledged: -1, Frontier: -1, Next: -1} }

func committed(offset int64, metadata string) Facts {
	return Facts{Committed: offset, Metadata: metadata, TopicID: "T", LogStart: 10, LogEnd: 1000}
}

func within(f Facts, start, end int64) Facts {
	f.LogStart, f.LogEnd = start, end
	return f
}

func ofTopic(f Facts, id string) Facts {
	f.TopicID = id
	return f
}

func rewritten(f Facts, at int64) Facts {
	f.Rewritten, f.RewrittenAt = true, at
	return f
}

func atTime(f Facts, offset int64) Facts {
	f.AtTime = offset
	return f
}

func TestReconcileDecides(t *testing.T) {
	t.Parallel()
	follow := Policy{OnExternalReset: ResetFollow}
	unacknowledged := held()
	unacknowledged.Acknowledged = -1
	oldBroker := held()
	oldBroker.TopicID = ""
	for name, test := range map[string]struct {
		local  queue.State
		kafka  Facts
		policy Policy
		want   Decision
		note   string // part of the only note; empty: none
	}{
		"never held, none committed, oldest":           {never(), committed(-1, ""), Policy{}, Decision{Action: Begin, Offset: 10}, ""},
		"never held, none committed, newest":           {never(), committed(-1, ""), Policy{Start: StartNewest}, Decision{Action: Begin, Offset: 1000}, ""},
		"never held, none committed, time":             {never(), atTime(committed(-1, ""), 400), Policy{Start: StartTime}, Decision{Action: Begin, Offset: 400}, ""},
		"never held, none committed, time in future":   {never(), atTime(committed(-1, ""), -1), Policy{Start: StartTime}, Decision{Action: Begin, Offset: 1000}, ""},
		"never held, none committed, time before log":  {never(), atTime(committed(-1, ""), 3), Policy{Start: StartTime}, Decision{Action: Begin, Offset: 10}, ""},
		"never held, committed beats start":            {never(), committed(500, ""), Policy{Start: StartNewest}, Decision{Action: Begin, Offset: 500}, ""},
		"never held, committed by another program":     {never(), committed(500, "v1"), Policy{}, Decision{Action: Begin, Offset: 500}, "another program, \"v1\""},
		"never held, committed by another store":       {never(), committed(500, others), Policy{}, Decision{Action: Begin, Offset: 500}, "store other committed"},
		"never held, committed before our first flush": {never(), committed(500, mine), Policy{}, Decision{Action: Begin, Offset: 500}, ""},
		"never held, committed at log end":             {never(), committed(1000, ""), Policy{}, Decision{Action: Begin, Offset: 1000}, ""},

		"none committed, acknowledged before":       {held(), committed(-1, ""), Policy{Start: StartNewest}, Decision{}, "continuing at this store's 200"},
		"none committed, never acknowledged":        {unacknowledged, committed(-1, ""), Policy{}, Decision{}, ""},
		"at acknowledged":                           {held(), committed(100, mine), Policy{}, Decision{}, ""},
		"between acknowledged and frontier":         {held(), committed(150, mine), Policy{}, Decision{}, ""},
		"at frontier":                               {held(), committed(200, mine), Policy{}, Decision{}, ""},
		"at frontier, another store":                {held(), committed(200, others), Policy{}, Decision{}, "store other committed"},
		"at frontier, another program":              {held(), committed(200, "x"), Policy{}, Decision{}, "another program"},
		"at frontier, set by a tool":                {held(), committed(200, ""), Policy{}, Decision{}, ""},
		"below frontier, never acknowledged":        {unacknowledged, committed(20, mine), Policy{}, Decision{}, ""},
		"above frontier, another store":             {held(), committed(250, others), Policy{}, Decision{Action: SkipTo, Offset: 250}, "store other committed"},
		"above all that is stored, another store":   {held(), committed(900, others), Policy{}, Decision{Action: SkipTo, Offset: 900}, "store other committed"},
		"above frontier, follow":                    {held(), committed(250, ""), follow, Decision{Action: SkipTo, Offset: 250}, "skips at most 40, runs again nothing"},
		"below acknowledged, follow":                {held(), committed(50, ""), follow, Decision{Action: Reset, Offset: 50}, "skips nothing, runs again at most 210"},
		"log start above frontier":                  {held(), within(committed(150, mine), 300, 1000), Policy{}, Decision{}, ""},
		"log start above next, another store ahead": {held(), within(committed(900, others), 800, 1000), Policy{}, Decision{Action: SkipTo, Offset: 900}, "store other committed"},
		"next at log end":                           {held(), within(committed(150, mine), 10, 300), Policy{}, Decision{}, ""},

		"log written anew, set back, follow":      {held(), rewritten(committed(50, ""), 290), follow, Decision{Action: Reset, Offset: 50}, "skips nothing, runs again at most 210"},
		"log written anew, set beyond it, follow": {held(), rewritten(committed(291, ""), 290), follow, Decision{Action: SkipTo, Offset: 291}, "skips at most 40, runs again"},

		"commit of a deleted topic's id, topic accepted here": {held(), committed(900, minesOld), Policy{}, Decision{}, "deleted topic OLD"},
		"broker without topic ids":                            {held(), ofTopic(committed(150, mine), ""), Policy{}, Decision{}, ""},
		"topic id new to the store":                           {oldBroker, committed(150, mine), Policy{}, Decision{}, ""},
		"stamp without topic id":                              {held(), committed(250, othersNoID), Policy{}, Decision{Action: SkipTo, Offset: 250}, "store other committed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Reconcile(test.local, self, test.kafka, test.policy)
			if err != nil {
				t.Fatal(err)
			}
			test.want.Acknowledged = test.kafka.Committed
			if strings.Contains(name, "deleted topic") {
				test.want.Acknowledged = -1
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Decision{}, "Notes")); diff != "" {
				t.Error(diff)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

func TestReconcileStops(t *testing.T) {
	t.Parallel()
	follow := Policy{OnExternalReset: ResetFollow}
	idle := queue.State{Known: true, Acknowledged: 300, Frontier: 300, Next: 300, TopicID: "T"}
	type choice struct {
		Action        Action
		Offset        int64
		Skips, Reruns int64
	}
	for name, test := range map[string]struct {
		local  queue.State
		kafka  Facts
		policy Policy
		kind   ConflictKind
		found  string
		want   []choice
	}{
		"above frontier, own store: stale copy": {
			held(), committed(250, future), follow, StaleCopy, "older copy of store me: offset 250 was committed by its opening 6, this is opening 5",
			[]choice{{SkipTo, 250, 0, 740}, {Keep, 0, 0, 740}},
		},
		"never held, own store of a later opening": {
			never(), committed(250, future), Policy{}, StaleCopy, "older copy of store me", []choice{{Begin, 250, 0, 750}},
		},
		"above frontier, no metadata": {
			held(), committed(250, ""), Policy{}, ExternalReset, "250 is above this store's frontier 200, with no metadata",
			[]choice{{SkipTo, 250, 40, 0}, {Keep, 0, 0, 40}},
		},
		"above all that is stored, another program": {
			held(), committed(900, "x"), Policy{}, ExternalReset, `another program, "x"`,
			[]choice{{SkipTo, 900, 640, 0}, {Keep, 0, 0, 640}},
		},
		"below acknowledged": {
			held(), committed(50, ""), Policy{}, ExternalReset, "below offset 100, which Kafka had acknowledged",
			[]choice{{Reset, 50, 0, 210}, {Keep, 0, 0, 0}},
		},
		"below acknowledged, with a stamp": {
			held(), committed(50, others), Policy{}, ExternalReset, "the stamp of store other",
			[]choice{{Reset, 50, 0, 210}, {Keep, 0, 0, 0}},
		},
		"below acknowledged and log start": {
			held(), committed(5, ""), Policy{}, ExternalReset, "below offset 100", []choice{{Keep, 0, 0, 0}},
		},
		"topic created anew": {
			held(), ofTopic(committed(150, mine), "NEW"), follow, TopicRecreated, "its id was T and is NEW, and 40 jobs",
			[]choice{{Reset, 10, 40, 0}},
		},
		"topic created anew, and another store has worked on it": {
			held(), ofTopic(committed(150, Stamp{TopicID: "NEW", StoreID: "other"}.Encode()), "NEW"), Policy{}, TopicRecreated, "its id was T and is NEW",
			[]choice{{Reset, 150, 40, 0}},
		},
		"never held, commit of a deleted topic": {
			never(), committed(150, othersOld), follow, TopicRecreated, "its id was OLD and is T",
			[]choice{{Begin, 10, 0, 0}, {Begin, 1000, 990, 0}},
		},
		"retention overtook what is stored": {
			held(), within(committed(200, mine), 350, 1000), follow, RecordsLost, "deleted offsets 300 to 349",
			[]choice{{Advance, 350, 50, 0}, {SkipTo, 350, 90, 0}},
		},
		"retention overtook an idle partition": {
			idle, within(committed(300, mine), 350, 1000), Policy{}, RecordsLost, "deleted offsets 300 to 349",
			[]choice{{Advance, 350, 50, 0}, {SkipTo, 350, 50, 0}},
		},
		"retention overtook the committed offset of a partition never held": {
			never(), within(committed(200, ""), 350, 1000), Policy{}, RecordsLost, "deleted offsets 200 to 349",
			[]choice{{Begin, 350, 150, 0}},
		},
		"retention overtook another store's commit": {
			held(), within(committed(310, others), 350, 1000), Policy{}, RecordsLost, "deleted offsets 310 to 349",
			[]choice{{Advance, 350, 40, 40}, {SkipTo, 350, 40, 0}},
		},
		"retention overtook an offset that was set back": {
			held(), within(committed(50, ""), 60, 1000), follow, RecordsLost, "deleted offsets 50 to 59",
			[]choice{{Reset, 60, 0, 200}},
		},
		"next above log end": {
			held(), within(committed(200, mine), 0, 250), follow, BeyondEnd, "the next offset to fetch, 300, is above the log's end",
			[]choice{{Reset, 0, 40, 250}, {Reset, 250, 290, 0}},
		},
		"another store's commit above log end": {
			held(), within(committed(900, others), 0, 400), Policy{}, BeyondEnd, "the committed offset 900 is above",
			[]choice{{Keep, 0, 0, 140}, {SkipTo, 400, 140, 0}},
		},
		"never held, committed above log end": {
			never(), committed(2000, ""), follow, BeyondEnd, "the committed offset 2000 is above",
			[]choice{{Begin, 10, 0, 990}, {Begin, 1000, 990, 0}},
		},
		"a stored record is another one in the log": {
			held(), rewritten(committed(200, mine), 290), follow, LogRewritten, "the record at offset 290 is not the one that is stored",
			[]choice{{Reset, 200, 230, 100}, {Reset, 10, 40, 290}},
		},
		"a stored record is another one above an offset that was set": {
			held(), rewritten(committed(250, ""), 290), follow, LogRewritten, "the record at offset 290 is not the one that is stored",
			[]choice{{Reset, 200, 230, 100}, {Reset, 10, 40, 290}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := Reconcile(test.local, self, test.kafka, test.policy)
			var conflict *Conflict
			if !errors.As(err, &conflict) {
				t.Fatalf("decided %+v, %v", d, err)
			}
			if conflict.Kind != test.kind || !strings.Contains(conflict.Found, test.found) {
				t.Errorf("kind %d, found %q", conflict.Kind, conflict.Found)
			}
			var got []choice
			for _, c := range conflict.Choices {
				got = append(got, choice{c.Decision.Action, c.Decision.Offset, c.Skips, c.Reruns})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConflictIsOneReadableLine(t *testing.T) {
	t.Parallel()
	_, err := Reconcile(held(), self, committed(250, ""), Policy{})
	want := "the committed offset 250 is above this store's frontier 200, with no metadata: somebody set it (the log holds 10 to 1000). " +
		"Choices: follow (skips at most 40, runs again nothing): on_external_reset: follow, or holdfast seek --offset 250; " +
		"keep this store's position (skips nothing, runs again at most 40): holdfast seek --offset 200"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}
