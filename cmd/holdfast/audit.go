package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/admin"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/queue"
)

func (w *world) inspectAudit() *cli.Command {
	return &cli.Command{
		Name:  "audit",
		Usage: "list who has changed what, the newest last",
		Description: "The store keeps the last 10,000 entries.\n\n" +
			"holdfast inspect audit --since 2d --verb requeue",
		Flags: showFlags(
			&cli.StringFlag{Name: "topic", Usage: "`NAME` of a topic"},
			&cli.StringFlag{Name: "actor", Usage: "`WHO` has acted, as the list shows it"},
			&cli.StringFlag{Name: "verb", Usage: "`VERB`, as retry"},
			&cli.StringFlag{Name: "id", Usage: "`ID` of a stored operation"},
			&cli.StringFlag{Name: "since", Usage: "`TIME`, as 2026-01-31T08:00:00Z, or how long ago, as 2d"},
			&cli.StringFlag{Name: "before", Usage: "`TIME`, or how long ago"},
			&cli.IntFlag{Name: "limit", Usage: "the newest `N` at most", DefaultText: "all"},
		),
		Action: func(c *cli.Context) error {
			q, err := auditQueryOf(c, time.Now())
			if err != nil {
				return err
			}
			narrowed := q != inspect.AuditQuery{}
			return w.show(c, list(auditColumns(), narrowed, func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.AuditEntry, error] {
				return i.Audit(ctx, q)
			}))
		},
	}
}

// noteOf adds to the audit trail of a new store what the command line is doing to
// make it, while no bridge runs.
func noteOf(c *cli.Context, began time.Time) func(*queue.Store) error {
	what := c.Command.Name
	if to := c.String("to"); to != "" {
		what += " --to " + listing.Name(to)
	}
	return func(store *queue.Store) error {
		_, err := inspect.WriteAudit(inspect.As(c.Context, admin.ThisUser()), store, inspect.AuditEntry{
			At: began, Verb: inspect.Verb(c.Command.Name), What: what, Offline: true,
			Planned: 1, Done: 1, Result: inspect.ResultDone, Took: time.Since(began),
		})
		return err
	}
}

func auditQueryOf(c *cli.Context, now time.Time) (q inspect.AuditQuery, err error) {
	q = inspect.AuditQuery{
		Topic: c.String("topic"), Actor: c.String("actor"), Verb: inspect.Verb(c.String("verb")),
		Operation: c.String("id"), Limit: c.Int("limit"),
	}
	if err := checkLimit(c); err != nil {
		return q, err
	}
	if q.Since, err = momentOf(c, "since", now); err != nil {
		return q, err
	}
	if q.Before, err = momentOf(c, "before", now); err != nil {
		return q, err
	}
	return q, asUsage(q.Validate())
}

func auditColumns() []listing.Column[inspect.AuditEntry] {
	type entry = inspect.AuditEntry
	return []listing.Column[entry]{
		{Name: "TIME", Cell: func(e entry) string { return listing.Time(e.At) }},
		{Name: "WHO", Cell: func(e entry) string { return e.Actor }, Drop: 1},
		{Name: "COMMAND", Cell: func(e entry) string { return e.What }},
		{Name: "RESULT", Cell: auditResult},
	}
}

func auditResult(e inspect.AuditEntry) string {
	if e.Damaged != nil {
		return "DAMAGED: " + e.Damaged.Error()
	}
	text := string(e.Result)
	if e.Planned > 0 || e.Done > 0 { // else it is about the bridge as a whole
		text += fmt.Sprintf(": %d of %d", e.Done, e.Planned)
	}
	for _, more := range []struct {
		n    int
		what string
	}{{e.AlreadyDone, "already done"}, {e.Refused, "refused"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if e.Operation != "" {
		text += ", operation " + e.Operation
	}
	if e.Error != "" {
		text += ": " + e.Error
	}
	return text
}
