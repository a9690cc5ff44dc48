package inspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// reasonOver is said of an operation that is to be stopped.
const reasonOver = "it is over"

func noOperation(id string) error { return fmt.Errorf("%w: there is no operation %s", ErrNotFound, id) }

// stopVerb ends a stored operation.
type stopVerb struct{}

func (stopVerb) validate(c Command) error {
	var problems []error
	if c.Operation == "" {
		problems = append(problems, errors.New("no operation is named"))
	}
	if !c.Select.isZero() || !c.Dead.isZero() {
		problems = append(problems, errors.New("an operation is stopped by its id; it selects nothing else"))
	}
	if c.ResetAttempts {
		problems = append(problems, noReset(c.Verb))
	}
	return errors.Join(problems...)
}

func (stopVerb) plan(_ context.Context, i *inspector, plan *Plan) error {
	op, ok := i.store.Operation(plan.Command.Operation)
	if !ok {
		return noOperation(plan.Command.Operation)
	}
	plan.Matched = 1
	e, err := bulk.Read(op)
	switch {
	case err != nil:
		addOther(&plan.Refused, err.Error())
	case !e.Running():
		addOther(&plan.AlreadyDone, reasonOver)
	default:
		plan.Operations = append(plan.Operations, shownOperation(&e))
	}
	return nil
}

func (stopVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	for {
		stored, ok := i.store.Operation(plan.Command.Operation)
		if !ok {
			return noOperation(plan.Command.Operation)
		}
		e, err := bulk.Read(stored)
		if err != nil {
			return err
		}
		if !e.Running() {
			addOther(&op.AlreadyDone, reasonOver)
			return nil
		}
		e.End(bulk.Stopped, "stopped by "+ActorOf(ctx)+because(plan.Command.Reason), i.now())
		if err := e.Write(&stored); err != nil {
			return err
		}
		if _, err := i.store.PutOperation(stored); errors.Is(err, queue.ErrOperationChanged) {
			continue // it has come a bit further
		} else if err != nil {
			return err
		}
		if err := i.store.Sync(ctx); err != nil {
			return err
		}
		shown := shownOperation(&e)
		op.Stored = &shown
		return nil
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
