package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"syscall"
	"time"
)

// Work is what the child process of a run with Crash does: it reads its job from
// stdin, tells its events on stdout, and stops as planned when stdin ends, which it
// also does when the parent dies.
//
// The goroutine that reads stdin ends with it.
func Work(ctx context.Context, stdin io.Reader, stdout io.Writer, logger *slog.Logger) error {
	var j job
	input := json.NewDecoder(stdin)
	if err := input.Decode(&j); err != nil {
		return fmt.Errorf("read the job: this command is started by demo --crash: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	return work(ctx, j, logger, writeTo(stdout))
}

// pipeDelay bounds the wait for the pipes of a child that has ended.
const pipeDelay = time.Second

// worker is who does the work at the moment, in this process or in another one.
type worker struct {
	stop  func()        // asks for a planned stop
	kill  func()        // SIGKILL; nil for a worker in this process
	ended chan struct{} // closed when it has ended and all its events were seen
	err   error         // why; to be read after ended
}

// workHere starts a bridge in this process.
func workHere(ctx context.Context, j job, logger *slog.Logger, o *observer) *worker {
	ctx, cancel := context.WithCancel(ctx)
	w := &worker{stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		defer cancel()
		w.err = work(ctx, j, logger, func(events ...event) error {
			o.see(events...)
			return nil
		})
	}()
	return w
}

// workInChild starts a bridge in a child process, which is killed when ctx ends.
func workInChild(ctx context.Context, self []string, j job, stderr io.Writer, o *observer) (*worker, error) {
	cmd := exec.CommandContext(ctx, self[0], self[1:]...)
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the parent
	cmd.WaitDelay = pipeDelay
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	w := &worker{
		stop:  func() { _ = stdin.Close() },
		kill:  func() { _ = cmd.Process.Kill() },
		ended: make(chan struct{}),
	}
	go func() {
		defer close(w.ended)
		err := json.NewEncoder(stdin).Encode(j)
		if err == nil {
			err = readEvents(stdout, func(e ...event) { o.see(e...) })
		}
		if err != nil {
			w.kill()
		}
		// Wait closes stdout, so it comes after the last event was read.
		if ended := cmd.Wait(); err == nil && ended != nil {
			err = fmt.Errorf("worker process: %w", ended)
		}
		w.err = err
	}()
	return w, nil
}

// wasKilled reports whether the error of a child is that it was killed.
func wasKilled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
