package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// change is a command that changes what a bridge has to do. It shows its plan,
// and acts with --execute.
type change struct {
	name, usage, description string
	flags                    []cli.Flag
	whole                    bool // it is about the bridge, and needs no selector
	// selector is the flag without which nothing is selected; empty: any of them is enough.
	selector string
	// command is what the command line asks for.
	command func(*cli.Context) (inspect.Command, error)
}

// errRefused means that everything that was selected is refused.
var errRefused = errors.New("refused")

func (w *world) change(v change) *cli.Command {
	return &cli.Command{
		Name:        v.name,
		Usage:       v.usage,
		Description: v.description,
		Flags: append(append(bridgeFlags(), v.flags...),
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the log and the audit trail"},
			resultFlag(),
			&cli.BoolFlag{Name: "execute", Usage: "do it; without it only the plan is shown"}),
		Action: func(c *cli.Context) error { return w.runChange(c, v) },
	}
}

func (w *world) runChange(c *cli.Context, v change) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	if v.selector != "" && !c.IsSet(v.selector) {
		return usagef("%s acts on nothing without --%s", c.Command.HelpName, v.selector)
	}
	if v.selector == "" && !v.whole && !selects(c) {
		return usagef("%s acts on nothing without a selector; say --topic and what else narrows it", c.Command.HelpName)
	}
	command, err := v.command(c)
	if err != nil {
		return err
	}
	command.Reason = c.String("reason")
	if err := asUsage(command.Validate()); err != nil {
		return err
	}
	return w.with(c, func(ctx context.Context, n *connection) error {
		done, err := carryOut(ctx, n, command, c.Bool("execute"))
		if done == nil {
			return err
		}
		done.offline, done.target = n.header(), n.target
		err = cmp.Or(errors.Join(err, w.result(format, done, done.write)), done.verdict())
		if err == nil && format == listing.Table && n.live && done.goesOn() && !c.Bool("no-wait") {
			err = w.follow(ctx, n, done.Operation.Stored.ID, time.Second, progressText(*done.Operation.Stored))
		}
		if err == nil && format == listing.Table && n.live && done.drains() && !c.Bool("no-wait") {
			err = w.followDrain(ctx, n, command.Leave, time.Second)
		}
		return err
	})
}

// outcome is what came of a change, or would come of it.
type outcome struct {
	Status    string             `json:"status"`
	Plan      inspect.Plan       `json:"plan"`
	Operation *inspect.Operation `json:"operation"` // null: only planned

	execute bool
	offline string // the header of what is shown offline
	target  target
}

// The words that an outcome is summed up in.
const (
	statusPlanned = "planned"
	statusDone    = "done"
	statusAlready = "already_done"
	statusRefused = "refused"
	statusNothing = "nothing_matched"
)

// carryOut plans the command, and executes it where that is wanted. A selection
// that is too large for one plan is done bit by bit. With an error the outcome
// is what was done until then; nil: nothing was.
func carryOut(ctx context.Context, i inspect.Inspector, command inspect.Command, execute bool) (*outcome, error) {
	plan, err := i.Plan(ctx, command)
	if err != nil {
		return nil, err
	}
	out := &outcome{Plan: plan, execute: execute}
	left := changes(plan) + plan.More
	for step := plan; execute && changes(step) > 0; {
		op, err := i.Execute(ctx, step)
		if err != nil && out.Operation == nil && did(op) == 0 {
			return nil, err
		}
		out.add(op)
		if err != nil {
			return out.judged(), err
		}
		if step.More == 0 || step.Background || did(op) == 0 {
			break
		}
		if step, err = i.Plan(ctx, step.Command); err != nil {
			return out.judged(), err
		}
		if left -= did(op); limited(command) {
			atMost(&step, left)
		}
	}
	return out.judged(), nil
}

// limited tells whether a command says how many it is about at most.
func limited(c inspect.Command) bool { return c.Select.Limit > 0 || c.Dead.Limit > 0 }

// atMost leaves n in a plan: what is done is not selected any more, and others would
// be in its place.
func atMost(p *inspect.Plan, n int) {
	n = max(0, n)
	p.Jobs, p.Dead, p.Lanes = p.Jobs[:min(n, len(p.Jobs))], p.Dead[:min(n, len(p.Dead))], p.Lanes[:min(n, len(p.Lanes))]
}

// changes is how much a plan would change, as far as it names that.
func changes(p inspect.Plan) int {
	return len(p.Jobs) + len(p.Dead) + len(p.Lanes) + len(p.Pauses) + len(p.Operations) + len(p.Seeks) + len(p.Forgets) + len(p.Settings) + len(p.Again) + wholly(p)
}

// did is how much an operation has changed.
func did(op inspect.Operation) int {
	n := len(op.Done) + len(op.Lanes) + len(op.Pauses) + len(op.Seeks) + len(op.Forgets) + len(op.Settings)
	if ofBridge(op.Command.Verb) {
		n += len(op.Says)
	}
	if op.Stored != nil {
		n++
	}
	return n
}

// goesOn tells whether the bridge does the rest by itself.
func (o *outcome) goesOn() bool {
	return o.Operation != nil && o.Operation.Stored != nil && o.Operation.Stored.State == inspect.OperationRunning
}

// add joins the next bit of an operation to those before.
func (o *outcome) add(op inspect.Operation) {
	if o.Operation == nil {
		o.Operation = &op
		return
	}
	all := o.Operation
	all.Took += op.Took
	all.Stored = cmp.Or(op.Stored, all.Stored)
	all.Done = append(all.Done, op.Done...)
	all.Lanes = append(all.Lanes, op.Lanes...)
	all.Pauses = append(all.Pauses, op.Pauses...)
	all.AlreadyDone = append(all.AlreadyDone, op.AlreadyDone...)
	all.Refused = append(all.Refused, op.Refused...)
}

// judged says in Status how it went.
func (o *outcome) judged() *outcome {
	already, refused := o.alreadyDone(), o.refused()
	switch {
	case o.Operation != nil && did(*o.Operation) > 0:
		o.Status = statusDone
	case o.Operation == nil && changes(o.Plan) > 0:
		o.Status = statusPlanned
	case len(already) > 0:
		o.Status = statusAlready
	case len(refused) > 0:
		o.Status = statusRefused
	default:
		o.Status = statusNothing
	}
	return o
}

func (o *outcome) alreadyDone() []inspect.Group {
	if o.Operation == nil {
		return o.Plan.AlreadyDone
	}
	return append(o.Plan.AlreadyDone[:len(o.Plan.AlreadyDone):len(o.Plan.AlreadyDone)], o.Operation.AlreadyDone...)
}

func (o *outcome) refused() []inspect.Group {
	if o.Operation == nil {
		return o.Plan.Refused
	}
	return append(o.Plan.Refused[:len(o.Plan.Refused):len(o.Plan.Refused)], o.Operation.Refused...)
}

// verdict is the error that an outcome is.
func (o *outcome) verdict() error {
	switch o.Status {
	case statusNothing:
		return errNothingMatched
	case statusRefused:
		var reasons []string
		for _, g := range o.refused() {
			reasons = append(reasons, g.Reason)
		}
		return fmt.Errorf("%w: %s", errRefused, strings.Join(reasons, "; "))
	}
	return nil
}
