package demo

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress writes a line per second to stderr; on a terminal each one replaces the
// one before.
type progress struct {
	out      io.Writer
	terminal bool
	total    int
	begin    time.Time

	mu   sync.Mutex // guards the writes to out and what follows
	open bool       // the cursor stands behind a line that is to be replaced
	last int        // finished at the line before
	when time.Time  // of the line before
}

func newProgress(out io.Writer, total int) *progress {
	f, ok := out.(*os.File)
	now := time.Now()
	return &progress{out: out, terminal: ok && term.IsTerminal(int(f.Fd())), total: total, begin: now, when: now}
}

// show writes the state of the run. committed is the sum over the partitions.
func (p *progress) show(f findings, committed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	speed := rate(f.finished-p.last, now.Sub(p.when))
	p.last, p.when = f.finished, now
	text := fmt.Sprintf("%4.0fs  %s of %s done  %s/s  %d running  %s on disk  offset %s",
		now.Sub(p.begin).Seconds(), count(f.finished), count(p.total), count(int(speed)), f.running, count(f.durable), count(int(committed)))
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
		p.open = true
		return
	}
	fmt.Fprintln(p.out, text)
}

// say writes a line that stays.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLine()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// clear removes the line that would have been replaced.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLine()
}

// Write lets logs stand between the lines.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLine()
	return p.out.Write(b)
}

// closeLine is called with mu held.
func (p *progress) closeLine() {
	if p.open {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.open = false
	}
}
