package admin

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	pageBytes = 64 << 10
	pageAfter = time.Second // a slow list shows what it has
)

// lines writes a list, one JSON object a line, in pages.
type lines struct {
	w       *answer
	control *http.ResponseController
	page    []byte
	last    time.Time // a page was written
}

func newLines(w *answer) *lines {
	return &lines{w: w, control: http.NewResponseController(w), last: time.Now()}
}

func (l *lines) add(line func(to []byte) ([]byte, error)) error {
	page, err := line(l.page)
	if err != nil {
		return err
	}
	l.page = append(page, '\n')
	if len(l.page) < pageBytes && time.Since(l.last) < pageAfter {
		return nil
	}
	return l.flush()
}

// flush sends the page. A client that does not take it in time is cut off, so
// that it cannot keep this list for ever.
func (l *lines) flush() error {
	if !l.w.begun {
		l.w.Header().Set("Content-Type", "application/x-ndjson")
	}
	if err := l.control.SetWriteDeadline(time.Now().Add(l.w.limits.page)); err != nil {
		return err
	}
	if _, err := l.w.Write(l.page); err != nil {
		return err
	}
	l.page, l.last = l.page[:0], time.Now()
	return l.control.Flush()
}

// fail ends a list that cannot go on: with an answer of its own where nothing
// was sent, else with a last line.
func (l *lines) fail(err error) error {
	if !l.w.begun {
		return err
	}
	p, _ := problemOf(err)
	line, unwritten := json.Marshal(failed{&p})
	if unwritten != nil {
		return unwritten
	}
	l.page = append(append(l.page, line...), '\n')
	return l.flush()
}
