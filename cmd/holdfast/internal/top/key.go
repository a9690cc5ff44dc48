package top

import "strings"

// key is one that was pressed: a character, or one of those below.
type key rune

const (
	keyUp key = -1 - iota
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
)

const (
	ctrlC     key = 3
	keyEscape key = 27
)

// sequences are what terminals send for keys that are no characters.
var sequences = []struct {
	bytes string
	key   key
}{
	{"\x1b[A", keyUp}, {"\x1bOA", keyUp},
	{"\x1b[B", keyDown}, {"\x1bOB", keyDown},
	{"\x1b[5~", keyPageUp}, {"\x1b[6~", keyPageDown},
	{"\x1b[H", keyHome}, {"\x1b[1~", keyHome}, {"\x1bOH", keyHome},
	{"\x1b[F", keyEnd}, {"\x1b[4~", keyEnd}, {"\x1bOF", keyEnd},
}

// keysOf are the keys in what a terminal sent at once. Sequences that mean
// nothing here are left out.
func keysOf(sent []byte) (keys []key) {
	for rest := string(sent); rest != ""; {
		k, n := firstKey(rest)
		if n > 0 && k != 0 {
			keys = append(keys, k)
		}
		rest = rest[n:]
	}
	return keys
}

// firstKey is the first key of a text, and how many bytes it takes; 0: none.
func firstKey(text string) (key, int) {
	for _, s := range sequences {
		if strings.HasPrefix(text, s.bytes) {
			return s.key, len(s.bytes)
		}
	}
	if !strings.HasPrefix(text, "\x1b[") && !strings.HasPrefix(text, "\x1bO") {
		return key(text[0]), 1
	}
	for i := 2; i < len(text); i++ {
		if c := text[i]; c >= 0x40 && c <= 0x7e {
			return 0, i + 1
		}
	}
	return 0, len(text)
}
