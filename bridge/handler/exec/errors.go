package exec

import (
	"errors"
	"fmt"
	osexec "os/exec"
	"syscall"
	"time"
)

// ExitError is how a process ended that did not do its job.
type ExitError struct {
	Code   int            // exit code; -1 where a signal ended the process
	Signal syscall.Signal // the signal, or 0
	Stderr string         // the end of stderr, at most Config.OutputLimit bytes
	Stdout string         // the end of stdout, likewise; empty in a stream, where it has the answers
}

// Error has what the process wrote to stderr, or to stdout where that is nothing.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("exit status %d", e.Code)
	if e.Signal != 0 {
		text = fmt.Sprintf("ended by signal %d (%s)", int(e.Signal), e.Signal)
	}
	for _, output := range []string{e.Stderr, e.Stdout} {
		if output != "" {
			return text + ": " + output
		}
	}
	return text
}

// TimeoutError is a job that took longer than Config.Timeout.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("time limit of %v passed", e.After) }

// exitError is the end of a process as Wait reports it; nil: it ended with 0.
func exitError(err error, stdout, stderr string) error {
	var exit *osexec.ExitError
	switch {
	case err == nil, errors.Is(err, osexec.ErrWaitDelay):
		return nil
	case !errors.As(err, &exit):
		return err
	}
	typed := &ExitError{Code: exit.ExitCode(), Stderr: stderr, Stdout: stdout}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		typed.Signal = status.Signal()
	}
	return typed
}

// quoted is the beginning of what a process wrote, for an error.
func quoted(line []byte) string {
	const most = 100
	if len(line) <= most {
		return fmt.Sprintf("%q", line)
	}
	return fmt.Sprintf("%q...", line[:most])
}
