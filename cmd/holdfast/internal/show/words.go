package show

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// count is so many of a thing.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return listing.Count(n) + " " + thing + "s"
}

// rate is so many per second.
func rate(perSecond float64) string {
	if perSecond > 0 && perSecond < 9.95 {
		return strconv.FormatFloat(perSecond, 'f', 1, 64) + "/s"
	}
	return listing.Count(int64(perSecond+0.5)) + "/s"
}

// spread puts the second text at the right end, where there is room.
func spread(left, right string, width int) string {
	space := width - utf8.RuneCountInString(left) - utf8.RuneCountInString(right)
	return Cut(left+strings.Repeat(" ", max(len(gap), space))+right, width)
}

// hanging breaks a text between words; further lines begin below the text.
func hanging(before, text string, width int) (lines []string) {
	indent := utf8.RuneCountInString(before)
	if width <= indent {
		return []string{Cut(before+text, width)}
	}
	line, empty := before, true
	for _, word := range strings.SplitAfter(text, " ") {
		if !empty && utf8.RuneCountInString(line)+utf8.RuneCountInString(strings.TrimRight(word, " ")) > width {
			lines = append(lines, line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if empty = empty && word == " "; !empty {
			line += word
		}
	}
	lines = append(lines, line)
	for i, l := range lines {
		lines[i] = Cut(strings.TrimRight(l, " "), width)
	}
	return lines
}
