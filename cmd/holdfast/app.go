package main

import (
	"github.com/urfave/cli/v2"
)

// app is the command line of holdfast.
func (w *world) app() *cli.App {
	app := &cli.App{
		Name:  "holdfast",
		Usage: "run Kafka records as durable jobs: many at a time per partition, in order per key",
		Description: "holdfast status                 is the first thing to type: whether all is well, and what to type next\n" +
			"holdfast explain                says why an offset does not move\n" +
			"holdfast run --config FILE      works until SIGTERM\n" +
			"holdfast try --config FILE      runs one job without Kafka, and shows what would be recorded\n" +
			"holdfast demo                   shows it without a Kafka\n" +
			"holdfast broker, produce        are a Kafka for development, and records for it\n\n" +
			"Exit codes:" + exitCodes(),
		Version:                   buildVersion(),
		Reader:                    w.stdin,
		Writer:                    w.stdout,
		ErrWriter:                 w.stderr,
		Action:                    wrongCommand,
		OnUsageError:              wrongFlag,
		ExitErrHandler:            func(*cli.Context, error) {}, // main exits, with codes of its own
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
	}
	for _, c := range []*cli.Command{
		w.run(),
		w.try(),
		w.demo(),
		w.broker(),
		w.produce(),
		w.partition(),
		w.status(),
		w.top(),
		w.explain(),
		w.inspect(),
		w.operations(),
		w.retry(),
		w.requeue(),
		w.skip(),
		w.bury(),
		w.discard(),
		w.cancel(),
		w.park(),
		w.release(),
		w.pause(),
		w.resume(),
		w.drain(),
		w.leave(),
		w.seek(),
		w.forget(),
		w.set(),
		w.healthcheck(),
		w.dead(),
		w.config(),
		w.verify(),
		w.compact(),
		w.repair(),
		w.snapshot(),
		w.version(),
		w.completion(),
		w.manual(),
		w.verifyChild(),
		w.demoChild(),
	} {
		app.Commands = append(app.Commands, strict(c))
	}
	return app
}
