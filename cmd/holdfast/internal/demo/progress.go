package demo

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/screen"
)

// progress tells people how far a run is, one line per second. It is used by one
// goroutine at a time.
type progress struct {
	lines  io.Writer      // lines that stay
	status *screen.Screen // nil: a line of progress stays like any other
	total  int
	begin  time.Time

	last int       // finished at the line before
	when time.Time // of the line before
}

func newProgress(stderr io.Writer, o Options) *progress {
	now := time.Now()
	p := &progress{lines: &shared{to: stderr}, status: o.Status, total: o.Records, begin: now, when: now}
	if p.status != nil {
		p.lines = p.status
	}
	return p
}

// show writes the state of the run. committed is the sum over the partitions.
func (p *progress) show(f findings, committed int64) {
	now := time.Now()
	speed := rate(f.finished-p.last, now.Sub(p.when))
	p.last, p.when = f.finished, now
	line := fmt.Sprintf("%4.0fs  %s of %s done  %s/s  %d running  %s on disk  offset %s",
		now.Sub(p.begin).Seconds(), count(f.finished), count(p.total), count(int(speed)), f.running, count(f.durable), count(int(committed)))
	if p.status != nil {
		p.status.Show(line)
		return
	}
	fmt.Fprintln(p.lines, line)
}

// say writes a line that stays.
func (p *progress) say(format string, args ...any) {
	fmt.Fprintf(p.lines, format+"\n", args...)
}

// end removes the status line: what comes now is for stdout.
func (p *progress) end() {
	if p.status != nil {
		p.status.Clear()
	}
}

// shared is a writer for several goroutines: what a child writes to stderr comes
// on one of its own.
type shared struct {
	mu sync.Mutex
	to io.Writer // guarded by mu
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}
