package exec

import "strings"

// maxStderr is how much of the end of a child's stderr is kept.
const maxStderr = 4 << 10

// tail keeps the last maxStderr bytes written to it. It never refuses a write, so a
// talkative child neither blocks nor grows the bridge.
type tail struct {
	buf []byte
	cut bool
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > maxStderr {
		p, t.cut = p[len(p)-maxStderr:], true
	}
	if over := len(t.buf) + len(p) - maxStderr; over > 0 {
		t.buf, t.cut = t.buf[:copy(t.buf, t.buf[over:])], true
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// String is the text for people: valid UTF-8, without the blank end.
func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.buf), "\uFFFD"))
	if t.cut {
		return "..." + text
	}
	return text
}
