package show

import (
	"regexp"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Explanation is why a committed offset is where it is, in sentences that are
// broken where the screen ends. Commands stay whole: people copy them.
func Explanation(e inspect.Explanation, width int) (lines []string) {
	all := e.Lines()
	commands := len(all) - len(e.Actions)
	for i, line := range all {
		line = strings.ReplaceAll(listing.Harmless(line), "\n", " ")
		if i >= commands {
			lines = append(lines, line)
			continue
		}
		name := named.FindString(line)
		lines = append(lines, hanging(name, line[len(name):], width)...)
	}
	return lines
}

// named is what a sentence stands behind: the word that says what it is about.
var named = regexp.MustCompile(`^ {0,2}\w+ {2,}`)
