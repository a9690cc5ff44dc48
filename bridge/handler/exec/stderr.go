package exec

import (
	"log/slog"
	"strings"
	"time"
)

// Of what a child writes to stderr so much is logged; the rest is counted.
const (
	maxStderrLine        = 1 << 10
	stderrLinesPerSecond = 100
)

// stderrLog is a writer that logs lines. One goroutine uses it.
type stderrLog struct {
	splitter
	log    *slog.Logger
	second time.Time // that is counted
	lines  int       // logged in it
	unsaid int       // left out since the last line
}

func newStderrLog(log *slog.Logger, pid int) *stderrLog {
	l := &stderrLog{log: log.With("pid", pid)}
	l.splitter = splitter{limit: maxStderrLine, emit: l.emit}
	return l
}

func (l *stderrLog) emit(line []byte, cut bool) error {
	if second := time.Now().Truncate(time.Second); !second.Equal(l.second) {
		l.second, l.lines = second, 0
	}
	if l.lines == stderrLinesPerSecond {
		l.unsaid++
		return nil
	}
	l.lines++
	text := strings.ToValidUTF8(string(line), "\uFFFD")
	if cut {
		text += "..."
	}
	attributes := []any{"line", text}
	if l.unsaid > 0 {
		attributes = append(attributes, "not_shown_before", l.unsaid)
		l.unsaid = 0
	}
	l.log.Info("exec: child wrote to stderr", attributes...)
	return nil
}

// end logs what is left.
func (l *stderrLog) end() {
	_ = l.splitter.end()
	if l.unsaid > 0 {
		l.log.Info("exec: child wrote more to stderr", "not_shown", l.unsaid)
	}
}
