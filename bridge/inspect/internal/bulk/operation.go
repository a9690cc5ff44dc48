package bulk

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/flat"
)

// State is how far an operation is.
type State string

// The states of an operation.
const (
	Running State = "running"
	Done    State = "done"    // nothing is left to take
	Stopped State = "stopped" // by an operator, or by its condition
	Failed  State = "failed"  // it cannot go on
)

// Operation is what the ledger says of an operation and its progress. What its
// members mean to an operator, package inspect tells.
type Operation struct {
	ID     string    `json:"id"`
	State  State     `json:"state"`
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	Verb   string    `json:"verb"`
	Topic  string    `json:"topic"`
	What   string    `json:"what"`
	Began  time.Time `json:"began_at"`
	Ended  time.Time `json:"ended_at"`

	Matched     int       `json:"matched"`
	Taken       int       `json:"taken"`
	Done        int       `json:"done"`
	DeadAgain   int       `json:"dead_again"`
	FailedAgain int       `json:"failed_again"`
	ParkedAgain int       `json:"parked_again"`
	Forgotten   int       `json:"forgotten"`
	Waiting     int       `json:"waiting"`
	AlreadyDone int       `json:"already_done"`
	Refused     []Refusal `json:"refused"`

	// Command is the JSON of what was asked for. Only who opens its [Work] reads it.
	Command json.RawMessage `json:"-"`
}

// Refusal is letters, jobs or lanes that were refused for the same reason.
type Refusal struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	Jobs   []Name `json:"jobs"` // the first of them; lanes have no name
}

// Name names a letter or job.
type Name struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// LogValue is topic/partition@offset.
func (n Name) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%s/%d@%d", n.Topic, n.Partition, n.Offset))
}

var operationForm = flat.Of[Operation]()

// MarshalJSON writes the command among the other members.
func (op Operation) MarshalJSON() ([]byte, error) {
	text, err := operationForm.Marshal(op)
	if err != nil {
		return nil, err
	}
	text = append(text[:len(text)-1], `,"command":`...)
	return append(append(text, op.Command...), '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (op *Operation) UnmarshalJSON(text []byte) error {
	if err := operationForm.Unmarshal(text, op); err != nil {
		return err
	}
	var asked struct {
		Command json.RawMessage `json:"command"`
	}
	err := json.Unmarshal(text, &asked)
	op.Command = asked.Command
	return err
}

// again is how many have run in vain.
func (op *Operation) again() int { return op.DeadAgain + op.FailedAgain + op.ParkedAgain }

// refused is how many were.
func (op *Operation) refused() (n int) {
	for _, r := range op.Refused {
		n += r.Count
	}
	return n
}

// Refuse counts some under their reason, or under one for all others.
func (op *Operation) Refuse(reason string, n int) { op.refusal(reason).Count += n }

func (op *Operation) refusal(reason string) *Refusal {
	known := func(r Refusal) bool { return r.Reason == reason }
	if len(op.Refused) >= maxReasons && !slices.ContainsFunc(op.Refused, known) {
		reason = otherReasons
	}
	if at := slices.IndexFunc(op.Refused, known); at >= 0 {
		return &op.Refused[at]
	}
	op.Refused = append(op.Refused, Refusal{Reason: reason})
	return &op.Refused[len(op.Refused)-1]
}

const (
	// shownRefused is how many an operation names that it has refused for one reason.
	shownRefused = 10
	// maxReasons bounds the reasons that it tells apart, for it to fit into the
	// ledger: a reason may name what it is about.
	maxReasons = 20
	// otherReasons are those beyond maxReasons.
	otherReasons = "other errors"
)

// refuseOne counts a letter, job or lane as Refuse does, and names it.
func (op *Operation) refuseOne(reason string, name Name) {
	r := op.refusal(reason)
	r.Count++
	if name.Offset >= 0 && len(r.Jobs) < shownRefused { // a lane has no name
		r.Jobs = append(r.Jobs, name)
	}
}
