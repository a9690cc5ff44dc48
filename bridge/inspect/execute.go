package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Operation is what Execute did. What it calls done is on disk.
type Operation struct {
	Command Command       `json:"command"`
	Began   time.Time     `json:"began_at"`
	Took    time.Duration `json:"took_seconds"`
	Done    []Name        `json:"done"`
	Lanes   []ParkedLane  `json:"lanes"`  // that were released or discarded
	Pauses  []PauseEntry  `json:"pauses"` // that began, changed or ended
	// Stored is the operation that was stored to execute the plan, or stopped.
	Stored      *BulkOperation `json:"stored"`
	AlreadyDone []Group        `json:"already_done"` // nothing was to be done about these any more
	Refused     []Group        `json:"refused"`
	// Says tells in sentences what goes on.
	Says     []string        `json:"says"`
	Seeks    []SeekTarget    `json:"seeks"`    // partitions that were moved
	Forgets  []ForgetTarget  `json:"forgets"`  // partitions of which nothing is left
	Settings []SettingChange `json:"settings"` // that were changed
}

// batchJobs is how many jobs are acted on between two flushes.
const batchJobs = 256

// Execute does what the plan shows.
func (i *inspector) Execute(ctx context.Context, plan Plan) (Operation, error) {
	if err := plan.Command.Validate(); err != nil {
		return Operation{}, err
	}
	op := &Operation{Command: plan.Command, Began: i.now()}
	entry, err := i.auditBegin(ctx, plan, op)
	if err == nil {
		err = plan.Command.verb().execute(ctx, i, plan, op)
		op.Took = i.now().Sub(op.Began)
		slices.SortFunc(op.Done, compareNames)
		err = cmp.Or(err, i.auditResult(ctx, entry, op, err))
	}
	i.report(op, ActorOf(ctx), err)
	if err != nil {
		return *op, fmt.Errorf("execute %s: %w", op.Command.Verb, err)
	}
	return *op, nil
}

func (i *inspector) report(op *Operation, actor string, err error) {
	attrs := []any{"command", op.Command, "actor", actor, "done", len(op.Done), "lanes", len(op.Lanes), "pauses", len(op.Pauses), "already_done", count(op.AlreadyDone), "refused", count(op.Refused), "took", op.Took}
	if op.Stored != nil {
		attrs = append(attrs, "operation", op.Stored.ID)
	}
	if err != nil {
		i.opt.Logger.Error("operator's command failed; what it names as done is done", append(attrs, "error", err)...)
		return
	}
	i.opt.Logger.Info("operator's command executed", attrs...)
}
