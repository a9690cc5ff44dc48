package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/recovery"
)

func (w *world) repair() *cli.Command {
	return &cli.Command{
		Name:  "repair",
		Usage: "write what is sound of a damaged store to a new file, and name the rest",
		Description: "Everything whose checksum is right is kept, and what other parts tell is made anew. Each thing\n" +
			"that is lost is named, with what becomes of it: most is fetched from Kafka again. Without --execute\n" +
			"only that is shown. The damaged file stays beside the new one.\n\n" +
			"holdfast repair --data-dir /var/lib/holdfast --execute",
		Flags: append(bridgeFlags(),
			&cli.StringFlag{Name: "to", Usage: "`DIR` for the repaired store, on a disk with more room; without it the file is replaced"},
			&cli.StringFlag{Name: "group", Usage: "consumer group `NAME` of a store that does not tell it any more; without it the one of --config"},
			resultFlag(),
			&cli.BoolFlag{Name: "execute", Usage: "do it; without it only the plan is shown"}),
		Action: w.runRepair,
	}
}

// repaired is what a repair has done, or would do.
type repaired struct {
	Executed   bool   `json:"executed"`
	Path       string `json:"path"`         // of the repaired file; empty: only planned
	Kept       string `json:"damaged_path"` // where the damaged file is
	Before     int64  `json:"before_bytes"` // of the damaged file
	After      int64  `json:"after_bytes"`  // of the repaired one
	Store      string `json:"store"`        // its id
	Group      string `json:"group"`        //
	Partitions int    `json:"partitions"`   //
	Jobs       int    `json:"jobs"`         // unfinished
	Aside      int    `json:"aside"`        // apart from Kafka's order: parked, requeued
	Dead       int    `json:"dead"`         // dead letters
	Lost       []loss `json:"lost"`         // by name
	dir, to    string // as they were given
}

type loss struct {
	Where string `json:"where"`
	Error string `json:"error"`
	Then  string `json:"then"` // what becomes of it
}

func (w *world) runRepair(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	at, err := w.located(c)
	if err != nil {
		return err
	}
	dir, err := w.storeDir(c)
	if err != nil {
		return err
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	began := time.Now()
	report, err := recovery.Repair(ctx, dir, recovery.RepairOptions{To: c.String("to"), Group: at.Kafka.Group, DryRun: !c.Bool("execute"), Note: noteOf(c, began)})
	if err != nil {
		return err
	}
	r := repairedOf(report)
	r.dir, r.to = dir, c.String("to")
	return w.result(format, r, r.write)
}

func repairedOf(report recovery.RepairReport) repaired {
	r := repaired{
		Executed: report.Path != "", Path: report.Path, Kept: report.Kept, Before: report.Before, After: report.After,
		Store: report.Identity.StoreID, Group: report.Identity.Group,
		Partitions: report.Partitions, Jobs: report.Jobs, Aside: report.Aside, Dead: report.Dead, Lost: []loss{},
	}
	for _, l := range report.Lost {
		r.Lost = append(r.Lost, loss{l.Where, l.Err.Error(), l.Then})
	}
	return r
}

func (r repaired) write(to io.Writer) error {
	out := &firstError{to: to}
	if !r.Executed {
		out.printf("PLAN, nothing changed. Add --execute.\n")
	}
	out.printf("  store     %s of group %s, %s\n  salvaged  %s, %s, %s aside, %s\n",
		r.Store, r.Group, bytesText(r.Before), plural(r.Partitions, "partition"), plural(r.Jobs, "job"), plural(r.Aside, "job"), plural(r.Dead, "dead letter"))
	for _, l := range r.Lost {
		out.printf("DAMAGED  %s: %s; %s\n", printable(l.Where), printable(l.Error), l.Then)
	}
	if len(r.Lost) == 0 {
		out.printf("nothing is lost\n")
	}
	if r.Executed {
		out.printf("repaired to %s: %s; the damaged file is %s\n", r.Path, bytesText(r.After), r.Kept)
		if r.to != "" {
			out.printf("set data_dir to %s; do not start %s again\n", r.to, r.dir)
		}
	}
	return out.err
}

// firstError writes until a write fails.
type firstError struct {
	to  io.Writer
	err error
}

func (w *firstError) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.to, format, args...)
	}
}
