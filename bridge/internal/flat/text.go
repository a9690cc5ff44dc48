package flat

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendText writes s as a JSON string. Bytes that are not UTF-8 become
// replacement characters, and nothing is escaped that need not be: <, > and &
// are readable.
func appendText(to []byte, s string) []byte {
	to = append(to, '"')
	for _, r := range s { // an invalid byte is utf8.RuneError
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case r == '\n':
			to = append(to, '\\', 'n')
		case r == '\t':
			to = append(to, '\\', 't')
		case r < ' ':
			to = append(to, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}

// quoted lists names, sorted.
func quoted(names []string) string {
	slices.Sort(names)
	for i, name := range names {
		names[i] = strconv.Quote(shortened(name))
	}
	return strings.Join(names[:min(len(names), 10)], ", ")
}

func shortened(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
