package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// ofJobs is a change of jobs that are not done.
func ofJobs(verb inspect.Verb, more func(*cli.Context, *inspect.Command) error) func(*cli.Context) (inspect.Command, error) {
	return func(c *cli.Context) (inspect.Command, error) {
		q, err := queryOf(c)
		command := inspect.Command{Verb: verb, Select: q}
		if err == nil && more != nil {
			err = more(c, &command)
		}
		return command, err
	}
}

func resetFlag() cli.Flag {
	return &cli.BoolFlag{Name: "reset-attempts", Usage: "attempts count from the beginning"}
}

func resets(c *cli.Context, command *inspect.Command) error {
	command.ResetAttempts = c.Bool("reset-attempts")
	return nil
}

// paced is a change of jobs that the bridge may go on with by itself.
func paced(c *cli.Context, command *inspect.Command) error {
	return errors.Join(resets(c, command), setPace(c, command))
}

func (w *world) retry() *cli.Command {
	return w.change(change{
		name: "retry", usage: "run retrying, delayed and halted jobs now",
		description: "A job that is blocked would break the order of its lane and is refused; one that is ready\n" +
			"or runs is answered with already done. Many, or those with a --rate, are retried by an operation\n" +
			"that is stored: the bridge goes on with it without this command, and over a restart. None is\n" +
			"retried twice, nor one that has failed since the plan.\n\n" +
			"holdfast retry --topic orders --partition 3 --offset 118204 --execute\n" +
			"holdfast retry --topic orders --state halted --error-matches 'http 5..' --reset-attempts --rate 50/s",
		flags:   append(jobSelectors(), append(paceFlags(), resetFlag(), stopAtFlag("have run have failed again"))...),
		command: ofJobs(inspect.Retry, paced),
	})
}

func (w *world) skip() *cli.Command {
	return w.change(change{
		name: "skip", usage: "count jobs as done without a run",
		description: "It is noted in the log and the audit trail. A job that runs is refused. Many, or those with a\n" +
			"--rate, are skipped by an operation that is stored, as with retry.\n\n" +
			"holdfast skip --topic orders --partition 3 --offset 118204 --reason 'charged by hand' --execute",
		flags:   append(jobSelectors(), paceFlags()...),
		command: ofJobs(inspect.Skip, paced),
	})
}

func (w *world) bury() *cli.Command {
	return w.change(change{
		name: "bury", usage: "make dead letters of jobs, so that what waits for them goes on",
		description: "A dead letter is kept with its record and its errors until it is requeued or discarded. A job\n" +
			"that runs is refused. Many, or those with a --rate, are buried by an operation that is stored, as\n" +
			"with retry.\n\n" +
			"holdfast bury --topic orders --partition 3 --offset 118204 --execute",
		flags:   append(jobSelectors(), paceFlags()...),
		command: ofJobs(inspect.Bury, paced),
	})
}

func (w *world) cancel() *cli.Command {
	return w.change(change{
		name: "cancel", usage: "tell the handlers of running jobs to end, and say what becomes of the jobs",
		description: "The default is to halt a job: one that hangs must not simply hang again. A job whose handler\n" +
			"succeeds all the same is done. Only a running bridge can cancel.\n\n" +
			"holdfast cancel --topic orders --partition 3 --offset 118204 --then bury --execute",
		flags: append(jobSelectors(),
			&cli.StringFlag{Name: "then", Usage: "`WHAT` becomes of the job: halt, retry, bury or skip", Value: string(inspect.ThenHalt)}),
		command: ofJobs(inspect.Cancel, func(c *cli.Context, command *inspect.Command) error {
			command.Then = inspect.Then(c.String("then"))
			if !known(command.Then) {
				return usagef("--then is %q; use halt, retry, bury or skip", c.String("then"))
			}
			return nil
		}),
	})
}

func known(then inspect.Then) bool {
	return strings.Contains(" halt retry bury skip ", " "+string(then)+" ")
}

func (w *world) park() *cli.Command {
	return w.change(change{
		name: "park", usage: "set the lanes of jobs aside, in order, so that the offset moves without them",
		description: "A lane is parked with all of its jobs but one that runs, and with those to come. It is released or\n" +
			"discarded later; inspect parked lists them. Many, or those with a --rate, are parked by an operation\n" +
			"that is stored, as with retry.\n\n" +
			"holdfast park --topic orders --partition 3 --key cust-8812 --execute",
		flags:   append(jobSelectors(), paceFlags()...),
		command: ofJobs(inspect.Park, paced),
	})
}

func (w *world) release() *cli.Command {
	return w.change(change{
		name: "release", usage: "let the jobs of parked lanes run, in their order",
		description: "New jobs of a lane come behind them. Many lanes, or those with a --rate, are released by an operation\n" +
			"that is stored, as with retry: none is released twice, nor one that was parked since the plan.\n\n" +
			"holdfast release --topic orders --key cust-8812 --execute\n" +
			"holdfast release --topic orders --rate 50/s --stop-at 10% --execute",
		flags:   append(parkedSelectors(), append(paceFlags(), resetFlag(), stopAtFlag("are through are parked again"))...),
		command: ofJobs(inspect.Release, paced),
	})
}
