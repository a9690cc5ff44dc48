package show

import (
	"regexp"
	"strings"
	"unicode/utf8"

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
			lines = append(lines, action(line, e.Actions[i-commands], width)...)
			continue
		}
		name := named.FindString(line)
		lines = append(lines, hanging(name, line[len(name):], width)...)
	}
	return lines
}

// action is a command with its effect; below it where one line is too short.
func action(line string, a inspect.Action, width int) []string {
	if width == 0 || utf8.RuneCountInString(line) <= width {
		return []string{line}
	}
	return append([]string{"  " + listing.Line(a.Command)}, hanging(strings.Repeat(" ", 6), listing.Line(a.Effect), width)...)
}

// named is what a sentence stands behind: the word that says what it is about.
var named = regexp.MustCompile(`^ {0,2}\w+ {2,}`)
