package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/produce"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

const localBroker = "127.0.0.1:9092"

func (w *world) produce() *cli.Command {
	brokers := config.Variable("kafka.brokers")
	return &cli.Command{
		Name:  "produce",
		Usage: "write records from stdin to a topic, for development, not for production",
		Description: "Each line is a value, or with --json a record:\n" +
			`{"key": "cust-17", "value": {"amount": 3}, "headers": {"tenant": "acme"}}` + "\n\n" +
			"echo cust-17:hello | holdfast produce --topic orders --key-separator :",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "topic", Usage: "`NAME` of the topic"},
			&cli.StringFlag{Name: "brokers", Usage: "`HOST:PORT` of brokers, separated by commas, also " + brokers + " (default: " + localBroker + ")"},
			&cli.BoolFlag{Name: "json", Usage: "each line is a JSON object with key, value and headers, or key_base64 and value_base64"},
			&cli.StringFlag{Name: "key", Usage: "`KEY` of every record that has none"},
			&cli.StringFlag{Name: "key-separator", Usage: "`TEXT` between the key and the value of a line"},
			&cli.StringSliceFlag{Name: "header", Usage: "a header of every record as `NAME=VALUE`; may be repeated"},
			&cli.StringFlag{Name: "partitioner", Usage: "the `HASH` that chooses partitions: " + strings.Join(hashNames(), ", "), Value: "murmur2"},
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
	brokers := c.String("brokers")
	for _, more := range []string{w.variable(config.Variable("kafka.brokers")), localBroker} {
		if brokers == "" {
			brokers = more
		}
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	target := produce.Target{Brokers: splitList(brokers), Topic: topic, Hash: hash}
	sent, err := produce.Send(ctx, target, produce.NewReader(w.input(ctx), format))
	if sent != nil {
		fmt.Fprintf(w.stderr, "holdfast: %s (a tool for development, not for production)\n", describeSent(sent, topic))
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted before the end of the input")
	}
	return err
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

// splitList reads values separated by commas.
func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return parts
}

func describeSent(sent produce.Sent, topic string) string {
	total := 0
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(sent)) {
		total += sent[p]
		parts = append(parts, fmt.Sprintf("%d: %d", p, sent[p]))
	}
	if total == 0 {
		return "0 records produced to " + topic
	}
	return fmt.Sprintf("%s acknowledged in %s, by partition %s", plural(total, "record"), topic, strings.Join(parts, ", "))
}
