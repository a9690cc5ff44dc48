package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

func (w *world) pause() *cli.Command {
	return w.change(change{
		name: "pause", usage: "let no job of a topic, of partitions or of a lane start",
		description: "Running jobs finish, and records are still stored. It survives a restart. A lane need not have\n" +
			"a job yet.\n\n" +
			"holdfast pause --topic orders --for 2h --execute\n" +
			"holdfast pause --topic orders --partition 3 --key cust-8812 --reason 'account is checked' --execute",
		flags: append(laneSelectors(),
			&cli.StringFlag{Name: "for", Usage: "`DURATION` after which it ends by itself, as 30m or 2d", DefaultText: "until it is resumed"},
			&cli.StringFlag{Name: "until", Usage: "`TIME` at which it ends by itself, as 2026-01-31T08:00:00Z"}),
		command: ofJobs(inspect.Pause, untilOf),
	})
}

func (w *world) resume() *cli.Command {
	return w.change(change{
		name: "resume", usage: "end pauses of exactly what is selected",
		description: "What was paused by partition or by lane stays paused when its topic is resumed.\n\n" +
			"holdfast resume --topic orders --execute",
		flags:   laneSelectors(),
		command: ofJobs(inspect.Resume, nil),
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
