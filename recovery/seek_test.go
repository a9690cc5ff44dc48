package recovery

import (
	"errors"
	"testing"

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
