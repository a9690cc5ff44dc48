package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

func (w *world) dead() *cli.Command {
	return &cli.Command{
		Name:        "dead",
		Usage:       "write dead letters to a file, and read them again, edited or not",
		Subcommands: []*cli.Command{w.deadExport(), w.deadImport()},
	}
}

func (w *world) deadExport() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write dead letters, one JSON object a line",
		Description: "With --discard each is removed once it is in the file and that is on disk; without --execute only\n" +
			"the number of letters is shown then.\n\n" +
			"holdfast dead export --topic orders --buried-before 7d --to /mnt/x.ndjson --discard --execute",
		Flags: append(append(bridgeFlags(), deadSelectors()...),
			&cli.StringFlag{Name: "to", Usage: "`FILE` that is made; without it the letters go to stdout"},
			&cli.BoolFlag{Name: "discard", Usage: "remove what was written from the store; needs --to"},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the log and the audit trail"},
			&cli.BoolFlag{Name: "execute", Usage: "with --discard: do it"}),
		Action: w.runDeadExport,
	}
}

func (w *world) runDeadExport(c *cli.Context) error {
	q, err := deadQueryOf(c, time.Now())
	if err != nil {
		return err
	}
	to, discard := c.String("to"), c.Bool("discard")
	if discard && q.Topic == "" {
		return usagef("--discard removes nothing without a selector; say --topic and what else narrows it")
	}
	if discard && to == "" {
		return usagef("--discard needs --to: what goes to stdout may get lost")
	}
	return w.with(c, func(ctx context.Context, n *connection) error {
		switch {
		case to == "":
			done, err := inspect.Export{To: w.stdout}.Write(ctx, n, q)
			return errors.Join(err, nothingOf(c, done.Letters))
		case discard && !c.Bool("execute"):
			done, err := inspect.Export{To: io.Discard}.Write(ctx, n, q)
			if err == nil {
				_, err = fmt.Fprintf(w.stdout, "%sPLAN, nothing changed. Add --execute.\n  export   %s to %s\n  discard  %s\n",
					n.header(), plural(done.Letters, "dead letter"), to, plural(done.Letters-done.Damaged, "dead letter"))
			}
			return errors.Join(err, nothingOf(c, done.Letters))
		}
		return w.exportTo(ctx, c, n, q, to)
	})
}

// nothingOf is the error of a selection without a match.
func nothingOf(c *cli.Context, letters int) error {
	if letters == 0 && selects(c) {
		return errNothingMatched
	}
	return nil
}

// exportTo writes a new file, and leaves none behind without a letter in it.
func (w *world) exportTo(ctx context.Context, c *cli.Context, n *connection, q inspect.DeadQuery, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usagef("--to: %s exists; name a new file", path)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	done, err := inspect.Export{To: file, Discard: c.Bool("discard"), Reason: c.String("reason"), Sync: file.Sync}.Write(ctx, n, q)
	err = errors.Join(err, file.Sync(), file.Close())
	if done.Letters == 0 {
		return errors.Join(err, os.Remove(path), nothingOf(c, 0))
	}
	fmt.Fprintf(w.stdout, "%swrote %s to %s", n.header(), plural(done.Letters, "dead letter"), path)
	if c.Bool("discard") {
		fmt.Fprintf(w.stdout, ", discarded %d", done.Discarded)
	}
	fmt.Fprintln(w.stdout)
	if done.Damaged > 0 {
		fmt.Fprintf(w.stdout, "%s damaged: what can be read of them is written, and they are kept\n", plural(done.Damaged, "letter is"))
	}
	return err
}

func (w *world) deadImport() *cli.Command {
	return &cli.Command{
		Name:  "import",
		Usage: "read dead letters that were exported, edited or not",
		Description: "A letter that is still here takes over the record of the file where that differs, and notes that it\n" +
			"was changed; one that is not here is added. Key, value, headers and timestamp may be edited: a job keeps its name and\n" +
			"its lane. To import the same file again changes nothing.\n\n" +
			"holdfast dead import --from /mnt/x.ndjson --reason 'currency was missing' --execute",
		Flags: append(bridgeFlags(),
			&cli.StringFlag{Name: "from", Usage: "`FILE` to read; - is stdin"},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the log and the audit trail, which stays with the letters, too"},
			resultFlag(),
			&cli.BoolFlag{Name: "execute", Usage: "do it; without it only the plan is shown"}),
		Action: w.runDeadImport,
	}
}

func (w *world) runDeadImport(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	path, err := required(c, "from", "which file to read")
	if err != nil {
		return err
	}
	from := w.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return usagef("--from: %v", err)
		}
		defer file.Close()
		from = file
	}
	return w.with(c, func(ctx context.Context, n *connection) error {
		done, err := inspect.ImportDead(ctx, n, from, c.String("reason"), c.Bool("execute"))
		if err != nil && done.Letters == 0 {
			return err
		}
		return errors.Join(err, w.showImport(n, done, format, c.Bool("execute")))
	})
}

// imported is an import as a program reads it.
type imported struct {
	Executed bool `json:"executed"`
	inspect.Imported
}

func (w *world) showImport(n *connection, done inspect.Imported, format listing.Format, executed bool) error {
	if done.Refused == nil {
		done.Refused = []inspect.Group{}
	}
	i := imported{executed, done}
	err := w.result(format, i, func(out io.Writer) error { return i.write(out, n.header()) })
	switch {
	case err != nil:
		return err
	case done.Letters == 0:
		return errNothingMatched
	case len(done.Refused) > 0 && done.Done+done.AlreadyDone == 0:
		return fmt.Errorf("%w: none of the letters can be imported", errRefused)
	}
	return nil
}

func (done imported) write(to io.Writer, header string) error {
	out := &firstError{to: to}
	out.printf("%s", header)
	if !done.Executed {
		out.printf("PLAN, nothing changed. Add --execute.\n")
	}
	out.printf("  read          %s\n  import        %d\n  already_done  %d\n", plural(done.Letters, "dead letter"), done.Done, done.AlreadyDone)
	for _, g := range done.Refused {
		out.printf("  refused       %d: %s\n", g.Count, printable(g.Reason))
	}
	return out.err
}
