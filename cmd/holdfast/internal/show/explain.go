package show

import (
	"fmt"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Explanation is why a committed offset is where it is, in sentences.
func Explanation(e inspect.Explanation, width int) []string {
	lines := append(hanging("", offsets(e), width), hanging("", listing.Line(e.Summary), width)...)
	for _, f := range e.Facts {
		lines = append(lines, hanging(fmt.Sprintf("  %-8s ", f.Name), listing.Line(f.Text), width)...)
	}
	for _, s := range []struct{ name, text string }{
		{"Next", e.NextStep}, {"Restart", strings.TrimSpace(e.Restart + " " + e.Moved)}, {"Retention", e.Retention},
	} {
		if s.text != "" {
			lines = append(lines, hanging(fmt.Sprintf("%-10s ", s.name), listing.Line(s.text), width)...)
		}
	}
	return append(lines, actions("You can (each shows its plan first)", e.Actions)...)
}

// offsets are where the partition stands. Spaces within are no place to break.
func offsets(e inspect.Explanation) string {
	text := fmt.Sprintf("%s/%d", e.Topic, e.Partition)
	if e.Asked != nil {
		text += fmt.Sprintf("@%d", *e.Asked)
	}
	text += fmt.Sprintf("   committed %s   frontier %s   stored to %s", listing.Offset(e.Committed), listing.Offset(e.Frontier), listing.Offset(e.Next))
	if e.LogEnd != nil {
		text += fmt.Sprintf("   log end %d", *e.LogEnd)
	}
	return text
}
