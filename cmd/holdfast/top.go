package main

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/top"
)

func (w *world) top() *cli.Command {
	return &cli.Command{
		Name:  "top",
		Usage: "watch a running bridge on a full screen, without changing anything",
		Description: "Keys: 1 partitions, 2 lanes, 3 workers, or tab for the next one; s another order; arrows, page up\n" +
			"and down or j and k for the cursor; enter explains what it is on, escape goes back; q ends.\n\n" +
			"holdfast top --config holdfast.yaml",
		Flags: append(bridgeFlags(),
			&cli.DurationFlag{Name: "every", Usage: "`DURATION` between two looks", Value: time.Second}),
		Action: w.runTop,
	}
}

// terminalFile is the terminal of the process, wherever its streams go.
const terminalFile = "/dev/tty"

func (w *world) runTop(c *cli.Context) error {
	every := c.Duration("every")
	if every <= 0 {
		return usagef("--every is %s; it is above zero", every)
	}
	if !terminal(w.stdout) {
		return usagef("top draws on a terminal; for other output there are holdfast status --watch and --output ndjson")
	}
	at, err := w.located(c)
	if err != nil {
		return err
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	n, err := w.dial(ctx, at)
	if errors.Is(err, errNoBridge) {
		return &passedOn{"no bridge runs on " + at.DataDir + "; " + targetOf(c).at("holdfast status") + " shows what is stored there", inspect.ErrNoBridge}
	}
	if err != nil {
		return err
	}
	n.target = targetOf(c)
	return errors.Join(top.Run(ctx, n, terminalFile, every), n.close())
}
