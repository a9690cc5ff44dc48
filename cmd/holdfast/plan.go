package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// words are how a verb is told of.
type words struct {
	done string // what was done
	what string // to what; several get an s
}

var verbWords = map[inspect.Verb]words{
	inspect.Retry:         {"retried", "job"},
	inspect.Skip:          {"skipped", "job"},
	inspect.Bury:          {"buried", "job"},
	inspect.Cancel:        {"told to end", "job"},
	inspect.Park:          {"parked", "lane"},
	inspect.Requeue:       {"requeued", "dead letter"},
	inspect.Discard:       {"discarded", "dead letter"},
	inspect.Release:       {"released", "parked lane"},
	inspect.DiscardParked: {"discarded", "parked lane"},
	inspect.Pause:         {"paused", ""},
	inspect.Resume:        {"resumed", ""},
	inspect.StopOperation: {"stopped", "operation"},
	inspect.Seek:          {"moved", "partition"},
	inspect.Forget:        {"forgotten", "partition"},
	inspect.Set:           {"set", "setting"},
}

// write shows an outcome to a person.
func (o *outcome) write(out io.Writer) error {
	var f facts
	head := ""
	switch {
	case o.Status == statusNothing:
		return nil // the error says it
	case o.Operation != nil:
		head = o.told(&f)
	case o.Status == statusPlanned:
		head = "PLAN, nothing changed. Add --execute."
		planned(&f, o.Plan)
	case o.execute:
		head = "nothing was changed"
	default:
		head = "PLAN, nothing to do."
	}
	f.groups("already", o.alreadyDone())
	f.left(o.refused())
	if o.Status == statusPlanned {
		f.sample(o.Plan)
	}
	if _, err := fmt.Fprintln(out, o.offline+head); err != nil {
		return err
	}
	return f.write(out)
}

// told says what an operation has done.
func (o *outcome) told(f *facts) (head string) {
	op, word := *o.Operation, wordsOf(o.Plan.Command)
	switch {
	case did(op) == 0:
		return "nothing was changed"
	case ofBridge(o.Plan.Command.Verb):
		return strings.Join(op.Says, " ")
	case len(op.Seeks) > 0 && len(op.Says) > 0: // no bridge runs
		f.sentences("then", op.Says)
		return "noted, to be moved: " + seeksText(op.Seeks)
	case len(op.Seeks) > 0:
		head = seeksText(op.Seeks)
	case o.Plan.Command.Verb == inspect.StopOperation:
		return "stopped: " + progressText(*op.Stored)
	case op.Stored != nil:
		if o.offline != "" && o.goesOn() {
			f.add("next", "the bridge executes it as soon as it runs: %s", o.target.at("holdfast operations --id "+op.Stored.ID+" --watch"))
		}
		return progressText(*op.Stored)
	case len(op.Pauses) > 0:
		head = pausesText(op.Pauses)
	default:
		head = plural(did(op), word.what)
		f.sentences("then", op.Says)
	}
	for _, lane := range op.Lanes {
		if len(lane.Elsewhere) > 0 {
			f.add("elsewhere", "more jobs of %s/%d lane %s are kept by the stores %s", lane.Topic, lane.Partition, listing.Lane(lane.Lane, lane.Own), strings.Join(lane.Elsewhere, ", "))
		}
	}
	return fmt.Sprintf("%s %s in %s", word.done, head, listing.Duration(op.Took))
}

// matched is what the selection of a plan matches.
func matched(p inspect.Plan) string {
	switch p.Command.Verb {
	case inspect.Park:
		return plural(p.Matched, "job")
	}
	return plural(p.Matched, verbWords[p.Command.Verb].what)
}

// planned says what a plan would do.
func planned(f *facts, p inspect.Plan) {
	verb, word := string(p.Command.Verb), verbWords[p.Command.Verb]
	switch {
	case len(p.Again) > 0:
		f.again(p)
		return
	case p.Command.Verb == inspect.Park:
		f.add("match", "%s", matched(p))
		f.add(verb, "%s with all jobs in %s", plural(len(p.Jobs), word.what), map[bool]string{true: "it", false: "them"}[len(p.Jobs) == 1])
		f.sentences("no room", p.Says)
	case len(p.Says) > 0:
		f.sentences(verb, p.Says)
	case len(p.Pauses) > 0:
		f.add(verb, "%s", pausesText(p.Pauses))
		if !p.Command.Until.IsZero() {
			f.add("until", "%s", listing.Time(p.Command.Until))
		}
	case len(p.Lanes) > 0:
		f.add("match", "%s", matched(p))
		f.add(cmp.Or(map[bool]string{true: "discard"}[p.Command.Verb == inspect.DiscardParked], verb), "%s", lanesText(p.Lanes))
	case len(p.Dead) > 0:
		f.letters(p)
	case len(p.Operations) > 0:
		f.add("stop", "%s", progressText(p.Operations[0]))
	default:
		f.add("match", "%s", matched(p))
		f.add(verb, "%s", statesText(p.Jobs, word.what))
	}
	switch {
	case p.More == 0:
	case !p.Background:
		f.add("more", "%s beyond the first %s: --execute goes on with them", listing.Count(p.More), listing.Count(changes(p)))
	case len(p.Dead) == 0: // letters are counted whole
		f.add("more", "%s beyond the first %s, which the operation takes as well", listing.Count(p.More), listing.Count(changes(p)))
	}
	switch p.Command.Verb {
	case inspect.Retry, inspect.Requeue, inspect.Release:
		f.add("identity", "kept; attempts reset: %s", map[bool]string{true: "yes", false: "no (--reset-attempts)"}[p.Command.ResetAttempts])
		f.pace(p)
	case inspect.Discard, inspect.Skip, inspect.Bury, inspect.Park:
		f.pace(p)
	case inspect.DiscardParked:
		f.pace(p)
		if p.Background {
			f.add("later", "what comes into a lane before its turn is discarded with it")
		}
	case inspect.Cancel:
		f.add("then", "%s", cmp.Or(p.Command.Then, inspect.ThenHalt))
	}
}

// sample shows the first of what a plan would change.
func (f *facts) sample(p inspect.Plan) {
	var shown []string
	for _, job := range p.Sample[:min(shownNames, len(p.Sample))] {
		shown = append(shown, job.Name.String()+" "+listing.Key(job.Key))
	}
	for at, letter := range p.DeadSample[:min(shownNames, len(p.DeadSample))] {
		text := letter.Name.String() + " " + listing.Key(letter.Key)
		if at > 0 && p.DeadSample[at-1].Name == letter.Name || at+1 < len(p.DeadSample) && p.DeadSample[at+1].Name == letter.Name {
			text += fmt.Sprintf(" (burial %d)", letter.Number)
		}
		shown = append(shown, text)
	}
	for _, lane := range p.Lanes[:min(shownNames, len(p.Lanes))] {
		shown = append(shown, fmt.Sprintf("%s/%d lane %s", lane.Topic, lane.Partition, listing.Lane(lane.Lane, lane.Own)))
	}
	if len(shown) > 0 {
		f.add("sample", "%s", examples(shown, changes(p)))
	}
}

// statesText is how many jobs there are, and of which states.
func statesText(jobs []inspect.Target, what string) string {
	counts := map[inspect.State]int{}
	for _, job := range jobs {
		counts[job.State]++
	}
	var texts []string
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%s %s", listing.Count(counts[state]), state))
	}
	return fmt.Sprintf("%s: %s", plural(len(jobs), what), strings.Join(texts, ", "))
}

// lanesText is how many lanes there are, with how many jobs.
func lanesText(lanes []inspect.ParkedLane) string {
	var jobs, bytes int64
	elsewhere := 0
	for _, lane := range lanes {
		jobs += lane.Jobs
		bytes += lane.Bytes
		if len(lane.Elsewhere) > 0 {
			elsewhere++
		}
	}
	text := fmt.Sprintf("%s with %s, %s", plural(len(lanes), "lane"), plural(int(jobs), "job"), listing.Bytes(bytes))
	if elsewhere > 0 {
		text += fmt.Sprintf("; of %s other stores keep the rest", listing.Count(elsewhere))
	}
	return text
}
