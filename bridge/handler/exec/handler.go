package exec

import (
	"context"

	"github.com/seed-2837c37b/holdfast/bridge"
)

type handler struct{ program *program }

// New returns the handler that starts a process for each job, or says why it could not.
// It starts nothing yet.
func New(config Config) (bridge.Handler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	p, err := config.program()
	if err != nil {
		return nil, err
	}
	return &handler{program: p}, nil
}

// Handle runs one process for job.
func (h *handler) Handle(ctx context.Context, job *bridge.Job) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := h.program.limit(ctx)
	defer cancel()
	return run(ctx, h.program, job)
}

// limit is the context of one run, which ends with the time limit.
func (p *program) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.Timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, p.Timeout, &TimeoutError{After: p.Timeout})
}
