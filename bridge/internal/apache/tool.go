package apache

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The classes of the broker's own tools.
const (
	TopicCommand         = "org.apache.kafka.tools.TopicCommand"
	ConsumerGroupCommand = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	ConfigCommand        = "kafka.admin.ConfigCommand"
)

const toolWithin = 5 * time.Minute

// Tool runs one of the broker's tools against it and returns its output. A
// tool takes about two seconds.
func (b *Broker) Tool(tb testing.TB, class string, args ...string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), toolWithin)
	defer cancel()
	args = append([]string{"-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-cp", b.install.jars, class, "--bootstrap-server", b.Addr()}, args...)
	cmd := exec.CommandContext(ctx, "java", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s %s: %v\n%s%s", class, strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

// CreateTopic creates a topic; configs have the form name=value.
func (b *Broker) CreateTopic(tb testing.TB, name string, partitions int, configs ...string) {
	tb.Helper()
	args := []string{"--create", "--topic", name, "--partitions", strconv.Itoa(partitions)}
	for _, c := range configs {
		args = append(args, "--config", c)
	}
	b.Tool(tb, TopicCommand, args...)
}

// Progress is how far a group has come in one partition. Committed is -1
// where the group has committed nothing.
type Progress struct {
	Committed, End int64
}

// Progress reads back, with the broker's own tool, what a group has committed
// in a topic, by partition.
func (b *Broker) Progress(tb testing.TB, group, topic string) map[int32]Progress {
	tb.Helper()
	progress, err := parseGroup(b.Tool(tb, ConsumerGroupCommand, "--describe", "--group", group), topic)
	if err != nil {
		tb.Fatalf("describe group %s: %v", group, err)
	}
	return progress
}

// parseGroup reads the table that ConsumerGroupCommand prints. Its columns are
// found by their headings, of which those needed come before any that may
// hold spaces.
func parseGroup(table, topic string) (map[int32]Progress, error) {
	progress := make(map[int32]Progress)
	column := make(map[string]int)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == "GROUP" {
			for i, name := range fields {
				column[name] = i
			}
			continue
		}
		if len(column) == 0 || len(fields) <= column["LOG-END-OFFSET"] || fields[column["TOPIC"]] != topic {
			continue
		}
		var row [3]int64
		for i, name := range []string{"PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET"} {
			text := fields[column[name]]
			if text == "-" {
				text = "-1"
			}
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s in %q: %w", name, strings.TrimSpace(line), err)
			}
			row[i] = n
		}
		progress[int32(row[0])] = Progress{Committed: row[1], End: row[2]}
	}
	return progress, nil
}
