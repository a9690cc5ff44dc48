package exec

import (
	"context"
	"errors"
	"fmt"
	osexec "os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// pipeDelay bounds the wait for stderr after the child has ended: a
// descendant that left the process group may hold it open for ever.
const pipeDelay = time.Second

// ExitError is a process that did not end with exit code 0.
type ExitError struct {
	Code   int            // exit code; -1 where a signal ended the process
	Signal syscall.Signal // the signal, or 0
	Stderr string         // the end of stderr, at most 4 KiB
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("exit status %d", e.Code)
	if e.Signal != 0 {
		text = fmt.Sprintf("ended by signal %d (%s)", int(e.Signal), e.Signal)
	}
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}

// run starts cmd with the value on its stdin and waits until it has ended. When ctx ends,
// the process group gets SIGTERM and after grace SIGKILL.
func run(ctx context.Context, cmd *osexec.Cmd, value []byte, grace time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var stderr tail
	cmd.Stderr = &stderr
	if len(value) > 0 {
		stdin, err := stdinOf(value)
		if err != nil {
			return err
		}
		defer stdin.Close()
		cmd.Stdin = stdin
	}
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = pipeDelay

	// The parent of the death signal is the thread, not the process: the thread that
	// starts the child must outlive it. Waiting for a child holds a thread in any case.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	g := &group{id: cmd.Process.Pid}
	stop := context.AfterFunc(ctx, func() { g.terminate(grace) })
	defer stop()
	return result(ctx, reap(cmd, g), stderr.String())
}

// result turns the end of a process into the job's. Exit code 0 is done, even when it
// was cancelled meanwhile: the work has happened.
func result(ctx context.Context, err error, stderr string) error {
	if err == nil || errors.Is(err, osexec.ErrWaitDelay) {
		return nil
	}
	var exit *osexec.ExitError
	if errors.As(err, &exit) {
		typed := &ExitError{Code: exit.ExitCode(), Stderr: stderr}
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			typed.Signal = status.Signal()
		}
		err = typed
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// group is the process group of one child. Its id is only safe to signal until the
// child has been reaped; after that it may belong to somebody else.
type group struct {
	id int

	mu   sync.Mutex
	over bool        // guarded by mu: no signal is sent any more
	kill *time.Timer // guarded by mu: set by terminate
}

// terminate asks the group to end, and kills it after grace.
func (g *group) terminate(grace time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return
	}
	_ = syscall.Kill(-g.id, syscall.SIGTERM) // ESRCH: it is ending by itself
	g.kill = time.AfterFunc(grace, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.over {
			_ = syscall.Kill(-g.id, syscall.SIGKILL)
		}
	})
}

// end kills what the child has left behind in its group. The caller holds the child
// unreaped, so that the id is still its own.
func (g *group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	if g.kill != nil {
		g.kill.Stop()
	}
	_ = syscall.Kill(-g.id, syscall.SIGKILL)
}
