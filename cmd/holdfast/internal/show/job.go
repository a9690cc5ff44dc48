package show

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Job is everything about a job, seen at now: a line for each thing that there
// is, then its failed attempts, its headers and its value.
func Job(j inspect.JobDetail, now time.Time, width int, value Value) []string {
	lines := []string{Cut(fmt.Sprintf("%s   %s", j.Name, j.State), width)}
	for _, f := range jobFacts(j, now) {
		if f.text != "" {
			lines = append(lines, hanging(fmt.Sprintf("  %-11s ", f.name), f.text, width)...)
		}
	}
	if len(j.History) > 0 {
		lines = append(lines, "", Cut("Failed attempts", width))
		for _, a := range j.History {
			lines = append(lines, hanging(fmt.Sprintf("  %4d  %s  ", a.Number, listing.Time(a.At)), listing.Line(a.Error), width)...)
		}
	}
	if len(j.Headers) > 0 {
		lines = append(lines, "", Cut("Headers", width))
		for _, h := range j.Headers {
			lines = append(lines, hanging("  "+listing.Name(h.Key)+": ", listing.Key(h.Value), width)...)
		}
	}
	if !stored(j) {
		return lines
	}
	return append(append(lines, ""), value.lines(j.Value, j.ValueBytes, width)...)
}

// stored tells whether there is a record to show.
func stored(j inspect.JobDetail) bool {
	switch j.State {
	case inspect.Done, inspect.NotStored:
		return false
	}
	return j.Damaged == ""
}

type fact struct{ name, text string }

func jobFacts(j inspect.JobDetail, now time.Time) []fact {
	facts := []fact{{"id", j.ID}}
	say := func(is bool, name, format string, args ...any) {
		if is {
			facts = append(facts, fact{name, fmt.Sprintf(format, args...)})
		}
	}
	moment := func(name string, at time.Time) {
		say(!at.IsZero(), name, "%s, %s ago", listing.Time(at), listing.Age(at, now))
	}
	say(!j.Rerun.IsZero(), "requeued", "%s, %s ago, as another job than its record's first", listing.Time(j.Rerun), listing.Age(j.Rerun, now))
	say(j.Damaged != "", "damaged", "%s", listing.Line(j.Damaged))
	if stored(j) {
		say(true, "key", "%s", listing.Key(j.Key))
		say(true, "lane", "%s", listing.Lane(j.Lane, j.Own))
	}
	moment("timestamp", j.Timestamp)
	moment("stored", j.Stored)
	moment("started", j.Started)
	say(j.Silent != nil, "heartbeat", "%s ago", knownSpan(j.Silent))
	say(stored(j), "attempts", "%s", attempts(j.Attempts, j.State))
	say(!j.Due.IsZero(), "due", "%s, %s", listing.Time(j.Due), due(j.Due, now))
	say(j.Error != "", "error", "%s", listing.Line(j.Error))
	say(j.Guarded, "guarded", "it would have been given up, and retries since too many jobs fail")
	say(j.Crashes > 0, "crashes", "%s of the process counted against it", listing.Count(j.Crashes))
	say(j.Suspect, "suspect", "it may have crashed the process, and waits until no other suspect runs")
	say(j.Checkpoint != nil, "checkpoint", "%s", listing.Key(j.Checkpoint))
	say(j.After != nil, "after", "%s has to finish first", j.After)
	say(j.Behind > 0, "behind", "%s of its lane waiting for it", count(j.Behind, "job"))
	say(j.Holds, "offset", "the committed offset waits for it")
	say(j.Aside, "offset", "the committed offset does not wait for it")
	return append(facts, asideFacts(j, now)...)
}

// asideFacts are about a lane that is parked, and about a dead letter.
func asideFacts(j inspect.JobDetail, now time.Time) (facts []fact) {
	if p := j.Parked; p != nil {
		text := fmt.Sprintf("%s ago, %s here, %s", listing.Age(p.Since, now), count(int(p.Jobs), "job"), listing.Bytes(p.Bytes))
		if len(p.Elsewhere) > 0 {
			text += ", the rest in " + strings.Join(p.Elsewhere, ", ")
		}
		facts = append(facts, fact{"parked", text}, fact{"because", listing.Line(p.Reason)})
	}
	if l := j.Letter; l != nil {
		by := "its run"
		if l.Operator {
			by = "an operator"
		}
		facts = append(facts, fact{"buried", fmt.Sprintf("%s, %s ago, by %s", listing.Time(l.Buried), listing.Age(l.Buried, now), by)}, fact{"because", listing.Line(l.Reason)})
		if l.Unsent {
			facts = append(facts, fact{"copy", "not in the dead-letter topic yet"})
		}
		if l.Change != "" {
			facts = append(facts, fact{"changed", fmt.Sprintf("%s, %s ago: %s", listing.Time(l.Changed), listing.Age(l.Changed, now), listing.Line(l.Change))})
		}
		if l.Others > 0 {
			facts = append(facts, fact{"others", fmt.Sprintf("%s of this offset, buried earlier", count(l.Others, "letter"))})
		}
	}
	return facts
}
