package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/IBM/sarama"
	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/produce"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

const localBroker = "127.0.0.1:9092"

func (w *world) produce() *cli.Command {
	return &cli.Command{
		Name:  "produce",
		Usage: "write records from stdin to a topic, for development, not for production",
		Description: "Each line is a value, or with --json a record:\n" +
			`{"key": "cust-17", "value": {"amount": 3}, "headers": {"tenant": "acme"}}` + "\n\n" +
			"echo cust-17:hello | holdfast produce --topic orders --key-separator :",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "topic", Usage: "`NAME` of the topic"},
			&cli.StringFlag{Name: "brokers", Usage: "`HOST:PORT` of brokers, separated by commas, over kafka.brokers and " + config.Variable("kafka.brokers") + " (default: " + localBroker + ")"},
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "`FILE` whose kafka section says where the brokers are and how to talk to them, also " + configVariable},
			&cli.BoolFlag{Name: "json", Usage: "each line is a JSON object with key, value and headers, or key_base64 and value_base64"},
			&cli.StringFlag{Name: "key", Usage: "`KEY` of every record that has none"},
			&cli.StringFlag{Name: "key-separator", Usage: "`TEXT` between the key and the value of a line"},
			&cli.StringSliceFlag{Name: "header", Usage: "a header of every record as `NAME=VALUE`; may be repeated"},
			&cli.StringFlag{Name: "partitioner", Usage: "the `HASH` that chooses partitions: " + strings.Join(hashNames(), ", "), Value: "murmur2"},
			resultFlag(),
		},
		Action: w.runProduce,
	}
}

func hashNames() []string {
	var names []string
	for _, h := range partitioner.Hashes() {
		names = append(names, h.Name)
	}
	return names
}

func (w *world) runProduce(c *cli.Context) error {
	as, err := output(c)
	if err != nil {
		return err
	}
	topic, err := required(c, "topic", "where the records go")
	if err != nil {
		return err
	}
	hash, ok := partitioner.HashByName(c.String("partitioner"))
	if !ok {
		return usagef("--partitioner is %q; use one of: %s", c.String("partitioner"), strings.Join(hashNames(), ", "))
	}
	format, err := formatOf(c)
	if err != nil {
		return err
	}
	target := produce.Target{Topic: topic, Hash: hash}
	if target.Brokers, target.Sarama, err = w.kafka(c); err != nil {
		return err
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	if terminal(w.stdin) {
		fmt.Fprintln(w.stderr, "holdfast: type one record per line; Ctrl-D ends the input")
	}
	sent, err := produce.Send(ctx, target, produce.NewReader(w.input(ctx), format))
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted before the end of the input")
	}
	if sent != nil {
		p := producedOf(topic, sent)
		err = errors.Join(err, w.result(as, p, p.write))
	}
	return err
}

// kafka is where the brokers are, and what sarama has to do to talk to them.
func (w *world) kafka(c *cli.Context) (brokers []string, hook func(*sarama.Config), err error) {
	in, err := w.settings(c)
	if err != nil {
		return nil, nil, err
	}
	kafka, err := config.LoadKafka(in)
	if err != nil {
		return nil, nil, err
	}
	if brokers = kafka.Brokers; len(brokers) == 0 {
		brokers = []string{localBroker}
	}
	hook, err = kafka.Sarama()
	return brokers, hook, err
}

func formatOf(c *cli.Context) (produce.Format, error) {
	f := produce.Format{JSON: c.Bool("json"), Separator: c.String("key-separator")}
	if f.JSON && f.Separator != "" {
		return f, usagef("--json and --key-separator are both given; JSON records name their key themselves")
	}
	if c.IsSet("key") {
		f.Defaults.Key = append([]byte{}, c.String("key")...)
	}
	if f.Separator != "" && c.IsSet("key") {
		return f, usagef("--key and --key-separator are both given; keep one")
	}
	for _, text := range c.StringSlice("header") {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return f, usagef("--header is %q; write NAME=VALUE", text)
		}
		f.Defaults.Headers = append(f.Defaults.Headers, produce.Header{Name: name, Value: []byte(value)})
	}
	return f, nil
}

// produced is what the brokers have acknowledged.
type produced struct {
	Topic      string              `json:"topic"`
	Records    int                 `json:"records"`
	Partitions []producedPartition `json:"partitions"`
}

type producedPartition struct {
	Partition int32 `json:"partition"`
	Records   int   `json:"records"`
	First     int64 `json:"first_offset"`
	Last      int64 `json:"last_offset"`
}

func producedOf(topic string, sent produce.Sent) produced {
	p := produced{Topic: topic, Partitions: []producedPartition{}}
	for _, number := range slices.Sorted(maps.Keys(sent)) {
		run := sent[number]
		p.Records += run.Records
		p.Partitions = append(p.Partitions, producedPartition{number, run.Records, run.First, run.Last})
	}
	return p
}

func (p produced) write(to io.Writer) error {
	out := &firstError{to: to}
	out.printf("%s acknowledged in %s\n", plural(p.Records, "record"), p.Topic)
	for _, each := range p.Partitions {
		offsets := fmt.Sprintf("offset %d", each.First)
		if each.Last > each.First {
			offsets = fmt.Sprintf("offsets %d-%d", each.First, each.Last)
		}
		out.printf("  partition %d: %s, %s\n", each.Partition, plural(each.Records, "record"), offsets)
	}
	return out.err
}
