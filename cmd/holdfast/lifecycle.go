package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

func (w *world) drain() *cli.Command {
	return w.change(change{
		name: "drain", whole: true, usage: "stop fetching and finish what is stored, also to leave the group",
		description: "Jobs that are halted, parked or paused, and those behind them, are not waited for. The command shows how\n" +
			"far it is until all others are finished and committed; the drain goes on where the command is ended\n" +
			"earlier. A bridge that is started anew fetches again, and --undo lets this one do so. With\n" +
			"--leave the bridge stops when it is empty, and leaves its group: that is how a machine is moved.\n\n" +
			"holdfast drain --leave --execute",
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "leave", Usage: "then stop, and leave the consumer group"},
			&cli.BoolFlag{Name: "undo", Usage: "fetch again"},
			noWaitFlag(),
		},
		command: func(c *cli.Context) (inspect.Command, error) {
			return inspect.Command{Verb: inspect.Drain, Leave: c.Bool("leave"), Undo: c.Bool("undo")}, nil
		},
	})
}

func (w *world) leave() *cli.Command {
	return w.change(change{
		name: "leave", whole: true, usage: "remove the static member from the consumer group, so that its partitions move at once",
		description: "A running bridge stops first, as planned. That of one that has stopped is removed with the --config that\n" +
			"says where Kafka is. The group's offsets can be reset then.\n\n" +
			"holdfast leave --config holdfast.yaml --execute",
		command: func(*cli.Context) (inspect.Command, error) { return inspect.Command{Verb: inspect.Leave}, nil },
	})
}

func (w *world) seek() *cli.Command {
	return w.change(change{
		name: "seek", usage: "let partitions go on from another offset, forward or back",
		description: "The plan says what would be skipped and what would run again. It also mends a partition that is held,\n" +
			"because its offset was set from outside or its log is not what it was. Parked jobs and dead letters stay.\n" +
			"While no bridge runs, it is stored, and done when the partition is assigned here again. Where another\n" +
			"bridge of the group has gone on beyond it by then, the partition is held and asks which way to go.\n\n" +
			"holdfast seek --topic orders --partition 3 --offset 118204 --execute\n" +
			"holdfast seek --topic orders --partition 0-11 --time 2h --execute",
		flags: append(partitionSelectors(),
			&cli.StringFlag{Name: "offset", Usage: "`N` to go on from; of one partition"},
			&cli.StringFlag{Name: "time", Usage: "`TIME` of the first record, as 2026-01-31T08:00:00Z, or how long ago, as 2h"},
			&cli.BoolFlag{Name: "oldest", Usage: "go to the oldest record that Kafka has"},
			&cli.BoolFlag{Name: "newest", Usage: "go to the end: only what comes from now on"},
			&cli.BoolFlag{Name: "keep-stored", Usage: "let stored jobs below run all the same; skip only what is not stored"}),
		command: seekOf,
	})
}

func seekOf(c *cli.Context) (inspect.Command, error) {
	to := &inspect.Position{Oldest: c.Bool("oldest"), Newest: c.Bool("newest"), KeepStored: c.Bool("keep-stored")}
	if c.IsSet("offset") {
		offset, last, ok := parseRange(c.String("offset"), maxOffset)
		if !ok || offset != last {
			return inspect.Command{}, usagef("--offset is %q; write one number: where to go on", c.String("offset"))
		}
		to.Offset = &offset
	}
	var err error
	if to.Time, err = momentOf(c, "time", time.Now()); err != nil {
		return inspect.Command{}, err
	}
	q, err := onlyPartitions(c)
	return inspect.Command{Verb: inspect.Seek, Select: q, To: to}, err
}

const maxOffset = 1<<63 - 1

func (w *world) forget() *cli.Command {
	return w.change(change{
		name: "forget", usage: "remove all that is stored of a topic that is gone",
		description: "Its jobs, what is parked, its dead letters and its pauses go, and the room they take. A topic that Kafka\n" +
			"has and the configuration names is refused, and so is a partition that is held.\n\n" +
			"holdfast forget --topic imports --execute",
		flags: partitionSelectors(),
		command: func(c *cli.Context) (inspect.Command, error) {
			q, err := onlyPartitions(c)
			return inspect.Command{Verb: inspect.Forget, Select: q}, err
		},
	})
}

// onlyPartitions reads the flags of partitionSelectors, and none else.
func onlyPartitions(c *cli.Context) (q inspect.Query, err error) {
	q.Topic = c.String("topic")
	q.Partitions, err = numbers[int32](c, "partition", 1<<31-1)
	return q, err
}

// ofBridge tells of the verbs that are about the bridge as a whole.
func ofBridge(verb inspect.Verb) bool { return verb == inspect.Drain || verb == inspect.Leave }

// wholly is 1 where such a verb has something to do.
func wholly(p inspect.Plan) int {
	if ofBridge(p.Command.Verb) && len(p.AlreadyDone) == 0 {
		return 1
	}
	return 0
}

// sentences are said one to a line, the first under a name.
func (f *facts) sentences(name string, says []string) {
	for i, text := range says {
		f.add(map[bool]string{true: name}[i == 0], "%s", listing.Line(text))
	}
}

// seeksText names where partitions were moved.
func seeksText(seeks []inspect.SeekTarget) string {
	var texts []string
	for _, s := range seeks[:min(shownNames, len(seeks))] {
		texts = append(texts, s.String())
	}
	return examples(texts, len(seeks))
}
