package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

func (w *world) requeue() *cli.Command {
	return w.change(change{
		name: "requeue", usage: "make jobs of dead letters, each exactly once",
		description: "A job keeps its identity and goes before the later jobs of its lane that wait. What dies again\n" +
			"meanwhile is not taken twice.\n\n" +
			"holdfast requeue --topic orders --error-matches 'http 503' --buried-before 2h --execute",
		flags: append(deadSelectors(), resetFlag()),
		command: func(c *cli.Context) (inspect.Command, error) {
			dead, err := deadQueryOf(c, time.Now())
			return inspect.Command{Verb: inspect.Requeue, Dead: dead, ResetAttempts: c.Bool("reset-attempts")}, err
		},
	})
}

func (w *world) discard() *cli.Command {
	return w.change(change{
		name: "discard", usage: "remove dead letters, or with --parked the jobs of parked lanes, for good",
		description: "They are counted, and named in the log and the audit trail.\n\n" +
			"holdfast discard --topic orders --buried-before 30d --execute\n" +
			"holdfast discard --topic orders --key cust-8812 --parked --execute",
		flags: append(deadSelectors(),
			&cli.BoolFlag{Name: "parked", Usage: "the jobs of parked lanes instead: they count as done, and new ones run"}),
		command: func(c *cli.Context) (inspect.Command, error) {
			if !c.Bool("parked") {
				dead, err := deadQueryOf(c, time.Now())
				return inspect.Command{Verb: inspect.Discard, Dead: dead}, err
			}
			if c.IsSet("buried-before") {
				return inspect.Command{}, usagef("--buried-before is about dead letters, not about parked lanes")
			}
			q, err := queryOf(c)
			return inspect.Command{Verb: inspect.DiscardParked, Select: q}, err
		},
	})
}

// untilOf reads when a pause ends.
func untilOf(c *cli.Context, command *inspect.Command) error {
	text := c.String("for")
	switch {
	case text != "" && c.IsSet("until"):
		return usagef("--for and --until are both given; keep one")
	case text != "":
		d, err := config.ParseDuration(text)
		if err != nil || d == 0 {
			return usagef("--for is %q; write for example 30m, 2h or 1d", text)
		}
		command.Until = time.Now().Add(d)
	case c.IsSet("until"):
		at, err := time.Parse(time.RFC3339, c.String("until"))
		if err != nil {
			return usagef("--until is %q; write it as 2026-01-31T08:00:00Z", c.String("until"))
		}
		command.Until = at
	}
	return nil
}
