package apache

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a running broker. The goroutine that started it waits for its
// end, so that no broker outlives the test process: Linux sends the death
// signal when the thread that forked ends, and that thread is locked to the
// goroutine until then.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed by the goroutine once the process has ended
	err  error         // how it ended; read after done
}

func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer out.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// stop sends a signal and waits for the end, however the process words it.
func (p *process) stop(signal syscall.Signal, within time.Duration) error {
	if err := p.cmd.Process.Signal(signal); err != nil && err != os.ErrProcessDone {
		return fmt.Errorf("send %v: %w", signal, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(within):
		return fmt.Errorf("still running %v after %v", within, signal)
	}
}
