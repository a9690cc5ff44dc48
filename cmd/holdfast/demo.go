package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/demo"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/screen"
)

// demoChild is the command that demo --crash starts, kills and starts again.
const demoChild = "demo-child"

func (w *world) demo() *cli.Command {
	defaults := demo.Defaults()
	return &cli.Command{
		Name:  "demo",
		Usage: "show a bridge at work without a Kafka, and prove what happened",
		Description: "A broker in this process, a skewed stream of records over many keys, and a handler that\n" +
			"takes its time. Order per key, completeness and the committed offsets are checked from\n" +
			"outside of the bridge; the exit code is 1 if order broke, anything was lost, a durably\n" +
			"finished job ran twice or an offset is not at its end.\n\n" +
			"holdfast demo --crash",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "records", Usage: "`N` records in the stream", Value: defaults.Records},
			&cli.IntFlag{Name: "keys", Usage: "`N` keys to draw from, a few of them often", Value: defaults.Keys},
			&cli.IntFlag{Name: "partitions", Usage: "`N` partitions of the topic", Value: defaults.Partitions},
			&cli.DurationFlag{Name: "latency", Usage: "`TIME` that a job takes", Value: defaults.Latency},
			&cli.IntFlag{Name: "workers", Usage: "`N` jobs at a time", Value: defaults.Workers},
			&cli.BoolFlag{Name: "crash", Usage: "kill the process that works half-way (SIGKILL), and start it again"},
			resultFlag(),
		},
		Action: w.runDemo,
	}
}

func (w *world) runDemo(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program to start a worker with: %w", err)
	}
	options := demo.Options{
		Records:    c.Int("records"),
		Keys:       c.Int("keys"),
		Partitions: c.Int("partitions"),
		Latency:    c.Duration("latency"),
		Workers:    c.Int("workers"),
		Crash:      c.Bool("crash"),
		Output:     format,
		Self:       []string{self, demoChild},
	}
	if err := options.Validate(); err != nil {
		return usagef("%v", err)
	}
	if terminal(w.stderr) {
		options.Status = screen.New(w.stderr, columns(w.stderr))
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	err = demo.Run(ctx, options, w.stdout, w.stderr)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted; nothing is left behind")
	}
	return err
}

func (w *world) demoChild() *cli.Command {
	return &cli.Command{
		Name:   demoChild,
		Usage:  "do the work of a demo in a process that can be killed",
		Hidden: true,
		Action: func(c *cli.Context) error {
			logger := slog.New(slog.NewTextHandler(w.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
			return demo.Work(c.Context, w.stdin, w.stdout, logger)
		},
	}
}
