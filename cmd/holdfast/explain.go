package main

import (
	"context"
	"io"
	"math"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

func (w *world) explain() *cli.Command {
	return &cli.Command{
		Name:  "explain",
		Usage: "say why a committed offset is where it is, what happens next, and what one can do",
		Description: "With --offset it is about that job. Nothing is changed; the commands that it names show their\n" +
			"plans first.\n\n" +
			"holdfast explain --topic orders --partition 3",
		Flags: showFlags(append(onePartition(), &cli.Int64Flag{Name: "offset", Usage: "explain the job at offset `N`", DefaultText: "what the committed offset waits for"})...),
		Action: func(c *cli.Context) error {
			name, err := w.named(c)
			if err != nil {
				return err
			}
			var offset *int64
			if c.IsSet("offset") {
				offset = &name.Offset
			}
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				e, err := n.Explain(ctx, name.Topic, name.Partition, offset)
				if err != nil {
					return err
				}
				width, _ := w.screenSize()
				if err := draw(out, f, e, func() []string { return show.Explanation(e, width) }); err != nil {
					return err
				}
				if e.Cause == inspect.CauseUnknown {
					return errNothingMatched
				}
				return nil
			})
		},
	}
}

// onePartition are the flags that name a partition.
func onePartition() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "topic", Usage: "`NAME` of the topic; required"},
		&cli.IntFlag{Name: "partition", Usage: "number `N` of the partition; required", DefaultText: "none"},
	}
}

// named reads the flags that name a partition, and an offset where one is given.
func (w *world) named(c *cli.Context) (name inspect.Name, err error) {
	if name.Topic, err = required(c, "topic", "which topic it is about"); err != nil {
		return name, err
	}
	if !c.IsSet("partition") {
		return name, usagef("--partition is missing; it says which partition of %s it is about", name.Topic)
	}
	if n := c.Int("partition"); n < 0 || n > math.MaxInt32 {
		return name, usagef("--partition is %d; partitions are numbered from 0", n)
	}
	name.Partition, name.Offset = int32(c.Int("partition")), c.Int64("offset")
	if name.Offset < 0 {
		return name, usagef("--offset is %d; offsets are numbered from 0", name.Offset)
	}
	return name, nil
}
