package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

// sought is held with a wish that was changed.
func sought(change func(*queue.State, *queue.Seek)) queue.State {
	s := held()
	s.Seek = &queue.Seek{Offset: 250, TopicID: "T"}
	change(&s, s.Seek)
	return s
}

func TestASeekGoesBeforeTheRules(t *testing.T) {
	t.Parallel()
	ours := Stamp{TopicID: "T", StoreID: self.StoreID, Epoch: self.Epoch, Ahead: []queue.Range{{From: 220, To: 230}}}.Encode()
	theirs := Stamp{TopicID: "T", StoreID: "other", Epoch: 1}.Encode()
	for name, test := range map[string]struct {
		local queue.State
		kafka Facts
		want  Decision
	}{
		"forward": {
			sought(func(*queue.State, *queue.Seek) {}), committed(200, ""),
			Decision{Action: SkipTo, Offset: 250, Sought: true},
		},
		"beyond what is stored, keeping that": {
			sought(func(_ *queue.State, s *queue.Seek) { s.Offset, s.Keep = 400, true }), committed(200, ""),
			Decision{Action: Advance, Offset: 400, Sought: true},
		},
		"back, with completions in the metadata": {
			sought(func(_ *queue.State, s *queue.Seek) { s.Offset = 50 }), committed(200, ours),
			Decision{Action: Reset, Offset: 50, Sought: true, Again: true},
		},
		"out of a conflict, to where the store is": {
			sought(func(_ *queue.State, s *queue.Seek) { s.Offset = 200 }), committed(270, ""),
			Decision{Action: SkipTo, Offset: 200, Sought: true},
		},
		"out of the conflict of a stale copy": {
			sought(func(_ *queue.State, s *queue.Seek) { s.Offset = 270 }), committed(270, ours),
			Decision{Action: SkipTo, Offset: 270, Sought: true, Ahead: []queue.Range{{From: 220, To: 230}}},
		},
		"the log was written anew": {
			sought(func(*queue.State, *queue.Seek) {}), Facts{Committed: 200, TopicID: "T", LogStart: 10, LogEnd: 1000, Rewritten: true, RewrittenAt: 290},
			Decision{Action: Reset, Offset: 250, Sought: true, Again: true},
		},
		"into a topic created anew": {
			sought(func(_ *queue.State, s *queue.Seek) { s.TopicID = "U" }), Facts{Committed: 200, TopicID: "U", LogStart: 10, LogEnd: 1000},
			Decision{Action: Reset, Offset: 250, Sought: true, Again: true},
		},
		"never held, behind what is committed": {
			func() queue.State { s := never(); s.Seek = &queue.Seek{Offset: 50}; return s }(), committed(100, ""),
			Decision{Action: Begin, Offset: 50, Sought: true, Again: true},
		},
		"back, carried out before the crash": {
			sought(func(l *queue.State, s *queue.Seek) {
				s.Offset, s.Applied, s.Back = 50, true, true
				l.Frontier, l.Next, l.Acknowledged, l.Open = 50, 50, -1, 0
			}), committed(200, ours),
			Decision{Action: Keep, Sought: true, Again: true},
		},
		"forward, carried out, and another store has gone on": {
			sought(func(l *queue.State, s *queue.Seek) { s.Applied = true; l.Frontier = 250 }), committed(280, theirs),
			Decision{Action: SkipTo, Offset: 280, Acknowledged: 280, Void: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.kafka.Committing = true
			got, err := Reconcile(test.local, self, test.kafka, Policy{})
			if err != nil {
				t.Fatal(err)
			}
			got.Notes, got.Wish = nil, nil
			if test.want.Sought {
				test.want.Acknowledged = -1
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// While the wish waited, the partition was elsewhere.
func TestASeekThatWasOvertakenIsHeld(t *testing.T) {
	t.Parallel()
	theirs := Stamp{TopicID: "T", StoreID: "other", Epoch: 1, Ahead: []queue.Range{{From: 910, To: 920}}}.Encode()
	type outcome struct {
		Held bool
		Decision
	}
	holds := outcome{Held: true}
	for name, test := range map[string]struct {
		wish  queue.Seek
		kafka Facts
		want  outcome
	}{
		"forward, and they are beyond it":             {queue.Seek{Offset: 250, Committed: 200}, committed(900, theirs), holds},
		"forward, and they are not":                   {queue.Seek{Offset: 250, Committed: 200}, committed(250, theirs), outcome{Decision: Decision{Action: SkipTo, Offset: 250, Sought: true, Ahead: []queue.Range{{From: 910, To: 920}}}}},
		"back":                                        {queue.Seek{Offset: 50, Committed: 200}, committed(201, theirs), holds},
		"back, and that was known":                    {queue.Seek{Offset: 50, Committed: 201}, committed(201, theirs), outcome{Decision: Decision{Action: Reset, Offset: 50, Sought: true, Again: true}}},
		"by a later opening of a copy":                {queue.Seek{Offset: 250, Committed: 200}, committed(900, future), holds},
		"by this store itself":                        {queue.Seek{Offset: 250, Committed: 200}, committed(900, mine), outcome{Decision: Decision{Action: SkipTo, Offset: 250, Sought: true}}},
		"by another program":                          {queue.Seek{Offset: 250, Committed: 200}, committed(900, ""), outcome{Decision: Decision{Action: SkipTo, Offset: 250, Sought: true}}},
		"in a topic that is gone":                     {queue.Seek{Offset: 250, Committed: 200}, committed(900, othersOld), outcome{Decision: Decision{Action: SkipTo, Offset: 250, Sought: true}}},
		"back, carried out, and Kafka was not told":   {queue.Seek{Offset: 50, Committed: 200, Applied: true, Back: true}, committed(201, theirs), holds},
		"back, carried out, and they did nothing":     {queue.Seek{Offset: 50, Committed: 200, Applied: true, Back: true}, committed(200, theirs), outcome{Decision: Decision{Action: Keep, Sought: true, Again: true}}},
		"back, carried out, and Kafka was told":       {queue.Seek{Offset: 50, Committed: 200, Applied: true, Back: true}, committed(199, theirs), outcome{Decision: Decision{Action: Keep, Acknowledged: 199, Void: true, Ahead: []queue.Range{{From: 910, To: 920}}}}},
		"back, begun and not known to be carried out": {queue.Seek{Offset: 200, Committed: 250, Back: true}, committed(250, theirs), outcome{Decision: Decision{Action: SkipTo, Offset: 200, Sought: true, Again: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			local := sought(func(_ *queue.State, s *queue.Seek) { *s = test.wish })
			d, err := Reconcile(local, self, test.kafka, Policy{})
			conflict := new(Conflict)
			if test.want.Held {
				if !errors.As(err, &conflict) || conflict.Kind != SeekOvertaken || len(conflict.Choices) != 2 {
					t.Errorf("%+v, %v", d, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			d.Notes, d.Wish, d.Older = nil, nil, ""
			if d.Sought {
				test.want.Acknowledged = -1
			}
			if diff := cmp.Diff(test.want.Decision, d); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A commit that was on its way during a seek may reach Kafka after that of the seek.
// Whatever else goes by the store's name is told from it.
func TestACommitOfBeforeASeekIsTold(t *testing.T) {
	t.Parallel()
	const here = "here"
	moved := held()
	moved.Seeks, moved.SoughtIn = 2, here
	stamp := Stamp{TopicID: "T", StoreID: self.StoreID, Epoch: self.Epoch, Nonce: here, Seeks: 1, Ahead: []queue.Range{{From: 410, To: 420}}}
	for name, test := range map[string]struct {
		offset int64
		stamp  func(*Stamp)
		kind   ConflictKind // zero: it is of before, and ignored
	}{
		"above the frontier":                    {offset: 250},
		"below what was acknowledged":           {offset: 50},
		"of before two seeks":                   {offset: 250, stamp: func(s *Stamp) { s.Seeks = 0 }},
		"an older copy of the directory":        {offset: 250, stamp: func(s *Stamp) { s.Seeks = 2 }, kind: StaleCopy},
		"one that another seek has made older":  {offset: 250, stamp: func(s *Stamp) { s.Seeks = 3 }, kind: StaleCopy},
		"a copy that was not sought":            {offset: 250, stamp: func(s *Stamp) { s.Nonce = "there" }, kind: StaleCopy},
		"a copy by a version without nonces":    {offset: 250, stamp: func(s *Stamp) { s.Nonce = "" }, kind: StaleCopy},
		"another store":                         {offset: 50, stamp: func(s *Stamp) { s.StoreID = "other" }, kind: ExternalReset},
		"set by somebody who kept the metadata": {offset: 50, stamp: func(s *Stamp) { s.Seeks = 2 }, kind: ExternalReset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			by := stamp
			if test.stamp != nil {
				test.stamp(&by)
			}
			facts := committed(test.offset, by.Encode())
			facts.Nonce, facts.Committing, facts.Lacking = here, true, 10
			d, err := Reconcile(moved, self, facts, Policy{})
			conflict := new(Conflict)
			if errors.As(err, &conflict); conflict.Kind != test.kind {
				t.Fatalf("%+v, %v", d, err)
			}
			if err != nil {
				return
			}
			if len(d.Notes) != 1 {
				t.Errorf("it notes %q", d.Notes)
			}
			d.Notes = nil
			if diff := cmp.Diff(Decision{Action: Keep, Acknowledged: -1}, d); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What was complete before a seek back is to run again, also where another opening
// than the one that committed it has carried the seek out.
func TestWhatWasCompleteBeforeASeekIsNotTakenOver(t *testing.T) {
	t.Parallel()
	before := held()
	moved := before
	moved.Seeks, moved.SoughtIn = 1, "a later opening"
	by := Stamp{TopicID: "T", StoreID: self.StoreID, Epoch: self.Epoch, Nonce: "here", Ahead: []queue.Range{{From: 410, To: 420}}}
	for name, test := range map[string]struct {
		local queue.State
		want  []queue.Range
	}{"no seek since": {before, by.Ahead}, "a seek since": {moved, nil}} {
		facts := committed(before.Frontier, by.Encode())
		facts.Committing, facts.Lacking = true, 10
		d, err := Reconcile(test.local, self, facts, Policy{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, d.Ahead); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if older := d.Older != ""; older != (test.want != nil) {
			t.Errorf("%s: %q", name, d.Older)
		}
	}
}

// A crash between any two steps leaves what the commit calls complete to the next
// decision, or has it taken over.
func TestASeekForwardKeepsWhatTheCommitCallsComplete(t *testing.T) {
	t.Parallel()
	for cut := range 5 {
		dir, _ := newStore(t, 50)
		o := mustOpen(t, options(dir))
		p, id := attach(t, o), o.Store.Identity()
		topic := p.State().TopicID
		if err := p.AskSeek(queue.Seek{Offset: 120, TopicID: topic, Committed: 115}); err != nil {
			t.Fatal(err)
		}
		stamp := Stamp{TopicID: topic, StoreID: id.StoreID, Epoch: id.Epoch, Nonce: "there", Ahead: []queue.Range{{From: 130, To: 140}}}
		decide := func() []func(*queue.Partition) error {
			t.Helper()
			facts := ofTopic(committed(115, stamp.Encode()), topic)
			facts.Nonce, facts.Lacking = "here", p.Lacking(stamp.Ahead)
			d, err := Reconcile(p.State(), id, facts, Policy{})
			if err != nil {
				t.Fatal(err)
			}
			return d.steps()
		}
		run := func(steps []func(*queue.Partition) error) {
			t.Helper()
			for _, step := range steps {
				if err := step(p); err != nil {
					t.Fatal(err)
				}
			}
		}
		run(decide()[:cut])
		run(decide())
		if s := p.State(); p.Lacking(stamp.Ahead) > 0 || s.Frontier != 120 || !s.Seek.Applied {
			t.Errorf("cut off after %d steps: %+v, %d are to run again", cut, s, p.Lacking(stamp.Ahead))
		}
		mustClose(t, o)
	}
}

func TestAConflictOverASeekNamesBothWays(t *testing.T) {
	t.Parallel()
	theirs := Stamp{TopicID: "T", StoreID: "other", Epoch: 1}.Encode()
	local := sought(func(_ *queue.State, s *queue.Seek) {
		s.Offset, s.Committed, s.Keep, s.Asked = 250, 200, true, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	})
	_, err := Reconcile(local, self, committed(900, theirs), Policy{})
	const want = "an operator wanted at 2026-01-02T03:04:05Z to go on at offset 250, when offset 200 was committed; store other has committed offset 900 since (the log holds 10 to 1000). " +
		"Choices: go on from there (skips nothing, runs again nothing): holdfast seek --offset 900; " +
		"go on as was wanted (skips nothing, runs again at most 640): holdfast seek --offset 250 --keep-stored"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestASeekIntoAnotherTopicIsVoid(t *testing.T) {
	t.Parallel()
	local := sought(func(*queue.State, *queue.Seek) {})
	_, err := Reconcile(local, self, Facts{Committed: 200, TopicID: "U", LogStart: 0, LogEnd: 1000}, Policy{})
	if conflict := new(Conflict); !errors.As(err, &conflict) || conflict.Kind != TopicRecreated {
		t.Errorf("%v", err)
	}
}

func TestASeekOutOfRangeMovesNothing(t *testing.T) {
	t.Parallel()
	for _, offset := range []int64{9, 1001} {
		local := sought(func(_ *queue.State, s *queue.Seek) { s.Offset = offset })
		_, err := Reconcile(local, self, committed(200, ""), Policy{})
		conflict := new(Conflict)
		if !errors.As(err, &conflict) || conflict.Kind != SeekOutOfRange || len(conflict.Choices) != 3 {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
}
