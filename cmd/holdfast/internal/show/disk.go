package show

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Disk is what takes up room, what becomes of it, and what one can do.
func Disk(d inspect.Disk, width int) []string {
	lines := hanging("", fileSystem(d), width)
	g := grid{columns: []column{{title: "USE"}, {}, {title: "BYTES", right: true}, {title: "JOBS", right: true}, {title: "OLDEST", right: true}, {title: "BOUND"}}}
	row := func(cells ...string) { g.rows = append(g.rows, cells) }
	for _, u := range d.Uses {
		bound := listing.None
		if u.Bound != nil {
			bound = listing.Line(*u.Bound)
		}
		if u.Largest {
			bound += "  <- largest"
		}
		row(u.Topic, u.Kind, listing.Bytes(u.Bytes), listing.Count(u.Jobs), listing.Age(u.Oldest, d.At), bound)
	}
	if d.Finished > 0 {
		row("finished", "", listing.Bytes(d.Finished), "", "", "goes by itself")
	}
	row("free pages", "", listing.Bytes(d.FreePages), "", "", "reused before the file grows")
	row("file", "", listing.Bytes(d.FileBytes), "", "", fileBound(d))
	lines = append(lines, g.lines(width)...)
	if d.Outlook != "" {
		lines = append(lines, hanging("Outlook  ", listing.Line(d.Outlook), width)...)
	}
	return append(lines, actions(d.Actions)...)
}

func fileSystem(d inspect.Disk) string {
	text := fmt.Sprintf("%s  %s  %s free of %s", listing.Line(d.Path), listing.Line(d.FileSystem), listing.Bytes(d.FreeBytes), listing.Bytes(d.TotalBytes))
	if d.MinFree != nil && *d.MinFree > 0 {
		text += fmt.Sprintf(" (min_free %s)", listing.Bytes(*d.MinFree))
	}
	return text
}

func fileBound(d inspect.Disk) string {
	switch {
	case d.Budget == nil:
		return ""
	case *d.Budget == 0:
		return "no budget"
	}
	return "of budget " + listing.Bytes(*d.Budget)
}

// actions are commands, which are shown whole: people copy them. What they do
// stands in line as far as they have something to say.
func actions(list []inspect.Action) []string {
	if len(list) == 0 {
		return nil
	}
	lines, longest := []string{"You can"}, 0
	for _, a := range list {
		if a.Effect != "" {
			longest = max(longest, utf8.RuneCountInString(a.Command))
		}
	}
	for _, a := range list {
		line := fmt.Sprintf("  %-*s   %s", longest, listing.Line(a.Command), listing.Line(a.Effect))
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
