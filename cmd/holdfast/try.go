package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

func (w *world) try() *cli.Command {
	return &cli.Command{
		Name:  "try",
		Usage: "run the configured handler on one job, without Kafka, and show what would be recorded",
		Description: "Route, partitioner, handler and retry policy are those of run. Nothing is recorded: the\n" +
			"store is not opened and Kafka is not asked. What the handler does is done, though. The\n" +
			"exit code is 0 if the job is done, and " + fmt.Sprint(int(exitNotDone)) + " if it would run again or be given up.\n\n" +
			"holdfast try --config holdfast.yaml --topic orders --key cust-17 --value-file order.json\n" +
			"holdfast try --config holdfast.yaml --key cust-17 --value hello --attempt 3",
		Flags: append(append([]cli.Flag{
			configFlag(),
			&cli.StringFlag{Name: "topic", Usage: "`NAME` of the record's topic; may be left out if only one is configured"},
		}, recordFlags()...),
			&cli.BoolFlag{Name: "null-value", Usage: "the record's value is null"},
			&cli.Int64Flag{Name: "partition", Usage: "`N` of the record's partition"},
			&cli.Int64Flag{Name: "offset", Usage: "`N` of the record in its partition"},
			&cli.StringFlag{Name: "timestamp", Usage: "`TIME` of the record, as 2026-01-31T08:00:00Z", DefaultText: "now"},
			&cli.Int64Flag{Name: "attempt", Usage: "`N` of the run, from 1", Value: 1},
			resultFlag(),
		),
		Action: w.runTry,
	}
}

func (w *world) runTry(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	in, err := w.settings(c)
	if err != nil {
		return err
	}
	if in.File == "" {
		return noConfig(in.Dir)
	}
	loaded, err := config.LoadLocal(in)
	if err != nil {
		return err
	}
	w.warn(loaded)
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	job, err := w.jobOf(ctx, c, loaded)
	if err != nil {
		return err
	}
	log := slog.New(newHandler(w.stderr, loaded.Log, slog.LevelInfo, terminal(w.stderr))) // the result is alone on stdout
	settings, err := loaded.Bridge(log, log)
	if err != nil {
		return err
	}
	trial, err := bridge.Try(ctx, settings, job)
	if err == nil {
		shown := newTried(trial)
		err = errors.Join(w.result(format, shown, shown.write), shown.err())
	}
	return errors.Join(err, closeHandlers(settings.Topics)) // last: processes may take their time to end
}

// jobOf reads the flags that describe the job.
func (w *world) jobOf(ctx context.Context, c *cli.Context, loaded *config.Config) (job bridge.Job, err error) {
	if job.Topic, err = topicOf(c, loaded); err != nil {
		return job, err
	}
	if job.Timestamp, err = timestampOf(c); err != nil {
		return job, err
	}
	for _, flag := range []struct {
		name        string
		least, most int64
	}{{"attempt", 1, math.MaxInt32}, {"partition", 0, math.MaxInt32}, {"offset", 0, math.MaxInt64}} {
		switch n := c.Int64(flag.name); {
		case n < flag.least:
			return job, usagef("--%s is %d; it is at least %d", flag.name, n, flag.least)
		case n > flag.most:
			return job, usagef("--%s is %d; it is at most %d", flag.name, n, flag.most)
		}
	}
	job.Attempt, job.Partition, job.Offset = int(c.Int64("attempt")), int32(c.Int64("partition")), c.Int64("offset")
	if err := oneValue(c); err != nil {
		return job, err
	}
	rec, err := w.recordOf(ctx, c)
	job.Key, job.Value = rec.Key, rec.Value
	for _, h := range rec.Headers {
		job.Headers = append(job.Headers, bridge.Header(h))
	}
	return job, err
}

// oneValue refuses a job whose value is not said, or said twice.
func oneValue(c *cli.Context) error {
	var given []string
	for _, name := range []string{"value", "value-file", "null-value"} {
		if c.IsSet(name) {
			given = append(given, "--"+name)
		}
	}
	switch len(given) {
	case 0:
		return usagef("the value is missing; say --value, --value-file or --null-value")
	case 1:
		return nil
	}
	return usagef("%s are both given; keep one", strings.Join(given, " and "))
}

// topicOf is --topic, or the only topic that there is.
func topicOf(c *cli.Context, loaded *config.Config) (string, error) {
	if topic := c.String("topic"); topic != "" {
		return topic, nil
	}
	names := make([]string, len(loaded.Topics))
	for i, t := range loaded.Topics {
		names[i] = t.Name
	}
	if len(names) == 1 && !strings.HasPrefix(names[0], "~") {
		return names[0], nil
	}
	return "", usagef("--topic is missing; configured are: %s", strings.Join(names, ", "))
}

func timestampOf(c *cli.Context) (time.Time, error) {
	text := c.String("timestamp")
	if text == "" {
		return time.Now(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("--timestamp is %q; write it as 2026-01-31T08:00:00Z", text)
	}
	return at, nil
}
