package exec

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"syscall"
)

// call is one run of a job in a child.
type call struct {
	id       string        // that the child answers to
	said     func(answer)  // takes what is said before the end, in order; must not block
	err      error         // what became of it; to be read after answered
	result   string        // of one that is done, to be produced; likewise
	answered chan struct{} // closed by the child it was given to
}

// message is a line for a child.
type message struct {
	line []byte
	call *call // that begins with it; nil: none does
}

// child is one process and the jobs it was given. A run is given to one child, once, under
// an id of its own: no answer can be taken for that of another run.
type child struct {
	program *program
	log     *slog.Logger
	slot    *slot

	wake chan struct{} // has room for one: there are lines to write
	quit chan struct{} // closed when the process has ended

	mu     sync.Mutex
	group  *group           // guarded by mu; nil: not started yet
	queue  []message        // guarded by mu; not written yet
	open   map[string]*call // guarded by mu; written and not answered
	killed error            // guarded by mu; why, if it is we who end it
	over   bool             // guarded by mu; the calls have been told

	fruitful bool // guarded by mu, and free to read after end: it has answered something
	puzzled  bool // of the reader: a line of a later kind has been logged
}

func newChild(p *program, log *slog.Logger, at *slot) *child {
	return &child{
		program: p, log: log, slot: at,
		wake: make(chan struct{}, 1),
		quit: make(chan struct{}),
		open: make(map[string]*call),
	}
}

// give puts a job in line. It is false where the child takes none any more.
func (c *child) give(job *call, line []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.killed != nil {
		return false
	}
	c.send(message{line, job})
	return true
}

// send is called with c.mu held.
func (c *child) send(m message) {
	c.queue = append(c.queue, m)
	select {
	case c.wake <- struct{}{}:
	default: // the writer has been woken already
	}
}

// next is the line to be written next; nil: there is none. From here on the child may have it.
func (c *child) next() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	m := c.queue[0]
	c.queue[0] = message{} // it may be large
	c.queue = c.queue[1:]
	if m.call != nil {
		c.open[m.call.id] = m.call
	}
	return m.line
}

// takeBack ends a call that the child has not seen. Otherwise it is false, and the child
// is told to end the run.
func (c *child) takeBack(job *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := slices.IndexFunc(c.queue, func(m message) bool { return m.call == job })
	if waiting >= 0 {
		c.queue = slices.Delete(c.queue, waiting, waiting+1)
		return true
	}
	if c.open[job.id] == job {
		c.send(message{line: encodeCancel(job.id)})
	}
	return false
}

// tell puts a line about a run in line, unless it has been answered.
func (c *child) tell(run *call, line []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[run.id] == run {
		c.send(message{line: line})
	}
}

// answer takes a line that the child has written. An error is nonsense.
func (c *child) answer(line []byte) error {
	a, err := decodeAnswer(line, c.program.OutputLimit)
	if err != nil {
		return err
	}
	c.mu.Lock()
	job, ok := c.open[a.id]
	if ok {
		job.said(a)
	}
	if ok && a.final {
		delete(c.open, a.id)
		c.fruitful = true
		job.err, job.result = a.err, a.result
		close(job.answered)
	}
	c.mu.Unlock()
	switch {
	case !ok:
		return fmt.Errorf("no job with the id %s is open, or it was answered before", quoted([]byte(a.id)))
	case a.unknown && !c.puzzled:
		c.puzzled = true
		c.log.Warn("exec: a child says what this version does not understand; its job stays open", "line", quoted(line))
	}
	return nil
}

// started tells which process it is.
func (c *child) started(g *group) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.group = g
}

// kill ends the process, for the first reason that is given.
func (c *child) kill(reason error) {
	c.slot.rest(c) // first, so that whom give refuses does not find it again
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed == nil {
		c.killed = reason
	}
	if c.group != nil {
		c.group.signal(syscall.SIGKILL)
	}
}

// ending is why the process has ended, given how it did.
func (c *child) ending(exit error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid := c.group.id
	if c.killed != nil {
		return fmt.Errorf("child %d was killed: %w", pid, c.killed)
	}
	if exit == nil {
		exit = errors.New("exit status 0")
	}
	return fmt.Errorf("child %d ended: %w", pid, exit)
}

// end tells the calls that are left that no answer will come, and how many they are.
func (c *child) end(err error) (lost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, m := range c.queue {
		if m.call != nil {
			c.open[m.call.id] = m.call
		}
	}
	for _, job := range c.open {
		job.err = err
		close(job.answered)
	}
	lost = len(c.open)
	c.queue, c.open = nil, nil
	return lost
}
