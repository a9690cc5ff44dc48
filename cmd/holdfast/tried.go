package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// tried is what try shows of a run.
type tried struct {
	Topic   string   `json:"topic"`
	Matched string   `json:"matched"` // the entry of the configuration that applied
	Job     string   `json:"job"`     // its id is not known without a broker
	Lane    string   `json:"lane"`
	Attempt int      `json:"attempt"`
	Outcome string   `json:"outcome"`
	Error   *string  `json:"error"`         // nil: none
	Delay   *float64 `json:"delay_seconds"` // nil: it would not run again by itself
	Took    float64  `json:"took_seconds"`

	Produced []wouldProduce `json:"produced"`

	trial bridge.Trial
}

// outcomes are the words of the library as this command says them.
var outcomes = map[string]string{
	"done": "done", "skipped": "skipped", "retry": "retry", "snooze": "snoozed",
	"halt": "halted", "bury": "buried", "park": "parked", "release": "interrupted",
}

func newTried(t bridge.Trial) tried {
	out := tried{
		Topic: t.Job.Topic, Matched: t.Matched, Job: t.Job.String(), Lane: laneName(t.Job.Lane, t.OwnLane),
		Attempt: t.Job.Attempt, Outcome: outcomes[t.Outcome], Took: t.Took.Seconds(), trial: t,
	}
	out.Produced = []wouldProduce{}
	for _, r := range t.Produced {
		out.Produced = append(out.Produced, newProduced(r))
	}
	if t.Err != nil {
		text := t.Err.Error()
		out.Error = &text
	}
	if t.Outcome == "retry" || t.Outcome == "snooze" {
		seconds := t.Delay.Seconds()
		out.Delay = &seconds
	}
	return out
}

// wouldProduce is a record that would go to Kafka.
type wouldProduce struct {
	Topic string  `json:"topic"`
	Key   *string `json:"key"` // nil: null
	Value *string `json:"value"`
	Bytes int     `json:"bytes"`
}

// shownValue is how much of a value is shown, in bytes.
const shownValue = 200

func newProduced(r bridge.Record) wouldProduce {
	p := wouldProduce{Topic: r.Topic, Bytes: len(r.Value)}
	if r.Key != nil {
		p.Key = new(laneName(string(r.Key), false))
	}
	if r.Value != nil {
		p.Value = new(laneName(head(string(r.Value), shownValue), false))
	}
	return p
}

// head is the beginning of a text, not cut within a character.
func head(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

func (p wouldProduce) String() string {
	show := func(text *string) string {
		if text == nil {
			return "null"
		}
		return strings.TrimSpace(listing.Harmless(*text))
	}
	return fmt.Sprintf("to %s, key %s, %d bytes: %s", p.Topic, show(p.Key), p.Bytes, strings.ReplaceAll(show(p.Value), "\n", " "))
}

func (t tried) write(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(out, "JOB\t%s (its id begins with the topic's id, which only a broker knows)\n", t.Job)
	if t.Matched != t.Topic {
		fmt.Fprintf(out, "MATCHED BY\t%s\n", t.Matched)
	}
	fmt.Fprintf(out, "LANE\t%s\n", printable(t.Lane))
	fmt.Fprintf(out, "ATTEMPT\t%d\n", t.Attempt)
	fmt.Fprintf(out, "OUTCOME\t%s\n", t.outcome())
	if t.Error != nil {
		fmt.Fprintf(out, "ERROR\t%s\n", strings.ReplaceAll(listing.Harmless(strings.TrimSpace(*t.Error)), "\n", "\n\t"))
	}
	for _, p := range t.Produced {
		fmt.Fprintf(out, "WOULD PRODUCE\t%s\n", p)
	}
	fmt.Fprintf(out, "TOOK\t%s\n", t.trial.Took.Round(10*time.Microsecond))
	return out.Flush()
}

// outcome is what becomes of the job, as a sentence goes on.
func (t tried) outcome() string {
	switch t.Outcome {
	case "retry":
		return "retry in " + t.trial.Delay.Round(time.Millisecond).String()
	case "snoozed":
		return "snoozed for " + t.trial.Delay.Round(time.Millisecond).String() + ": the attempt does not count"
	case "skipped":
		return "skipped: it counts as done"
	case "buried":
		return "buried: it becomes a dead letter, and its lane goes on"
	case "parked":
		return "parked: its lane is set aside until an operator releases or discards it"
	case "halted":
		return "halted: it holds its lane until an operator acts"
	case "interrupted":
		return "interrupted: it runs again at the next start, and the attempt does not count"
	}
	return t.Outcome
}

// err is nil for a job that is complete.
func (t tried) err() error {
	if t.Outcome == "done" || t.Outcome == "skipped" {
		return nil
	}
	return fmt.Errorf("%w: %s", errNotDone, t.outcome())
}
