package exec

import (
	"context"
	"os"
	osexec "os/exec"

	"github.com/seed-2837c37b/holdfast/bridge"
)

type handler struct {
	config  Config
	program string
	base    []string // environment that every child gets
}

// New returns the handler, or says why its command cannot be run. It starts nothing.
func New(config Config) (bridge.Handler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	program, err := config.program()
	if err != nil {
		return nil, err
	}
	return &handler{
		config:  config,
		program: program,
		base:    baseEnvironment(os.Environ(), config.Env),
	}, nil
}

// Handle runs one process for job.
func (h *handler) Handle(ctx context.Context, job *bridge.Job) error {
	cmd := &osexec.Cmd{
		Path: h.program,
		Args: h.config.Command,
		Dir:  h.config.Dir,
		Env:  append(h.base[:len(h.base):len(h.base)], jobEnvironment(job)...),
	}
	return run(ctx, cmd, job.Value, h.config.grace())
}
