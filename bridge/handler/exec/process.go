package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// pipeDelay bounds the wait for a child's pipes after it has ended: a
// descendant that left the process group may hold them open for ever.
const pipeDelay = time.Second

// dataError is the exit code (EX_DATAERR of sysexits.h) that gives the job up.
const dataError = 65

// run starts a process for job and waits until it has ended. When ctx ends, the
// process group gets SIGTERM, and SIGKILL when overdue does.
func run(ctx, overdue context.Context, p *program, job *bridge.Job) error {
	cmd := p.command(jobEnvironment(job))
	stdout, stderr := &tail{limit: p.OutputLimit}, &tail{limit: p.OutputLimit}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	var produced *produced
	if job.WantsResult() {
		produced = newProduced()
		cmd.Stdout = io.MultiWriter(stdout, produced)
	}
	if len(job.Value) > 0 {
		stdin, err := stdinOf(job.Value)
		if err != nil {
			return err
		}
		defer stdin.Close()
		cmd.Stdin = stdin
	}
	cmd.WaitDelay = pipeDelay

	// The parent of the death signal is the thread, not the process: the thread that
	// starts the child must outlive it. Waiting for a child holds a thread in any case.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return p.unstartable(err)
	}
	g := &group{id: cmd.Process.Pid}
	defer context.AfterFunc(ctx, func() { g.signal(syscall.SIGTERM) })()
	defer context.AfterFunc(overdue, func() { g.signal(syscall.SIGKILL) })()
	err := reap(cmd, g)
	if err = exitError(err, stdout.String(), stderr.String()); err == nil && produced != nil {
		return produced.handOver(job)
	}
	return result(ctx, err)
}

// result turns the end of a process into the job's. What a process says by its exit
// code counts, even when it was cancelled meanwhile: the work has happened.
func result(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var exit *ExitError
	if errors.As(err, &exit) && exit.Code == dataError {
		err = bridge.Bury(err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}
