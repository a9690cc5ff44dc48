package exec

import (
	"context"
	"time"

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
	limited, cancel := h.program.limit(ctx)
	defer cancel()
	overdue, end := h.program.overdue(ctx, limited)
	defer end()
	return run(limited, overdue, h.program, job)
}

// limit is the context of one run, which ends with the time limit.
func (p *program) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.Timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, p.Timeout, &TimeoutError{After: p.Timeout})
}

// overdue is a context that ends when a run that was told to end is to be killed. job is
// the context of the job, and run the one with the time limit.
func (p *program) overdue(job, run context.Context) (context.Context, context.CancelFunc) {
	ctx, kill := context.WithCancel(context.Background())
	after := func(ended context.Context, grace time.Duration) func() bool {
		return context.AfterFunc(ended, func() { time.AfterFunc(grace, kill) })
	}
	stopRun, stopJob := after(run, p.Grace), after(job, min(p.Grace, cancelGrace))
	return ctx, func() { stopRun(); stopJob(); kill() }
}

// grace is how long a run may go on after its end, as the context of its job is now.
func (p *program) grace(job context.Context) time.Duration {
	if job.Err() != nil {
		return min(p.Grace, cancelGrace)
	}
	return p.Grace
}
