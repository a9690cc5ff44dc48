package apache

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// consoleConsumer is the class of the broker's own consumer in Java.
const consoleConsumer = "org.apache.kafka.tools.consumer.ConsoleConsumer"

// Consumer is Kafka's own console consumer, a plain member of a group in a
// process of its own.
type Consumer struct {
	process *process
	log     string
}

// Consume starts one. It assigns by range and begins, without a committed
// offset, at the oldest record.
func (b *Broker) Consume(tb testing.TB, group, topic string) *Consumer {
	tb.Helper()
	c := &Consumer{log: filepath.Join(tb.TempDir(), "consumer.log")}
	cmd := exec.Command("java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-cp", b.install.jars, consoleConsumer, "--bootstrap-server", b.Addr(),
		"--topic", topic, "--group", group, "--from-beginning",
		"--consumer-property", "partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor",
		"--consumer-property", "session.timeout.ms=6000",
		"--consumer-property", "heartbeat.interval.ms=1000",
		"--property", "print.partition=true", "--property", "print.offset=true", "--property", "print.value=false")
	var err error
	if c.process, err = startProcess(cmd, c.log); err != nil {
		tb.Fatalf("start the console consumer: %v", err)
	}
	tb.Cleanup(func() {
		_ = c.process.stop(syscall.SIGKILL, stopWithin)
		if tb.Failed() {
			text, _ := os.ReadFile(c.log)
			tb.Logf("end of the console consumer's output:\n%s", text[max(0, len(text)-2<<10):])
		}
	})
	return c
}

// Stop stops it as an operator would: it commits and leaves the group.
func (c *Consumer) Stop(tb testing.TB) {
	tb.Helper()
	if err := c.process.stop(syscall.SIGTERM, stopWithin); err != nil {
		tb.Fatalf("stop the console consumer: %v", err)
	}
}

// Consumed are the records that it has printed so far, one line for each, as
// Partition:3<tab>Offset:1042.
func (c *Consumer) Consumed(tb testing.TB) []string {
	tb.Helper()
	text, err := os.ReadFile(c.log)
	if err != nil {
		tb.Fatalf("read the console consumer's output: %v", err)
	}
	var records []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "Partition:") && strings.HasSuffix(line, "\n") {
			records = append(records, strings.TrimSpace(line))
		}
	}
	return records
}

// Wait waits until it has consumed n records.
func (c *Consumer) Wait(tb testing.TB, n int) {
	tb.Helper()
	for deadline := time.Now().Add(startWithin); len(c.Consumed(tb)) < n; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("the console consumer has consumed %d of %d records", len(c.Consumed(tb)), n)
		}
	}
}
