package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

func (w *world) inspect() *cli.Command {
	return &cli.Command{
		Name:  "inspect",
		Usage: "list what a bridge has, whether it runs or not",
		Subcommands: []*cli.Command{
			w.inspectPartitions(),
			w.inspectLanes(),
			w.inspectJobs(),
			w.inspectJob(),
			w.inspectDead(),
			w.inspectAudit(),
			w.inspectParked(),
			w.inspectPauses(),
			w.inspectWorkers(),
			w.inspectDisk(),
		},
	}
}

func (w *world) inspectDead() *cli.Command {
	return &cli.Command{
		Name:  "dead",
		Usage: "list dead letters, whoever holds their partitions now",
		Description: "As JSON they come with their values, headers and failed attempts.\n\n" +
			"holdfast inspect dead --topic orders --error-matches 'http 503' --limit 20",
		Flags: showFlags(deadSelectors()...),
		Action: func(c *cli.Context) error {
			q, err := deadQueryOf(c, time.Now())
			if err != nil {
				return err
			}
			return w.show(c, list(deadColumns(time.Now), selects(c), func(ctx context.Context, i inspect.Inspector) iter.Seq2[letter, error] {
				return told(i.Dead(ctx, q))
			}))
		},
	}
}

// letter is a dead letter in a list.
type letter struct {
	inspect.DeadLetter
	twin bool // the list has another one of the job: it was buried twice
}

func (l letter) name() string {
	if l.twin {
		return fmt.Sprintf("%s (burial %d)", l.Name, l.Number)
	}
	return l.Name.String()
}

// told tells the letters of one job, which follow each other, apart.
func told(letters iter.Seq2[inspect.DeadLetter, error]) iter.Seq2[letter, error] {
	return func(yield func(letter, error) bool) {
		var before *letter // not yielded yet
		flush := func() bool { return before == nil || yield(*before, nil) }
		for l, err := range letters {
			if err != nil {
				if flush() {
					yield(letter{}, err)
				}
				return
			}
			now := letter{DeadLetter: l}
			if before != nil && before.Name == l.Name {
				before.twin, now.twin = true, true
			}
			if !flush() {
				return
			}
			before = &now
		}
		flush()
	}
}

func deadColumns(now func() time.Time) []listing.Column[letter] {
	return []listing.Column[letter]{
		{Name: "JOB", Cell: letter.name},
		{Name: "KEY", Cell: func(l letter) string { return listing.Key(l.Key) }, Max: 24},
		{Name: "BURIED", Cell: func(l letter) string { return listing.Age(l.Buried, now()) + " ago" }, Right: true, Drop: 1},
		{Name: "ATTEMPTS", Cell: func(l letter) string { return strconv.Itoa(l.Attempts) }, Right: true, Drop: 2},
		{Name: "BYTES", Cell: func(l letter) string { return listing.Bytes(l.Bytes) }, Right: true, Drop: 3},
		{Name: "REASON", Cell: reasonOf},
	}
}

// reasonOf is why a letter was buried, as far as it can be read.
func reasonOf(l letter) string {
	switch {
	case l.Damaged != nil:
		return "DAMAGED: " + l.Damaged.Error()
	case l.Operator:
		return strings.TrimSuffix("by an operator: "+cmp.Or(l.Reason, l.Error), ": ")
	}
	return l.Reason
}

func (w *world) inspectParked() *cli.Command {
	return &cli.Command{
		Name:  "parked",
		Usage: "list the lanes that are set aside, and which other stores keep the rest of them",
		Flags: showFlags(parkedSelectors()...),
		Action: func(c *cli.Context) error {
			q, err := queryOf(c)
			if err != nil {
				return err
			}
			return w.show(c, list(parkedColumns(time.Now), selects(c), func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.ParkedLane, error] {
				return i.Parked(ctx, q)
			}))
		},
	}
}

func parkedColumns(now func() time.Time) []listing.Column[inspect.ParkedLane] {
	type lane = inspect.ParkedLane
	return []listing.Column[lane]{
		{Name: "TOPIC", Cell: func(l lane) string { return l.Topic }},
		{Name: "PARTITION", Cell: func(l lane) string { return strconv.Itoa(int(l.Partition)) }, Right: true},
		{Name: "LANE", Cell: func(l lane) string { return listing.Lane(l.Lane, l.Own) }, Max: 24},
		{Name: "OFFSET", Cell: func(l lane) string { return listing.Offset(l.Offset) }, Right: true, Drop: 2},
		{Name: "STATE", Cell: parkedState},
		{Name: "SINCE", Cell: func(l lane) string { return listing.Age(l.Since, now()) }, Right: true, Drop: 1},
		{Name: "JOBS", Cell: func(l lane) string { return listing.Count(l.Jobs) }, Right: true},
		{Name: "BYTES", Cell: func(l lane) string { return listing.Bytes(l.Bytes) }, Right: true, Drop: 3},
		{Name: "ELSEWHERE", Cell: func(l lane) string { return strconv.Itoa(len(l.Elsewhere)) }, Right: true, Drop: 4},
		{Name: "REASON", Cell: func(l lane) string { return l.Reason }},
	}
}

func parkedState(l inspect.ParkedLane) string {
	switch {
	case l.Released:
		return "released"
	case !l.Held:
		return "parked, not held here"
	}
	return "parked"
}

func (w *world) inspectPauses() *cli.Command {
	return &cli.Command{
		Name:  "pauses",
		Usage: "list what operators have paused",
		Flags: showFlags(),
		Action: func(c *cli.Context) error {
			return w.show(c, list(pauseColumns(time.Now), false, func(ctx context.Context, i inspect.Inspector) iter.Seq2[inspect.PauseEntry, error] {
				return slice(i.Pauses(ctx))
			}))
		},
	}
}

func pauseColumns(now func() time.Time) []listing.Column[inspect.PauseEntry] {
	type pause = inspect.PauseEntry
	return []listing.Column[pause]{
		{Name: "PAUSED", Cell: pauseText},
		{Name: "SINCE", Cell: func(p pause) string { return listing.Age(p.Since, now()) }, Right: true},
		{Name: "UNTIL", Cell: func(p pause) string { return listing.Time(p.Until) }},
		{Name: "REASON", Cell: func(p pause) string { return p.Reason }},
	}
}
