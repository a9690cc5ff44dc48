package main

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

func (w *world) compact() *cli.Command {
	return &cli.Command{
		Name:  "compact",
		Usage: "copy the store of a stopped bridge without its unused pages",
		Description: "Without --execute only the plan is shown. With --to the copy becomes the store: the old\n" +
			"directory stays as it is and must not be started again.\n\n" +
			"holdfast compact --data-dir /var/lib/holdfast --to /mnt/big --execute",
		Flags: append(bridgeFlags(),
			&cli.StringFlag{Name: "to", Usage: "`DIR` for the copy, on a disk with more room; without it the file is replaced"},
			&cli.BoolFlag{Name: "execute", Usage: "do it"}),
		Action: w.runCompact,
	}
}

func (w *world) runCompact(c *cli.Context) error {
	dir, err := w.storeDir(c)
	if err != nil {
		return err
	}
	to := c.String("to")
	if !c.Bool("execute") {
		return w.planCompact(c, dir, to)
	}
	report, err := recovery.Compact(c.Context, dir, recovery.CompactOptions{To: to})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "compacted to %s: %s, before %s\n", report.Path, bytesText(report.After), bytesText(report.Before))
	if err == nil && to != "" {
		_, err = fmt.Fprintf(w.stdout, "set data_dir to %s; do not start %s again\n", to, dir)
	}
	return err
}

func (w *world) planCompact(c *cli.Context, dir, to string) error {
	lock, err := recovery.LockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	found, err := checkFile(c.Context, filepath.Join(dir, queue.FileName), false)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "PLAN, nothing changed. Add --execute.\n  store  %s\n  file   %s, of which %s in use\n  copy   goes to %s, which needs room for what is in use and 32 MiB\n",
		dir, bytesText(found.Size), bytesText(found.Live), cmp.Or(to, dir))
	return err
}
