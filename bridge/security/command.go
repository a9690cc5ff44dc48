package security

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

const (
	commandWithin = 10 * time.Second
	// pipeDelay bounds the wait for output after the command has ended: what it
	// left behind may hold its output open.
	pipeDelay = time.Second
	maxReason = 200 // bytes of what a failed command says
)

// output runs a command and returns what it prints.
func output(ctx context.Context, command []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	stdout, stderr := &bounded{limit: credential.MaxSecret}, &bounded{limit: credential.MaxSecret}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = pipeDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it did not end within %v", commandWithin)
	case stdout.over || stderr.over:
		return nil, errors.New("it printed more than 64 KiB")
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return stdout.kept, nil
	}
	if said := lastLine(string(stderr.kept)); said != "" {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return nil, err
}

// bounded keeps what is written, and fails beyond its limit, which ends the
// writer of a pipe.
type bounded struct {
	kept  []byte
	limit int
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.limit {
		b.over = true
		return 0, errors.New("too much output")
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}

// lastLine is where a program that fails mostly says why.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := strings.ToValidUTF8(strings.TrimSpace(lines[len(lines)-1]), "?")
	if len(last) > maxReason {
		last = strings.ToValidUTF8(last[:maxReason], "") + "..."
	}
	return last
}
