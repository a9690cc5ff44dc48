package apache

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/child"
)

// process is a running broker, which does not outlive the test process.
type process struct{ *child.Process }

func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	p, err := child.Start(cmd, log)
	if err != nil {
		return nil, err
	}
	return &process{p}, nil
}

// stop sends a signal and waits for the end, however the process words it.
func (p *process) stop(signal syscall.Signal, within time.Duration) error {
	if err := p.Cmd.Process.Signal(signal); err != nil && err != os.ErrProcessDone {
		return fmt.Errorf("send %v: %w", signal, err)
	}
	select {
	case <-p.Done:
		return nil
	case <-time.After(within):
		return fmt.Errorf("still running %v after %v", within, signal)
	}
}
