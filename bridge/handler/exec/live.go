package exec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// live starts the process and returns when it has ended, and why. All that it starts has
// ended then, and every answer that was written is taken.
//
// The parent of the death signal is the thread: the one that starts the process waits here
// for its end, and belongs to nobody else meanwhile.
func (c *child) live(closing <-chan struct{}) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours, cmd, err := c.start()
	if err != nil {
		close(c.quit)
		return err
	}
	c.started(&group{id: cmd.Process.Pid})
	stderr := &tail{limit: c.program.OutputLimit}
	lines := newStderrLog(c.log, cmd.Process.Pid)

	var users sync.WaitGroup
	users.Go(func() { c.write(ours.stdin) })
	users.Go(func() { c.read(ours.stdout) })
	users.Go(func() {
		_, _ = io.Copy(io.MultiWriter(stderr, lines), ours.stderr) // fails at the deadline below
		lines.end()
	})
	users.Go(func() { c.leave(closing, ours.stdin) })
	err = reap(cmd, c.group)
	close(c.quit)
	ours.hurry()
	users.Wait()
	ours.close()
	return c.ending(exitError(err, "", stderr.String()))
}

// pipes are our ends.
type pipes struct{ stdin, stdout, stderr *os.File }

// hurry ends the use of the pipes of a process that has ended: what it wrote is there, and
// what others hold open is not waited for.
func (p *pipes) hurry() {
	limit := time.Now().Add(pipeDelay)
	_ = p.stdin.Close()
	_ = p.stdout.SetReadDeadline(limit) // an error: it is closed
	_ = p.stderr.SetReadDeadline(limit)
}

func (p *pipes) close() {
	for _, file := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if file != nil {
			_ = file.Close()
		}
	}
}

// start starts the process.
func (c *child) start() (ours *pipes, cmd *osexec.Cmd, err error) {
	ours, theirs := &pipes{}, &pipes{}
	defer theirs.close()
	var errs [3]error
	theirs.stdin, ours.stdin, errs[0] = os.Pipe()
	ours.stdout, theirs.stdout, errs[1] = os.Pipe()
	ours.stderr, theirs.stderr, errs[2] = os.Pipe()
	if err = errors.Join(errs[:]...); err == nil {
		cmd = c.program.command(nil)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs.stdin, theirs.stdout, theirs.stderr
		err = cmd.Start()
	}
	if err != nil {
		ours.close()
		return nil, nil, c.program.unstartable(err)
	}
	return ours, cmd, nil
}

// write hands over what is in line, as fast as the child reads.
func (c *child) write(stdin io.Writer) {
	out := bufio.NewWriterSize(stdin, 64<<10)
	for {
		var err error
		if line := c.next(); line != nil {
			_, err = out.Write(line)
		} else if err = out.Flush(); err == nil {
			select {
			case <-c.wake:
			case <-c.quit:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, os.ErrClosed) { // it is not we who closed it
				c.outlives("stdin")
			}
			return
		}
	}
}

// read takes the answers. A line that the end cuts off is none.
func (c *child) read(stdout io.Reader) {
	answers := &splitter{limit: maxAnswer, emit: func(line []byte, cut bool) error {
		err := error(nil)
		if cut {
			err = fmt.Errorf("a line is longer than %d bytes", maxAnswer)
		} else {
			err = c.answer(line)
		}
		if err != nil {
			return &ProtocolError{Reason: err.Error(), Line: quoted(line)}
		}
		return nil
	}}
	_, err := io.Copy(answers, stdout)
	var nonsense *ProtocolError
	if errors.As(err, &nonsense) {
		c.kill(nonsense)
		return
	}
	c.outlives("stdout")
}

// outlives kills a process that has closed its end of a pipe and does not end.
func (c *child) outlives(pipe string) {
	patience := time.NewTimer(pipeDelay)
	defer patience.Stop()
	select {
	case <-c.quit:
	case <-patience.C:
		c.kill(fmt.Errorf("it closed its %s and went on", pipe))
	}
}

// leave ends the process when the stream is closed.
func (c *child) leave(closing <-chan struct{}, stdin io.Closer) {
	select {
	case <-c.quit:
		return
	case <-closing:
	}
	_ = stdin.Close()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		patience := time.NewTimer(c.program.Grace)
		defer patience.Stop()
		select {
		case <-c.quit:
			return
		case <-patience.C:
			c.group.signal(signal)
		}
	}
}
