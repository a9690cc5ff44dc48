package main

import (
	"cmp"
	"io"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
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
			resultFlag(),
			&cli.BoolFlag{Name: "execute", Usage: "do it; without it only the plan is shown"}),
		Action: w.runCompact,
	}
}

// compacted is what a compaction has done, or would do.
type compacted struct {
	Executed bool   `json:"executed"`
	Path     string `json:"path"`         // of the compacted file; empty: only planned
	Before   int64  `json:"before_bytes"` // of the file
	Live     *int64 `json:"live_bytes"`   // of these in use; null: it was executed
	After    *int64 `json:"after_bytes"`  // of the compacted file; null: only planned
	dir, to  string // as they were given
}

func (w *world) runCompact(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	dir, err := w.storeDir(c)
	if err != nil {
		return err
	}
	to := c.String("to")
	if !c.Bool("execute") {
		return w.planCompact(c, format, dir, to)
	}
	began := time.Now()
	report, err := recovery.Compact(c.Context, dir, recovery.CompactOptions{To: to, Note: noteOf(c, began)})
	if err != nil {
		return err
	}
	done := compacted{Executed: true, Path: report.Path, Before: report.Before, After: &report.After, dir: dir, to: to}
	return w.result(format, done, done.write)
}

func (w *world) planCompact(c *cli.Context, format listing.Format, dir, to string) error {
	lock, err := recovery.LockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	if to != "" {
		if err := recovery.CanCompactTo(dir, to); err != nil {
			return err
		}
	}
	found, err := checkFile(c.Context, filepath.Join(dir, queue.FileName), false)
	if err != nil {
		return err
	}
	plan := compacted{Before: found.Size, Live: &found.Live, dir: dir, to: to}
	return w.result(format, plan, plan.write)
}

// ahead says what a file has beyond what is in use.
func ahead() string { return bytesText(queue.FileAhead) + " for what comes next" }

func (p compacted) write(to io.Writer) error {
	out := &firstError{to: to}
	if !p.Executed {
		expected := *p.Live + queue.FileAhead
		out.printf("PLAN, nothing changed. Add --execute.\n  store  %s\n  file   %s, of which %s in use\n  copy   goes to %s, which needs room for what is in use and 32 MiB\n",
			p.dir, bytesText(p.Before), bytesText(*p.Live), cmp.Or(p.to, p.dir))
		out.printf("  size   up to %s: what is in use, and %s%s\n", bytesText(expected), ahead(), map[bool]string{true: "; there is nothing to gain"}[p.Before <= expected])
		return out.err
	}
	out.printf("compacted to %s: %s, before %s\n", p.Path, bytesText(*p.After), bytesText(p.Before))
	if *p.After >= p.Before {
		out.printf("it got no smaller: a file holds what is in use, and %s\n", ahead())
	}
	if p.to != "" {
		out.printf("set data_dir to %s; do not start %s again\n", p.to, p.dir)
	}
	return out.err
}
