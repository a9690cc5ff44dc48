package inspect

import (
	"fmt"
	"strings"
)

// Lines are the explanation as people read it. The sentences of a screen begin
// at the same column.
func (e Explanation) Lines() []string {
	lines := []string{e.head(), e.Summary}
	width := 0
	for _, f := range e.Facts {
		width = max(width, len(f.Name))
	}
	for _, f := range e.Facts {
		lines = append(lines, fmt.Sprintf("  %-*s  %s", max(width, 7), f.Name, f.Text))
	}
	for _, tail := range []Fact{{"Next", e.NextStep}, {"Restart", e.costs()}, {"Retention", e.Retention}} {
		if tail.Text != "" {
			lines = append(lines, fmt.Sprintf("%-9s  %s", tail.Name, tail.Text))
		}
	}
	if len(e.Actions) == 0 {
		return lines
	}
	lines, width = append(lines, "You can (each shows its plan first)"), 0
	for _, a := range e.Actions {
		width = max(width, len(a.Command))
	}
	for _, a := range e.Actions {
		lines = append(lines, fmt.Sprintf("  %-*s  %s", width, a.Command, a.Effect))
	}
	return lines
}

// String is the lines.
func (e Explanation) String() string { return strings.Join(e.Lines(), "\n") + "\n" }

// head says where the partition stands.
func (e Explanation) head() string {
	parts := []string{fmt.Sprintf("%s/%d", e.Topic, e.Partition)}
	add := func(name string, offset *int64) {
		if offset != nil && *offset >= 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, *offset))
		}
	}
	add("committed", &e.Committed)
	add("frontier", &e.Frontier)
	add("stored to", &e.Next)
	add("log end", e.LogEnd)
	if !e.Live {
		parts = append(parts, "(no bridge runs)")
	}
	return strings.Join(parts, "   ")
}

// costs are what a restart and another owner would run again.
func (e Explanation) costs() string {
	if e.Moved == "" {
		return e.Restart
	}
	return e.Restart + " Moved to another machine: " + e.Moved
}
