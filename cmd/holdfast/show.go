package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// showFlags are those of a command that shows what a bridge has.
func showFlags(own ...cli.Flag) []cli.Flag {
	return append(append(bridgeFlags(), own...), outputFlag("table, json (one array) or ndjson (one object a line)"),
		&cli.BoolFlag{Name: "watch", Usage: "show it again and again, until an interrupt"},
		&cli.DurationFlag{Name: "every", Usage: "with --watch: `DURATION` between two looks", Value: 2 * time.Second})
}

// picture is what a command shows. In a table the header comes first.
type picture func(_ context.Context, _ *connection, out io.Writer, f listing.Format) error

// show draws the picture once, or again and again under --watch.
func (w *world) show(c *cli.Context, draw picture) error {
	f, err := output(c)
	if err != nil {
		return err
	}
	if c.Duration("every") <= 0 {
		return usagef("--every is %s; it is above zero", c.Duration("every"))
	}
	headed := func(ctx context.Context, n *connection, out io.Writer) error {
		n.width, _ = w.screenSize()
		if f == listing.Table {
			if _, err := io.WriteString(out, n.header()); err != nil {
				return err
			}
		}
		return draw(ctx, n, out, f)
	}
	if c.Bool("watch") {
		return w.watch(c, headed)
	}
	return w.with(c, func(ctx context.Context, n *connection) error {
		out := bufio.NewWriter(w.stdout)
		err := headed(ctx, n, out)
		return errors.Join(err, out.Flush())
	})
}

// list is the picture of a list; one that selects nothing is errNothingMatched.
func list[T any](columns []listing.Column[T], selects bool, rows func(context.Context, inspect.Inspector) iter.Seq2[T, error]) picture {
	return func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
		count, err := listing.List[T]{Columns: columns, Width: n.width, Rows: rows(ctx, n)}.Write(out, f)
		switch {
		case err != nil || count > 0:
			return err
		case selects:
			return errNothingMatched
		case f == listing.Table:
			_, err = fmt.Fprintln(out, "none")
		}
		return err
	}
}

// slice are the rows of a call that returns all of them at once.
func slice[T any](rows []T, err error) iter.Seq2[T, error] {
	if err == nil {
		return listing.Of(rows)
	}
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// watch draws until a signal. A bridge that stops and starts again meanwhile is
// followed; its store is read once in between, and is not held.
func (w *world) watch(c *cli.Context, draw func(context.Context, *connection, io.Writer) error) error {
	at, err := w.located(c)
	if err != nil {
		return err
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	eye := &eye{world: w, at: at, target: targetOf(c), draw: draw}
	return listing.Watch{Out: w.stdout, Every: c.Duration("every"), Size: terminalSize(w.stdout)}.Run(ctx, eye.look)
}

// eye looks at a bridge again and again.
type eye struct {
	*world
	at      *config.Config
	target  target
	draw    func(context.Context, *connection, io.Writer) error
	offline bool // the store was shown; it does not change until a bridge runs
}

func (e *eye) look(ctx context.Context, out io.Writer) error {
	n, err := e.dial(ctx, e.at)
	switch {
	case errors.Is(err, errNoBridge) && e.offline:
		return nil
	case errors.Is(err, errNoBridge):
		n, err = e.open(ctx, e.at)
	}
	if err == nil {
		n.target = e.target
		var drawn bytes.Buffer
		err = errors.Join(e.draw(ctx, n, &drawn), n.close())
		e.offline = err == nil && !n.live
		if err == nil || errors.Is(err, errNothingMatched) {
			io.Copy(out, &drawn)
		}
	}
	if passing(err) {
		fmt.Fprintln(out, listing.Line(err.Error()))
		err = nil
	}
	return err
}

// passing tells whether what is watched may be there at the next look.
func passing(err error) bool {
	for _, target := range []error{errNothingMatched, recovery.ErrInUse, inspect.ErrNotRunning, inspect.ErrNotHeld} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// terminalSize asks for the size of stream; nil: it is no terminal.
func terminalSize(stream any) func() (columns, rows int) {
	if !terminal(stream) {
		return nil
	}
	return func() (columns, rows int) {
		columns, rows, err := term.GetSize(int(stream.(*os.File).Fd()))
		if err != nil {
			return 80, 24
		}
		return columns, rows
	}
}
