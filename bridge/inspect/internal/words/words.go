package words

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Span says a time in at most two units: 40s, 3h12m, 22d.
func Span(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	two := func(whole, rest time.Duration, unit, less string) string {
		if rest == 0 {
			return fmt.Sprintf("%d%s", whole, unit)
		}
		return fmt.Sprintf("%d%s%02d%s", whole, unit, rest, less)
	}
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(d/time.Minute, d%time.Minute/time.Second, "m", "s")
	case d < day:
		return two(d/time.Hour, d%time.Hour/time.Minute, "h", "m")
	case d < 4*day:
		return two(d/day, d%day/time.Hour, "d", "h")
	}
	return fmt.Sprintf("%dd", d/day)
}

// Roughly is Span in one unit.
func Roughly(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= 2*unit.of || d >= unit.of && unit.of == time.Second {
			return Number(int64((d+unit.of/2)/unit.of), unit.name)
		}
	}
	return "a moment"
}

// Moment says when something is or was: the time, and the day where that is
// another.
func Moment(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	switch {
	case at.YearDay() == now.YearDay() && at.Year() == now.Year():
		return at.Format("15:04:05")
	case at.Year() == now.Year():
		return at.Format("Jan 2 15:04")
	}
	return at.Format("2006-01-02 15:04")
}

// Until says when something comes.
func Until(at, now time.Time) string {
	if !at.After(now) {
		return "now"
	}
	return fmt.Sprintf("at %s, in %s", Moment(at, now), Span(at.Sub(now)))
}

// Number says how many there are: 1 job, 41 jobs.
func Number[N int | int64](n N, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// AreNumber is Number with its verb.
func AreNumber(n int, of string) string {
	if n == 1 {
		return "1 " + of + " is"
	}
	return Number(n, of) + " are"
}

// Amount says so many bytes.
func Amount(bytes int64) string {
	const unit = 1024
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	value, names := float64(bytes)/unit, "KMGTPE"
	for value >= unit && len(names) > 1 {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, names[0])
}

// Short cuts a text to one line of at most n bytes.
func Short(text string, n int) string {
	text, _, more := strings.Cut(strings.TrimSpace(text), "\n")
	if len(text) > n {
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text, more = text[:n], true
	}
	if more {
		text += " ..."
	}
	return text
}

// errorNumber is a number or an id in an error, with the word before it where that
// makes the number the error's kind.
var errorNumber = regexp.MustCompile(`(?i)\b(?:http|status|code|signal|error|errno)[ =:]+[0-9]+\b|` +
	`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]*[0-9][0-9a-f]{11,}\b|[0-9][0-9.]*(?:(?:ns|µs|us|ms|s|m|h)[0-9.]*)*`)

// ErrorKind is the same for errors that differ in ids, numbers and times only: a
// status or a code makes another.
func ErrorKind(text string) string {
	return errorNumber.ReplaceAllStringFunc(Short(text, 300), func(found string) string {
		if strings.ContainsAny(found, " =:") {
			return found
		}
		return "#"
	})
}

// KeyFlag is the flag of a command of the binary that selects a key.
func KeyFlag(key []byte) string {
	if !utf8.Valid(key) {
		return fmt.Sprintf("--key-hex %x", key)
	}
	return "--key " + Quoted(string(key))
}

// LaneFlag is the one that selects a lane.
func LaneFlag(name string) string {
	if !utf8.ValidString(name) {
		return fmt.Sprintf("--lane-hex %x", name)
	}
	return "--lane " + Quoted(name)
}

// Quoted makes one word of a text for a shell.
func Quoted(text string) string {
	plain := text != "" && !strings.HasPrefix(text, "-")
	for _, r := range text {
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,", r))
	}
	if plain {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Shown is a key as people read it.
func Shown(key []byte) string {
	switch {
	case key == nil:
		return "null"
	case !utf8.Valid(key):
		return fmt.Sprintf("0x%x", key[:min(len(key), 32)])
	case len(bytes.TrimSpace(key)) == 0: // a key as any other
		return strconv.Quote(string(key[:min(len(key), 32)]))
	}
	return Short(string(key), 80)
}

// Upper begins a sentence with the text.
func Upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
