package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

func (w *world) inspectDisk() *cli.Command {
	return &cli.Command{
		Name:  "disk",
		Usage: "show what takes up room, what keeps it from growing, and what one can do",
		Flags: showFlags(),
		Action: func(c *cli.Context) error {
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				d, err := n.Disk(ctx)
				if err != nil {
					return err
				}
				width, _ := w.screenSize()
				return draw(out, f, d, func() []string { return show.Disk(d, width) })
			})
		},
	}
}
