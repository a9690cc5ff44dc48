package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"
)

func (w *world) snapshot() *cli.Command {
	return &cli.Command{
		Name:  "snapshot",
		Usage: "copy the store, as it is now, while the bridge goes on",
		Description: "The copy is of one moment, on disk and checked when the command ends, and a data directory of its\n" +
			"own. A running bridge writes it, as its own user. A bridge that is started on it later continues from\n" +
			"then, and says beforehand what would run again; of two copies that are in use at a time one is refused.\n\n" +
			"holdfast snapshot --data-dir /var/lib/holdfast --to /mnt/backup/2026-01-31",
		Flags: append(bridgeFlags(),
			&cli.StringFlag{Name: "to", Usage: "`DIR` for the copy, made if missing; it must not hold a store"},
			resultFlag()),
		Action: w.runSnapshot,
	}
}

func (w *world) runSnapshot(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	to, err := required(c, "to", "where the copy goes")
	if err != nil {
		return err
	}
	if to, err = filepath.Abs(to); err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	return w.with(c, func(ctx context.Context, n *connection) error {
		report, err := n.Snapshot(ctx, to)
		if err != nil {
			return err
		}
		return w.result(format, report, func(out io.Writer) error {
			_, err := fmt.Fprintf(out, "%scopied the store to %s: %s in %v\n", n.header(), report.Path, bytesText(report.Size), report.Took.Round(time.Millisecond))
			return err
		})
	})
}
