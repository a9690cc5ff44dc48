package exec

import "strings"

// tail keeps the last bytes written to it. It never refuses a write, so a
// talkative child neither blocks nor grows the bridge.
type tail struct {
	limit int
	buf   []byte // at most twice the limit, so that bytes are moved seldom
	cut   bool   // something was dropped
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > t.limit {
		p, t.buf, t.cut = p[len(p)-t.limit:], t.buf[:0], true
	}
	if len(t.buf)+len(p) > 2*t.limit {
		t.shorten()
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

func (t *tail) shorten() {
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf, t.cut = t.buf[:copy(t.buf, t.buf[over:])], true
	}
}

// String is the text for people: valid UTF-8, without the blank end.
func (t *tail) String() string {
	t.shorten()
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.buf), "\uFFFD"))
	if t.cut {
		return "..." + text
	}
	return text
}
