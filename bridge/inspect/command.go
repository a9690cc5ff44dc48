package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"
)

// Command is a change that an operator asks for.
type Command struct {
	Verb Verb `json:"verb"`
	// Select are the jobs; of Requeue and Discard, Dead are the dead letters. Its
	// Topic is required.
	Select Query     `json:"select,omitzero"`
	Dead   DeadQuery `json:"dead,omitzero"`
	// ResetAttempts lets the attempts of retried and requeued jobs count from
	// the beginning.
	ResetAttempts bool `json:"reset_attempts,omitzero"`
	// Until ends a pause by itself; the zero time: it lasts until a resume.
	Until time.Time `json:"until,omitzero"`
	// Then is what becomes of cancelled jobs. Zero: [ThenHalt].
	Then Then `json:"then,omitzero"`
	// Leave makes a drain end with the bridge leaving its group, and Undo takes a
	// drain back.
	Leave bool `json:"leave,omitzero"`
	Undo  bool `json:"undo,omitzero"`
	// To is where a seek goes.
	To *Position `json:"to,omitzero"`
	// Settings are what set changes.
	Settings []Setting `json:"settings,omitzero"`
	// FromKafka requeues records of Select, each by its offset, that are finished and
	// have no dead letter: they are read from Kafka again. NewID gives each job an id
	// of its own, so that nobody takes its effects for duplicates.
	FromKafka bool `json:"from_kafka,omitzero"`
	NewID     bool `json:"new_id,omitzero"`
	// Reason goes to the log and the audit trail, stays with a pause, and is told
	// of a buried job.
	Reason string `json:"reason,omitzero"`
	// Rate is how many dead letters are requeued or discarded, jobs retried, skipped or
	// buried, or lanes parked, released or discarded, per second at most. Zero: as many
	// as the store takes.
	Rate float64 `json:"rate,omitzero"`
	// StopAt ends a requeue when this share of the requeued jobs that finished,
	// [LeastFinished] at least, is dead again, a retry when this share of the retried jobs that ran,
	// as many at least, has failed again, and a release when this share of the released
	// lanes that are through, as many at least, is parked again: above 0, and up to 1,
	// which is never.
	// Zero: [DefaultStopAt] for an operation that is stored.
	StopAt float64 `json:"stop_at,omitzero"`
	// Import are the dead letters to import, at most [MaxJobs].
	Import []DeadLetter `json:"import,omitempty"`
	// Operation is the id of the stored operation that is to be stopped.
	Operation string `json:"operation,omitzero"`
}

// Validate reports everything that is wrong with the command.
func (c Command) Validate() error {
	var problems []error
	v := c.verb()
	if v == nil {
		problems = append(problems, fmt.Errorf("verb %q is unknown; there are %s", c.Verb, strings.Join(verbNames(), ", ")))
		v = jobVerb{}
	}
	problems = append(problems, v.validate(c), c.validateSelection(v))
	if _, pauses := v.(pauseVerb); !c.Until.IsZero() && !pauses {
		problems = append(problems, fmt.Errorf("only pause has an until-time, not %s", c.Verb))
	}
	if c.Then != "" && c.Verb != Cancel {
		problems = append(problems, fmt.Errorf("what is to come then is said of cancel only, not of %s", c.Verb))
	}
	if _, stops := v.(stopVerb); c.Operation != "" && !stops {
		problems = append(problems, fmt.Errorf("an operation is named to stop it, not to %s", c.Verb))
	}
	problems = append(problems, c.validatePace())
	problems = append(problems, c.validateLifecycle())
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}

// validatePace tells what is wrong with rate and stop condition.
func (c Command) validatePace() error {
	var problems []error
	bulk, ok := bulkOf(c.Verb)
	switch {
	case c.Rate != 0 && !ok:
		problems = append(problems, fmt.Errorf("only requeue, discard, retry, skip, bury, park and release have a rate, not %s", c.Verb))
	case c.Rate < 0 || math.IsNaN(c.Rate) || math.IsInf(c.Rate, 0):
		problems = append(problems, fmt.Errorf("rate %v cannot be", c.Rate))
	}
	switch {
	case c.StopAt != 0 && !(ok && bulk.kind().Runs()):
		problems = append(problems, fmt.Errorf("only requeue, retry and release stop when jobs run in vain again, not %s", c.Verb))
	case c.StopAt < 0 || c.StopAt > 1 || math.IsNaN(c.StopAt):
		problems = append(problems, fmt.Errorf("stop at %v is no share of the jobs: it is above 0 and at most 1", c.StopAt))
	}
	return errors.Join(problems...)
}

// validateLifecycle tells what is given that belongs to another verb.
func (c Command) validateLifecycle() error {
	var problems []error
	for _, field := range []struct {
		given bool
		of    Verb
		text  string
	}{
		{c.Leave, Drain, "that the group is left at the end"},
		{c.Undo, Drain, "that it is taken back"},
		{!c.To.isZero(), Seek, "where to go on"},
		{len(c.Settings) > 0, Set, "settings"},
		{c.FromKafka, Requeue, "that records are read from Kafka again"},
		{c.NewID, Requeue, "that jobs get an id of their own"},
	} {
		if field.given && c.Verb != field.of {
			problems = append(problems, fmt.Errorf("%s: that is said of %s only, not of %s", field.text, field.of, c.Verb))
		}
	}
	if c.NewID && c.Verb == Requeue && !c.FromKafka {
		problems = append(problems, errors.New("a dead letter keeps its id: one of its own is for records that are read from Kafka again"))
	}
	return errors.Join(problems...)
}

// validateSelection tells what is wrong with what the verb acts on.
func (c Command) validateSelection(v verb) error {
	switch v.(type) {
	case stopVerb: // it says so itself
		return nil
	case importVerb:
		if !c.Select.isZero() || !c.Dead.isZero() {
			return errors.New("an import names its dead letters and selects none")
		}
		return nil
	}
	if len(c.Import) > 0 {
		return fmt.Errorf("dead letters are given to import, not to %s", c.Verb)
	}
	if _, whole := v.(wholeVerb); whole {
		if !c.Select.isZero() || !c.Dead.isZero() {
			return fmt.Errorf("%s is about the bridge as a whole: it selects nothing", c.Verb)
		}
		return nil
	}
	topic, selected, other := c.Select.Topic, c.Select.Validate(), !c.Dead.isZero()
	if _, dead := v.(deadVerb); dead {
		topic, selected, other = c.Dead.Topic, c.Dead.Validate(), !c.Select.isZero()
	}
	problems := []error{selected}
	if _, optional := v.(setVerb); topic == "" && !optional {
		problems = append(problems, errors.New("no topic is selected"))
	}
	if other {
		problems = append(problems, errors.New("requeue and discard select dead letters, the other verbs do not"))
	}
	return errors.Join(problems...)
}

// LogValue leaves out keys and lanes, which may be personal.
func (c Command) LogValue() slog.Value {
	q := c.Select
	attrs := []slog.Attr{slog.String("verb", string(c.Verb)), slog.String("topic", cmp.Or(q.Topic, c.Dead.Topic))}
	add := func(given bool, name string, value any) {
		if given {
			attrs = append(attrs, slog.Any(name, value))
		}
	}
	add(len(q.Partitions) > 0, "partitions", q.Partitions)
	add(len(q.Offsets) > 0, "offsets", logged(q.Offsets))
	add(q.From > 0, "from", q.From)
	add(q.Key != nil, "by_key", true)
	add(q.Lane != nil, "by_lane", true)
	add(len(q.States) > 0, "states", q.States)
	add(!q.StoredBefore.IsZero(), "stored_before", q.StoredBefore)
	add(q.ErrorMatches != "", "by_error", true)
	add(!c.Until.IsZero(), "until", c.Until)
	add(!c.Dead.isZero(), "dead", c.Dead)
	add(c.Then != "", "then", c.Then)
	add(c.ResetAttempts, "reset_attempts", true)
	add(c.Reason != "", "reason", c.Reason)
	add(c.Rate > 0, "rate", c.Rate)
	add(c.StopAt > 0, "stop_at", c.StopAt)
	add(c.FromKafka, "from_kafka", true)
	add(c.NewID, "new_id", true)
	add(c.Operation != "", "operation", c.Operation)
	return slog.GroupValue(attrs...)
}
