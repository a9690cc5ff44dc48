package show

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Status is the first thing that an operator asks for: what a bridge does, what
// keeps it, and what to do about it. Of more partitions than there is room for on a
// screen of so many lines those in trouble are shown, and what is no trouble makes
// room for what is. A height of 0 leaves nothing out.
func Status(s inspect.Status, width, height int) []string {
	if lines := status(s, width, height, true); height == 0 || len(lines) <= height {
		return lines
	}
	return status(s, width, height, false)
}

// status is one with what is good to know, or without.
func status(s inspect.Status, width, height int, whole bool) []string {
	lines := append(Head(s, width), problems(s.Problems, width)...)
	if whole {
		lines = append(append(lines, notes(s, width)...), topics(s, width)...)
	}
	lines = append(lines, "")
	return append(lines, some(s, width, height-len(lines), height > 0)...)
}

// Screen is a status that keeps within a screen, for one that stays there.
func Screen(s inspect.Status, width, height int) []string {
	if lines := status(s, width, height, true); len(lines) <= height {
		for i := range lines {
			lines[i] = Cut(lines[i], width)
		}
		return lines
	}
	lines := append(Head(s, width), Problems(s.Problems, width, maxProblems)...)
	if table := topics(s, width); len(lines)+len(table)+len(s.Partitions)+2 <= height {
		lines = append(lines, table...)
	}
	return append(append(lines, ""), some(s, width, height-len(lines)-1, true)...)
}

// maxProblems is how many have a line on a low screen.
const maxProblems = 4

// some is a table of as many partitions as there is room for.
func some(s inspect.Status, width, room int, limited bool) []string {
	parts, hidden := s.Partitions, 0
	if len(parts) == 0 {
		return []string{Cut("no partition is held here", width)}
	}
	if limited && len(parts)+1 > room {
		least := min(len(parts), max(minRows, room-2))
		parts, hidden = SortPartitions(s, ByTrouble)[:least], len(parts)-least
	}
	lines := Partitions(s, parts, width)
	if hidden > 0 {
		lines = append(lines, Cut(fmt.Sprintf("and %s more, which inspect partitions lists", count(hidden, "partition")), width))
	}
	return lines
}

// minRows is how many partitions are shown on the lowest screen.
const minRows = 3

// Head says how it goes altogether, in lines that stay where they are.
func Head(s inspect.Status, width int) []string {
	lines := []string{spread(title(s), s.At.Local().Format(time.TimeOnly), width)}
	var work []string
	if s.Workers != nil {
		work = append(work, workers(*s.Workers))
	}
	work = append(work, rates(s.Rates)...)
	if !s.OldestAt.IsZero() {
		work = append(work, "oldest "+listing.Age(s.OldestAt, s.At))
	}
	if len(work) > 0 {
		lines = append(lines, Cut(strings.Join(work, "   "), width))
	}
	lines = append(lines, Cut(diskLine(s.Disk), width))
	for _, row := range split(s.Lag) {
		lines = append(lines, Cut(row, width))
	}
	return lines
}

// workers tells how busy they are. One that is too many ends with its job.
func workers(p inspect.Pool) string {
	switch {
	case p.Stopping:
		return "workers stopping, " + listing.Count(p.Busy) + " busy"
	case p.Busy > p.Workers:
		return fmt.Sprintf("workers %s busy, soon %s", listing.Count(p.Busy), listing.Count(p.Workers))
	}
	return fmt.Sprintf("workers %s of %s busy", listing.Count(p.Busy), listing.Count(p.Workers))
}

func title(s inspect.Status) string {
	words := []string{"group " + listing.Name(s.Group), health(s)}
	if !s.Live {
		words[1] = "no bridge runs"
	}
	if bad := severities(s.Problems); bad != "" {
		words = append(words, bad)
	}
	return strings.Join(words, "   ")
}

func health(s inspect.Status) string {
	switch {
	case s.Workers != nil && s.Workers.Stopping:
		return "stopping"
	case s.Healthy:
		return "healthy"
	}
	return "NOT HEALTHY"
}

// severities counts the problems of each.
func severities(list []inspect.Problem) string {
	var words []string
	for _, of := range []inspect.Severity{inspect.Critical, inspect.Warning, inspect.Notice} {
		n := 0
		for _, p := range list {
			if p.Severity == of {
				n++
			}
		}
		switch {
		case n == 1 || n > 1 && of == inspect.Critical:
			words = append(words, fmt.Sprintf("%d %s", n, of))
		case n > 1:
			words = append(words, fmt.Sprintf("%d %ss", n, of))
		}
	}
	return strings.Join(words, ", ")
}

func rates(r inspect.Rates) (words []string) {
	if r.StoredPerSecond != nil {
		words = append(words, "stored "+rate(*r.StoredPerSecond))
	}
	if r.DonePerSecond != nil {
		words = append(words, "done "+rate(*r.DonePerSecond))
	}
	return words
}

func diskLine(d inspect.DiskSummary) string {
	text := "file " + listing.Bytes(d.FileBytes)
	if d.Budget != nil && *d.Budget > 0 {
		text += " of " + listing.Bytes(*d.Budget)
	}
	text += "   disk " + listing.Bytes(d.FreeBytes) + " free"
	if d.FullIn != nil && *d.FullIn > 0 {
		text += "   throttles in " + listing.Duration(*d.FullIn)
	}
	return text
}

// split is what is not done, by what it waits for. Nothing moves when a count
// comes or goes.
func split(l inspect.Lag) []string {
	notStored := listing.None
	if l.NotStored != nil {
		notStored = listing.Count(*l.NotStored)
	}
	n := func(n int) string { return listing.Count(n) }
	cells := [][]string{
		{"not stored", notStored, "ready", n(l.Ready), "running", n(l.Running), "deferred", n(l.Deferred)},
		{"retrying", n(l.Retrying), "blocked", n(l.Blocked), "delayed", n(l.Delayed), "paused", n(l.Paused)},
		{"halted", n(l.Halted), "parked", listing.Count(l.Parked), "dead", n(l.Dead), "", ""},
	}
	columns := make([]column, len(cells[0]))
	for i := range columns {
		columns[i].right = i%2 > 0
	}
	return grid{columns: columns, rows: cells, steady: 7}.lines(0)[1:]
}

// problems are why not all is well, and what to do about it. Commands stay whole:
// people copy them.
func problems(list []inspect.Problem, width int) (lines []string) {
	for _, p := range list {
		lines = append(lines, hanging(severity(p), problemText(p), width)...)
		if p.Command != "" {
			lines = append(lines, strings.Repeat(" ", severityWidth)+listing.Line(p.Command))
		}
	}
	if len(lines) > 0 {
		lines = append([]string{""}, lines...)
	}
	return lines
}

// Problems is one line for each, as many as there is room for.
func Problems(list []inspect.Problem, width, room int) (lines []string) {
	for i, p := range list {
		text := severity(p) + problemText(p)
		if rest := len(list) - i; rest > 1 && i == room-1 {
			text = fmt.Sprintf("%sand %s more, which status lists", strings.Repeat(" ", severityWidth), count(rest, "problem"))
		}
		if i == room {
			break
		}
		lines = append(lines, Cut(text, width))
	}
	return lines
}

const severityWidth = len("CRITICAL  ")

func severity(p inspect.Problem) string {
	word := string(p.Severity)
	if p.Severity == inspect.Critical {
		word = strings.ToUpper(word)
	}
	return fmt.Sprintf("%-*s", severityWidth, word)
}

func problemText(p inspect.Problem) string {
	text := listing.Line(p.Text)
	switch {
	case p.Topic == "":
		return text
	case p.Partition == nil:
		return p.Topic + ": " + text
	}
	return fmt.Sprintf("%s/%d: %s", p.Topic, *p.Partition, text)
}

// memberName is the name of a static member. The id of a dynamic one is its
// client's, which carries the store and more, and random digits.
func memberName(m inspect.Member) string {
	const begin, end = 8, 12
	id := []rune(m.ID)
	if m.Instance != "" || len(id) <= begin+1+end {
		return cmp.Or(m.Instance, m.ID)
	}
	return string(id[:begin]) + "…" + string(id[len(id)-end:])
}

// notes are what is good to know and no problem.
func notes(s inspect.Status, width int) (lines []string) {
	if m := s.Member; m != nil && m.ID != "" {
		lines = append(lines, fmt.Sprintf("member %s, generation %d, heard %s ago, %s",
			listing.Name(memberName(*m)), m.Generation, listing.Age(m.Confirmed, s.At), count(int(m.Rebalances), "rebalance")))
	}
	if len(s.Away) > 0 {
		dead, parked := 0, 0
		for _, a := range s.Away {
			dead, parked = dead+a.Dead, parked+a.Parked
		}
		lines = append(lines, fmt.Sprintf("%s not held here: %s and %s are kept", count(len(s.Away), "partition"), count(dead, "dead letter"), count(parked, "parked lane")))
	}
	for i, l := range lines {
		lines[i] = Cut(l, width)
	}
	if len(lines) > 0 {
		lines = append([]string{""}, lines...)
	}
	return lines
}
