package inspect

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Command is a change that an operator asks for.
type Command struct {
	Verb Verb
	// Select are the jobs. Its Topic is required.
	Select Query
	// ResetAttempts lets the attempts of retried jobs count from the beginning.
	ResetAttempts bool
	// Until ends a pause by itself; the zero time: it lasts until a resume.
	Until time.Time
	// Reason goes to the log, and stays with a pause.
	Reason string
}

// Validate reports everything that is wrong with the command.
func (c Command) Validate() error {
	var problems []error
	if v := verbs[c.Verb]; v != nil {
		problems = append(problems, v.validate(c))
	} else {
		problems = append(problems, fmt.Errorf("verb %q is unknown; there are %s", c.Verb, strings.Join(verbNames(), ", ")))
	}
	if c.Select.Topic == "" {
		problems = append(problems, errors.New("no topic is selected"))
	}
	if _, pauses := verbs[c.Verb].(pauseVerb); !c.Until.IsZero() && !pauses {
		problems = append(problems, fmt.Errorf("only pause has an until-time, not %s", c.Verb))
	}
	problems = append(problems, c.Select.Validate())
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("command: %w", err)
	}
	return nil
}

// LogValue leaves out keys and lanes, which may be personal.
func (c Command) LogValue() slog.Value {
	q := c.Select
	attrs := []slog.Attr{slog.String("verb", string(c.Verb)), slog.String("topic", q.Topic)}
	add := func(given bool, name string, value any) {
		if given {
			attrs = append(attrs, slog.Any(name, value))
		}
	}
	add(len(q.Partitions) > 0, "partitions", q.Partitions)
	add(len(q.Offsets) > 0, "offsets", q.Offsets)
	add(q.From > 0, "from", q.From)
	add(q.Key != nil, "by_key", true)
	add(q.Lane != nil, "by_lane", true)
	add(len(q.States) > 0, "states", q.States)
	add(!c.Until.IsZero(), "until", c.Until)
	add(c.ResetAttempts, "reset_attempts", true)
	add(c.Reason != "", "reason", c.Reason)
	return slog.GroupValue(attrs...)
}

// Group is jobs with the same answer.
type Group struct {
	Reason string
	Count  int
	Jobs   []Name // by name, the first [MaxJobs] of them
}

// add puts a job to those with the same reason.
func add(list *[]Group, reason string, name Name) {
	at := slices.IndexFunc(*list, func(g Group) bool { return g.Reason == reason })
	if at < 0 {
		at = len(*list)
		*list = append(*list, Group{Reason: reason})
	}
	group := &(*list)[at]
	group.Count++
	if len(group.Jobs) < MaxJobs {
		group.Jobs = append(group.Jobs, name)
	}
}

func count(list []Group) (n int) {
	for _, g := range list {
		n += g.Count
	}
	return n
}
