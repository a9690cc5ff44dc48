package main

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

func (w *world) inspectJobs() *cli.Command {
	return &cli.Command{
		Name:  "jobs",
		Usage: "list unfinished jobs, by partition and offset",
		Description: "ATTEMPTS are the runs that were counted; +1 is one under way. As JSON jobs come with their failed\n" +
			"attempts.\n\n" +
			"holdfast inspect jobs --topic orders --state halted,retrying",
		Flags: showFlags(jobSelectors()...),
		Action: func(c *cli.Context) error {
			q, err := queryOf(c)
			if err != nil {
				return err
			}
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				return list(show.JobColumns(time.Now()), selects(c), func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.Job, error] {
					return i.Jobs(ctx, q)
				})(ctx, n, out, f)
			})
		},
	}
}

func (w *world) inspectWorkers() *cli.Command {
	return &cli.Command{
		Name:  "workers",
		Usage: "list the runs under way, the longest first; only a running bridge has any",
		Flags: showFlags(),
		Action: func(c *cli.Context) error {
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				return list(show.WorkerColumns(time.Now()), false, func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.Worker, error] {
					runs, err := i.Workers(ctx)
					return slice(show.SortWorkers(runs, false), err)
				})(ctx, n, out, f)
			})
		},
	}
}

// defaultValueLimit is how much of a value is shown: it is for a look.
const defaultValueLimit = "16KiB"

func (w *world) inspectJob() *cli.Command {
	return &cli.Command{
		Name:  "job",
		Usage: "show everything about one job, whether it waits, runs, is parked or is a dead letter",
		Description: "holdfast inspect job --topic orders --partition 3 --offset 118204\n" +
			"holdfast inspect job --topic orders --partition 3 --offset 118204 --value hex --value-limit 1MiB",
		Flags: showFlags(append(onePartition(),
			&cli.Int64Flag{Name: "offset", Usage: "`N` of the job; required", DefaultText: "none"},
			&cli.StringFlag{Name: "value", Usage: "`FORM` of the record's value: " + strings.Join(valueForms(), ", "), Value: string(show.ValueAuto)},
			&cli.StringFlag{Name: "value-limit", Usage: "`SIZE` of the value at most, up to 1MiB", Value: defaultValueLimit})...),
		Action: func(c *cli.Context) error {
			name, value, err := w.jobNamed(c)
			if err != nil {
				return err
			}
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				j, err := n.Job(ctx, name)
				if err != nil {
					return err
				}
				width, _ := w.screenSize()
				return draw(out, f, value.Cut(j), func() []string { return show.Job(j, time.Now(), width, value) })
			})
		},
	}
}

func (w *world) jobNamed(c *cli.Context) (name inspect.Name, value show.Value, err error) {
	if name, err = w.named(c); err != nil {
		return name, value, err
	}
	if !c.IsSet("offset") {
		return name, value, usagef("--offset is missing; it says which job it is about")
	}
	if !slices.Contains(valueForms(), c.String("value")) {
		return name, value, usagef("--value is %q; use %s", c.String("value"), strings.Join(valueForms(), ", "))
	}
	limit, err := config.ParseSize(c.String("value-limit"))
	if err != nil || limit < 0 || limit > inspect.MaxValue {
		return name, value, usagef("--value-limit is %q; write a size up to 1MiB, as 16KiB", c.String("value-limit"))
	}
	return name, show.Value{Form: show.ValueForm(c.String("value")), Limit: int(limit)}, nil
}

func valueForms() (names []string) {
	for _, f := range show.ValueForms() {
		names = append(names, string(f))
	}
	return names
}
