package main

import (
	"context"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

func (w *world) inspectPartitions() *cli.Command {
	return &cli.Command{
		Name:  "partitions",
		Usage: "list the partitions that are held, with all of their offsets and what their jobs wait for",
		Flags: showFlags(partitionSelectors()...),
		Action: func(c *cli.Context) error {
			q, err := queryOf(c)
			if err != nil {
				return err
			}
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				s, err := n.Status(ctx)
				if err != nil {
					return err
				}
				rows := func(context.Context, inspect.Inspector) iter.Seq2[inspect.PartitionStatus, error] {
					return listing.Of(partitionsOf(s, q))
				}
				return list(show.PartitionColumns(s.At), selects(c), rows)(ctx, n, out, f)
			})
		},
	}
}

// partitionsOf are those of a status that the query selects.
func partitionsOf(s inspect.Status, q inspect.Query) []inspect.PartitionStatus {
	return slices.DeleteFunc(s.Partitions, func(p inspect.PartitionStatus) bool {
		return q.Topic != "" && p.Topic != q.Topic || len(q.Partitions) > 0 && !slices.Contains(q.Partitions, p.Partition)
	})
}

func (w *world) inspectLanes() *cli.Command {
	return &cli.Command{
		Name:  "lanes",
		Usage: "list the lanes in which most waits, by the jobs at their heads",
		Description: "A * marks a head that the committed offset waits for.\n\n" +
			"holdfast inspect lanes --topic orders --sort attempts --limit 10",
		Flags: showFlags(append(partitionSelectors(),
			stateFlag("their heads"),
			&cli.BoolFlag{Name: "blocked", Usage: "only lanes in which jobs wait for another one"},
			&cli.StringFlag{Name: "sort", Usage: "`ORDER`: jobs (most first), age (lowest offset first) or attempts (most first)", Value: string(inspect.ByJobs)},
			&cli.IntFlag{Name: "limit", Usage: "`N` lanes at most", Value: inspect.DefaultLanes})...),
		Action: func(c *cli.Context) error {
			q, err := laneQueryOf(c)
			if err != nil {
				return err
			}
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				return list(show.LaneColumns(time.Now()), selects(c), func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.Lane, error] {
					return i.Lanes(ctx, q)
				})(ctx, n, out, f)
			})
		},
	}
}

// laneQueryOf reads the flags that select lanes.
func laneQueryOf(c *cli.Context) (inspect.LaneQuery, error) {
	jobs, err := queryOf(c)
	if err != nil {
		return inspect.LaneQuery{}, err
	}
	q := inspect.LaneQuery{
		Topic: jobs.Topic, Partitions: jobs.Partitions, States: jobs.States, Blocked: c.Bool("blocked"),
		Sort: inspect.LaneOrder(c.String("sort")), Limit: jobs.Limit,
	}
	return q, asUsage(q.Validate())
}
