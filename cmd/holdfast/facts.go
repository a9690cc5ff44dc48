package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// facts are lines of a name and what is said of it.
type facts struct{ lines [][2]string }

func (f *facts) add(name, format string, args ...any) {
	f.lines = append(f.lines, [2]string{name, fmt.Sprintf(format, args...)})
}

// left says what a plan leaves out. Jobs of partitions that others own come first
// to an operator's mind.
func (f *facts) left(groups []inspect.Group) {
	for _, g := range groups {
		name := "refused"
		if strings.HasPrefix(g.Reason, "its partition is not held here") {
			name = "not ours"
		}
		f.groups(name, []inspect.Group{g})
	}
}

// groups says why, and of which jobs for example.
func (f *facts) groups(name string, groups []inspect.Group) {
	for _, g := range groups {
		example := ""
		if len(g.Jobs) > 0 {
			example = "   " + names(g.Jobs, g.Count)
		}
		f.add(name, "%s: %s%s", listing.Count(g.Count), listing.Line(g.Reason), example)
	}
}

func (f *facts) write(out io.Writer) error {
	for _, line := range f.lines {
		if _, err := fmt.Fprintf(out, "  %-10s %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

// shownNames is how many examples there are at most.
const shownNames = 3

// names are the first of count jobs.
func names(jobs []inspect.Name, count int) string {
	var shown []string
	for _, job := range jobs[:min(shownNames, len(jobs))] {
		shown = append(shown, job.String())
	}
	return examples(shown, count)
}

func examples(shown []string, count int) string {
	if count > len(shown) {
		shown = append(shown, "...")
	}
	return strings.Join(shown, "   ")
}

// pausesText names what pauses are about.
func pausesText(pauses []inspect.PauseEntry) string {
	var texts []string
	for _, p := range pauses[:min(shownNames, len(pauses))] {
		texts = append(texts, pauseText(p))
	}
	if len(pauses) > len(texts) {
		texts = append(texts, "...")
	}
	return strings.Join(texts, ", ")
}

func pauseText(p inspect.PauseEntry) string {
	switch {
	case p.OfLane:
		return fmt.Sprintf("%s/%d lane %s", p.Topic, p.Partition, listing.Name(p.Lane))
	case p.Partition < 0:
		return p.Topic
	}
	return fmt.Sprintf("%s/%d", p.Topic, p.Partition)
}
