package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

func (w *world) requeue() *cli.Command {
	return w.change(change{
		name: "requeue", usage: "make jobs of dead letters, each exactly once, or of finished records that Kafka still has",
		description: "A job keeps its identity and goes before the later jobs of its lane that wait. What dies again\n" +
			"meanwhile is not taken twice. Many, or those with a --rate, are requeued by an operation that is\n" +
			"stored: the bridge goes on with it without this command, and over a restart.\n\n" +
			"holdfast requeue --topic orders --error-matches 'http 503' --buried-before 2h --execute\n\n" +
			"With --from-kafka, records that are finished and have no dead letter run again, at most 10,000 at a\n" +
			"time, each before the later jobs of its lane that wait; the committed offset does not move back. A job\n" +
			"has the id of before, so that receivers that ignore duplicates ignore it, or with --new-id one of its\n" +
			"own. To repeat the command while the jobs are open changes nothing; once they are done they run again.\n\n" +
			"holdfast requeue --from-kafka --topic orders --partition 3 --offset 118204-118210 --execute",
		flags: append(append(deadSelectors(), againFlags()...), append(paceFlags(), resetFlag(), stopAtFlag("have finished are dead again"))...),
		command: func(c *cli.Context) (inspect.Command, error) {
			if c.Bool("from-kafka") {
				return fromKafka(c)
			}
			command, err := ofDead(c, inspect.Requeue)
			command.NewID = c.Bool("new-id")
			command.ResetAttempts = c.Bool("reset-attempts")
			return command, err
		},
	})
}

func (w *world) discard() *cli.Command {
	return w.change(change{
		name: "discard", usage: "remove dead letters, or with --parked the jobs of parked lanes, for good",
		description: "They are counted, and named in the log and the audit trail.\n\n" +
			"holdfast discard --topic orders --buried-before 30d --execute\n" +
			"holdfast discard --topic orders --key cust-8812 --parked --execute",
		flags: append(append(deadSelectors(), paceFlags()...),
			&cli.BoolFlag{Name: "parked", Usage: "the jobs of parked lanes instead: they count as done, and new ones run"}),
		command: func(c *cli.Context) (inspect.Command, error) {
			if !c.Bool("parked") {
				return ofDead(c, inspect.Discard)
			}
			if c.IsSet("buried-before") {
				return inspect.Command{}, usagef("--buried-before is about dead letters, not about parked lanes")
			}
			return ofJobs(inspect.DiscardParked, setPace)(c)
		},
	})
}

// ofDead is a change of dead letters.
func ofDead(c *cli.Context, verb inspect.Verb) (inspect.Command, error) {
	dead, err := deadQueryOf(c, time.Now())
	command := inspect.Command{Verb: verb, Dead: dead}
	if err == nil {
		err = setPace(c, &command)
	}
	return command, err
}

// setPace reads the flags about operations that the bridge goes on with by itself.
func setPace(c *cli.Context, command *inspect.Command) (err error) {
	if text := c.String("rate"); text != "" {
		if command.Rate, err = config.ParseRate(text); err != nil {
			return usagef("--rate is %q; write for example 100/s", text)
		}
	}
	if text := c.String("stop-at"); text != "" {
		command.StopAt, err = shareOf(text)
	}
	return err
}

// stopAtFlag is the condition under which they stop.
func stopAtFlag(what string) cli.Flag {
	return &cli.StringFlag{Name: "stop-at", Usage: fmt.Sprintf("stop when `SHARE` of those that %s, as 20%%, once %d have; 100%% is never", what, inspect.LeastFinished),
		DefaultText: fmt.Sprintf("%g%%", 100*inspect.DefaultStopAt)}
}

// paceFlags are about operations that the bridge goes on with by itself.
func paceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "rate", Usage: "`RATE` at most, as 100/s", DefaultText: "no limit"},
		noWaitFlag(),
	}
}

// shareOf reads a share as 20% or 0.2.
func shareOf(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(number, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share > 0 && share <= 1) {
		return 0, usagef("--stop-at is %q; write a share as 20%%, up to 100%%", text)
	}
	return share, nil
}
