package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

func (w *world) operations() *cli.Command {
	return &cli.Command{
		Name:  "operations",
		Usage: "list what a bridge does by itself with many jobs or dead letters, and how far it is",
		Description: "A retry, skip, bury, requeue, discard, park or release of many is a stored operation: it goes on without\n" +
			"the terminal and over a restart. With --id and --watch one is followed until it is over.\n\n" +
			"holdfast operations --id rq-7f3a --watch",
		Flags: showFlags(&cli.StringFlag{Name: "id", Usage: "only the operation of that `ID`, as rq-7f3a"}),
		Action: func(c *cli.Context) error {
			id := c.String("id")
			if id != "" && c.Bool("watch") && c.String("output") == string(listing.Table) {
				return w.with(c, func(ctx context.Context, n *connection) error { return w.follow(ctx, n, id, c.Duration("every"), "") })
			}
			return w.show(c, list(operationColumns(time.Now), id != "", func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.BulkOperation, error] {
				return slice(operationsOf(ctx, i, id))
			}))
		},
		Subcommands: []*cli.Command{w.stopOperation()},
	}
}

func (w *world) stopOperation() *cli.Command {
	return w.change(change{
		name: "stop", usage: "stop an operation: what it has not taken yet stays as it is",
		description: "holdfast operations stop --id rq-7f3a --execute",
		flags:       []cli.Flag{&cli.StringFlag{Name: "id", Usage: "`ID` of the operation, as rq-7f3a"}},
		selector:    "id",
		command: func(c *cli.Context) (inspect.Command, error) {
			return inspect.Command{Verb: inspect.StopOperation, Operation: c.String("id")}, nil
		},
	})
}

// operationsOf are the stored operations; with an id only that one.
func operationsOf(ctx context.Context, i inspect.Inspector, id string) ([]inspect.BulkOperation, error) {
	all, err := i.Operations(ctx)
	return slices.DeleteFunc(all, func(op inspect.BulkOperation) bool { return id != "" && op.ID != id }), err
}

func operationColumns(now func() time.Time) []listing.Column[inspect.BulkOperation] {
	type operation = inspect.BulkOperation
	return []listing.Column[operation]{
		{Name: "OPERATION", Cell: func(o operation) string { return o.ID }},
		{Name: "STATE", Cell: func(o operation) string { return string(o.State) }},
		{Name: "BEGAN", Cell: func(o operation) string { return listing.Age(o.Began, now()) + " ago" }, Right: true, Drop: 3},
		{Name: "TAKEN", Cell: func(o operation) string { return fmt.Sprintf("%d/%d", o.Taken, o.Matched) }, Right: true},
		{Name: "DONE", Cell: func(o operation) string { return strconv.Itoa(o.Done) }, Right: true, Drop: 1},
		{Name: "FAILED AGAIN", Cell: func(o operation) string { return strconv.Itoa(o.DeadAgain + o.FailedAgain + o.ParkedAgain) }, Right: true, Drop: 2},
		{Name: "LEFT", Cell: leftOf, Right: true},
		{Name: "BY", Cell: func(o operation) string { return o.Actor }, Drop: 4},
		{Name: "COMMAND", Cell: func(o operation) string { return o.What }, Max: 60},
		{Name: "REASON", Cell: func(o operation) string { return o.Reason }},
	}
}

func leftOf(o inspect.BulkOperation) string {
	if o.Left == nil {
		return listing.None
	}
	return listing.Duration(o.Left.Round(time.Second))
}

// errNotFinished means that a stored operation ended without having taken all
// that it was about.
var errNotFinished = errors.New("not finished")

// follow shows how far a stored operation is, until it is over, or until a signal,
// after which it goes on by itself. What was said of it already is not said twice.
func (w *world) follow(ctx context.Context, n *connection, id string, every time.Duration, said string) error {
	size := terminalSize(w.stdout)
	for {
		found, err := operationsOf(ctx, n, id)
		switch {
		case ctx.Err() != nil:
			fmt.Fprintf(w.stdout, "\nstill running in the bridge: %s\n", n.target.at("holdfast operations --id "+id+" --watch"))
			return nil
		case err != nil:
			return err
		case len(found) == 0:
			return fmt.Errorf("%w: there is no operation %s", errNothingMatched, id)
		}
		op := found[0]
		said = progress(w.stdout, size != nil, progressText(op), said)
		if op.State != inspect.OperationRunning || !n.live {
			if size != nil {
				fmt.Fprintln(w.stdout)
			}
			return ended(op, n.live)
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
	}
}

// progress writes a line that replaces the one before on a terminal; elsewhere
// it follows, unless it says the same.
func progress(out io.Writer, terminal bool, line, before string) string {
	switch {
	case terminal:
		fmt.Fprintf(out, "\r%s\x1b[K", line)
	case line != before:
		fmt.Fprintln(out, line)
	}
	return line
}

func progressText(op inspect.BulkOperation) string {
	text := fmt.Sprintf("operation %s  %d/%d %s", op.ID, op.Taken, op.Matched, verbWords[op.Verb].done)
	switch op.Verb {
	case inspect.Requeue:
		text += fmt.Sprintf("  %d done  %d dead again", op.Done, op.DeadAgain)
	case inspect.Retry:
		text += fmt.Sprintf("  %d done  %d failed again", op.Done, op.FailedAgain)
	case inspect.Release:
		text += fmt.Sprintf("  %d done  %d parked again", op.Done, op.ParkedAgain)
	}
	if op.Forgotten > 0 {
		text += fmt.Sprintf("  %d forgotten", op.Forgotten)
	}
	if op.Waiting > 0 {
		text += fmt.Sprintf("  %d not finished", op.Waiting)
	}
	if n := countOf(op.Refused); n > 0 {
		text += fmt.Sprintf("  %d refused", n)
	}
	if op.AlreadyDone > 0 {
		text += fmt.Sprintf("  %d already done", op.AlreadyDone)
	}
	if op.State != inspect.OperationRunning {
		return text + "  " + string(op.State) + reasons(op.Refused)
	}
	if left := leftOf(op); left != listing.None {
		text += "  " + left + " left"
	}
	return text
}

func countOf(groups []inspect.Group) (n int) {
	for _, g := range groups {
		n += g.Count
	}
	return n
}

// reasons are the first of those for which an operation that is over has refused some.
func reasons(groups []inspect.Group) (text string) {
	for _, g := range groups[:min(shownNames, len(groups))] {
		text += fmt.Sprintf("\n  refused    %s: %s", listing.Count(g.Count), listing.Line(g.Reason))
	}
	return text
}

// ended is the error of an operation that is over.
func ended(op inspect.BulkOperation, live bool) error {
	switch op.State {
	case inspect.OperationDone:
		return nil
	case inspect.OperationRunning:
		if live {
			return nil
		}
		return fmt.Errorf("%w: operation %s goes on when the bridge runs", errNotFinished, op.ID)
	}
	return fmt.Errorf("%w: operation %s is %s: %s", errNotFinished, op.ID, op.State, op.Reason)
}
