package listing

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// None stands for what there is not.
const None = "-"

// Line is text on one line in which nothing steers a terminal: a process, a
// receiver or a record's producer has written it.
func Line(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(Harmless(text)), "\n", " ")
}

// Harmless is text in which nothing but line breaks steers a terminal.
func Harmless(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || strconv.IsPrint(r):
			b.WriteRune(r)
		case r == '\t':
			b.WriteByte(' ')
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// Key is a record's key: as text, as hexadecimal behind 0x where it is none,
// or null.
func Key(key []byte) string {
	if key == nil {
		return "(null)"
	}
	return Name(string(key))
}

// Lane is the name of a lane, of which an own one has none.
func Lane(name string, own bool) string {
	if own {
		return "(own)"
	}
	return Name(name)
}

// Name is bytes that are text as a rule: they are hexadecimal behind 0x where
// they are not, and in quotes where they would not show as themselves.
func Name(name string) string {
	if !utf8.ValidString(name) {
		return "0x" + hex.EncodeToString([]byte(name))
	}
	quoted := strconv.Quote(name)
	if name == "" || quoted[1:len(quoted)-1] != name || strings.TrimSpace(name) != name {
		return quoted
	}
	return name
}

// Count is n with thousands set apart.
func Count[T int | int32 | int64 | uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	first := len(s) - len(strings.TrimPrefix(s, "-"))
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Offset is an offset, of which -1 is none.
func Offset(n int64) string {
	if n < 0 {
		return None
	}
	return strconv.FormatInt(n, 10)
}

// Bytes is n with a unit.
func Bytes(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.bytes {
			return strconv.FormatFloat(float64(n)/float64(u.bytes), 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}

// Time is a moment to the second, in the zone of this machine; the zero time is
// none.
func Time(t time.Time) string {
	if t.IsZero() {
		return None
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// Duration is how long something takes, in its two largest units at most: 3h12m,
// 22d, 1m31s, 0.4s.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return pair(d, time.Second, "s", 0, "")
	case d < time.Hour:
		return pair(d, time.Minute, "m", time.Second, "s")
	case d < day:
		return pair(d, time.Hour, "h", time.Minute, "m")
	case d < 10*day:
		return pair(d, day, "d", time.Hour, "h")
	}
	return pair(d, day, "d", 0, "")
}

// pair is d in a unit, and what is left in a smaller one.
func pair(d, large time.Duration, name string, small time.Duration, smallName string) string {
	text := strconv.FormatInt(int64(d/large), 10) + name
	if small == 0 || d%large < small {
		return text
	}
	rest := int64(d % large / small)
	if rest < 10 {
		text += "0"
	}
	return text + strconv.FormatInt(rest, 10) + smallName
}

// Age is how long ago t was, seen at now; the zero time is none.
func Age(t, now time.Time) string {
	if t.IsZero() {
		return None
	}
	return Duration(max(0, now.Sub(t)))
}
