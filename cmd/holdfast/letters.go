package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// letters says which dead letters a plan takes.
func (f *facts) letters(p inspect.Plan) {
	f.add("match", "%s", lettersText(p))
	f.errors(p.Errors)
	f.order(p)
	verb := string(p.Command.Verb)
	f.add(verb, "%s", plural(len(p.Dead)+p.More, verbWords[p.Command.Verb].what))
}

// lettersText is how many match, of how many lanes, and when they were buried.
func lettersText(p inspect.Plan) string {
	l := p.Letters
	if l == nil {
		return matched(p)
	}
	text := fmt.Sprintf("%s of %s", listing.Count(p.Matched), plural(l.Total, "dead letter"))
	if l.Keys != nil {
		text += ", " + plural(*l.Keys, "key")
	}
	if !l.FirstBuried.IsZero() {
		text += ", buried " + span(l.FirstBuried, l.LastBuried)
	}
	return text
}

// span is the time between two moments, as short as it can be told.
func span(from, to time.Time) string {
	from, to = from.Local(), to.Local()
	layout := "15:04"
	if from.YearDay() != to.YearDay() || time.Since(from) > 20*time.Hour {
		layout = "2006-01-02 15:04"
	}
	first, last := from.Format(layout), to.Format(layout)
	if first == last {
		return first
	}
	return first + "-" + last
}

// errors says how often which error is among dead letters.
func (f *facts) errors(groups []inspect.Group) {
	var texts []string
	for _, g := range groups[:min(shownNames, len(groups))] {
		texts = append(texts, fmt.Sprintf("%s: %s", listing.Line(shortened(g.Reason, 60)), listing.Count(g.Count)))
	}
	f.add("errors", "%s", examples(texts, len(groups)))
}

// order says how many letters run behind later jobs of their keys, if they are requeued.
func (f *facts) order(p inspect.Plan) {
	if l := p.Letters; p.Command.Verb == inspect.Requeue && l != nil && l.Overtaken != nil && *l.Overtaken > 0 {
		have := "have"
		if *l.Overtaken == 1 {
			have = "has"
		}
		f.add("order", "%s of them %s later jobs of the same key already done", listing.Count(*l.Overtaken), have)
	}
}

// againWords say what jobs or lanes do that run in vain once more.
var againWords = map[inspect.Verb]string{inspect.Requeue: "are dead again", inspect.Retry: "have failed again", inspect.Release: "are parked again"}

// stopText says under which condition the operation of a plan stops by itself.
func stopText(p inspect.Plan) string {
	if total := changes(p) + p.More; total < inspect.LeastFinished {
		return fmt.Sprintf("does not stop before its end: --stop-at counts from %d %ss on", inspect.LeastFinished, ranWord(p))
	}
	return fmt.Sprintf("stops when %g%% %s, once %d have run (--stop-at)", 100*p.Pace.StopAt, againWords[p.Command.Verb], inspect.LeastFinished)
}

// ranWord is what a stop condition counts.
func ranWord(p inspect.Plan) string {
	if p.Command.Verb == inspect.Release {
		return "lane"
	}
	return "job"
}

// pace says how fast a plan is executed, and what would end it early.
func (f *facts) pace(p inspect.Plan) {
	if !p.Background {
		return
	}
	pace := []string{"as fast as the store takes them"}
	if p.Command.Rate > 0 {
		pace[0] = fmt.Sprintf("%g/s", p.Command.Rate)
	}
	if p.Pace != nil && p.Pace.Take != nil {
		pace[0] += ", about " + listing.Duration(p.Pace.Take.Round(time.Second))
	}
	if p.Pace != nil && p.Pace.StopAt < 1 {
		pace = append(pace, stopText(p))
	}
	f.add("pace", "%s", strings.Join(append(pace, "the bridge goes on by itself"), "; "))
}
