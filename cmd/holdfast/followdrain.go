package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// noWaitFlag ends a command where else it would show what the bridge goes on with.
func noWaitFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-wait", Usage: "do not show how far the bridge is until it is done"}
}

// drains tells whether the bridge is at a drain now, for this command or already.
func (o *outcome) drains() bool {
	c := o.Plan.Command
	return o.execute && c.Verb == inspect.Drain && !c.Undo
}

// followDrain shows how far a bridge is drained, until it is empty, or has stopped
// where it leaves its group, as it may have already, or until a signal, after which
// it goes on by itself.
func (w *world) followDrain(ctx context.Context, n *connection, leaves bool, every time.Duration) error {
	said, size, epoch := "", terminalSize(w.stdout), uint64(0)
	tell := func(format string, args ...any) {
		said = progress(w.stdout, size != nil, fmt.Sprintf(format, args...), said)
	}
	if size != nil {
		defer fmt.Fprintln(w.stdout)
	}
	for {
		status, err := n.Status(ctx)
		d := status.Drain
		switch {
		case ctx.Err() != nil:
			tell("still being drained: %s shows it, %s takes it back", n.target.at("holdfast status"), n.target.at("holdfast drain --undo"))
			return nil
		case errors.Is(err, inspect.ErrNotRunning) && leaves:
			tell("the bridge has stopped")
			return nil
		case err != nil:
			return err
		case d == nil || epoch > 0 && status.Epoch != epoch:
			return fmt.Errorf("%w: records are fetched again: the bridge was started anew, or somebody has taken the drain back", errNotFinished)
		case d.Empty:
			tell("drained: everything that can be is finished and committed%s", stuckText(*d))
			if !d.Leaves {
				return nil
			}
		default:
			tell("draining  %d to go  %d running%s", d.Going, d.Running, stuckText(*d))
		}
		epoch, leaves = status.Epoch, d.Leaves
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
	}
}

// stuckText tells of what a drain does not wait for.
func stuckText(d inspect.Draining) string {
	if d.Stuck == 0 {
		return ""
	}
	return fmt.Sprintf("  %d wait for an operator", d.Stuck)
}
