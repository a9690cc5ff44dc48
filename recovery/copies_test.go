package recovery

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Two copies of a data directory have one store id. Openings tell them apart: an
// older copy that is started says what may run again, and one that meets another
// while it works stops.
func TestTwoCopiesAreToldApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		epoch      uint64
		nonce      string // of the stamp
		committing bool
		refused    bool
		older      bool
	}{
		"an opening before":                        {epoch: 4},
		"this opening":                             {epoch: 5, committing: true},
		"another opening of this number":           {epoch: 5, older: true},
		"a later opening":                          {epoch: 6, older: true},
		"this one, by its nonce":                   {epoch: 5, nonce: "mine"},
		"this one, after its commit":               {epoch: 5, nonce: "mine", committing: true},
		"another one of this number, by its nonce": {epoch: 5, nonce: "other", older: true},
		"the same, while we commit":                {epoch: 5, nonce: "other", committing: true, refused: true},
		"one before, while we commit":              {epoch: 4, nonce: "other", committing: true},
		"a later one, while we commit":             {epoch: 6, committing: true, refused: true},
	} {
		facts := committed(150, Stamp{TopicID: "T", StoreID: "me", Epoch: test.epoch, Nonce: test.nonce}.Encode())
		facts.Committing = test.committing
		if test.nonce != "" {
			facts.Nonce = "mine"
		}
		d, err := Reconcile(held(), self, facts, Policy{OnExternalReset: ResetFollow})
		var conflict *Conflict
		if refused := errors.As(err, &conflict); refused != test.refused || refused && (conflict.Kind != StaleCopy || len(conflict.Choices) != 1 || conflict.Choices[0].Skips > 0) {
			t.Errorf("%s: %v", name, err)
		}
		if (d.Older != "") != test.older {
			t.Errorf("%s: %q", name, d.Older)
		}
	}
}

// A snapshot that was made in the opening that has committed since: the commit
// knows of completions that the file does not have.
func TestAnOlderCopySaysWhatRunsAgain(t *testing.T) {
	t.Parallel()
	facts := committed(150, Stamp{TopicID: "T", StoreID: "me", Epoch: 4, Ahead: []queue.Range{{From: 210, To: 260}}}.Encode())
	facts.Lacking = 20
	d, err := Reconcile(held(), self, facts, Policy{})
	if err != nil || len(d.Ahead) != 1 || !strings.Contains(d.Older, "older copy of store me") || !strings.Contains(d.Older, "20 offsets that the commit calls complete") ||
		!strings.Contains(d.Older, "at most 780") {
		t.Errorf("%+v, %v", d, err)
	}
	facts.Lacking = 0
	if d, err := Reconcile(held(), self, facts, Policy{}); err != nil || d.Older != "" {
		t.Errorf("%+v, %v", d, err)
	}
}
