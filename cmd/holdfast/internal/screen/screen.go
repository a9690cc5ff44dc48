package screen

import (
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Screen is a terminal with a status line. It writes what it is given at once,
// whole lines at a time.
type Screen struct {
	width func() int

	mu     sync.Mutex // guards what follows, and keeps writes apart
	out    io.Writer
	status string // what is shown; empty: nothing
}

// New returns a screen on out; width asks how many columns there are.
func New(out io.Writer, width func() int) *Screen {
	return &Screen{out: out, width: width}
}

const clearLine = "\r\x1b[2K"

// Show replaces the status line.
func (s *Screen) Show(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status = cut(status, s.width()-1) // a full line would wrap
	io.WriteString(s.out, clearLine+status)
	s.status = status
}

// Clear removes the status line.
func (s *Screen) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != "" {
		io.WriteString(s.out, clearLine)
		s.status = ""
	}
}

// Write writes lines above the status line.
func (s *Screen) Write(p []byte) (int, error) { return s.above(s.out, p) }

// Beside is a writer for another stream that is the same terminal: its lines
// keep clear of the status line too.
func (s *Screen) Beside(out io.Writer) io.Writer { return beside{s, out} }

type beside struct {
	screen *Screen
	out    io.Writer
}

func (b beside) Write(p []byte) (int, error) { return b.screen.above(b.out, p) }

func (s *Screen) above(out io.Writer, p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == "" {
		return out.Write(p)
	}
	if _, err := io.WriteString(s.out, clearLine); err != nil {
		return 0, err
	}
	n, err := out.Write(p)
	if err == nil && strings.HasSuffix(string(p), "\n") {
		_, err = io.WriteString(s.out, s.status)
	}
	return n, err
}

// cut shortens text to n columns, of one character each.
func cut(text string, n int) string {
	if n <= 0 || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}
