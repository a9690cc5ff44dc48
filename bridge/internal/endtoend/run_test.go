package endtoend

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

const (
	topic      = "orders"
	group      = "billing"
	partitions = 4
	keys       = 40
	half       = 250 // records before the crash, and again after it
)

// The handler tells the history of each start and end; what it prints between
// the two is checked by the test. Killed with its bridge, it tells no end.
const script = `#!/bin/sh
read -r value
dir=${0%/*}
job="\"process\":\"bridge\",\"topic\":\"$HOLDFAST_JOB_TOPIC\",\"partition\":$HOLDFAST_JOB_PARTITION,\"offset\":$HOLDFAST_JOB_OFFSET"
printf '{"event":"start",%s}\n' "$job" >>"$dir/history.ndjson"
printf '%s %s %s\n' "$HOLDFAST_JOB_ID" "$HOLDFAST_JOB_KEY" "$value" >>"$dir/seen"
sleep 0.02
printf '{"event":"end","done":true,%s}\n' "$job" >>"$dir/history.ndjson"
`

const config = `
kafka: {brokers: [%s], group: %s}
data_dir: ./data
workers: 16
topics:
  %s: {partitioner: {source: key}, ordering: key}
handler:
  exec: {command: [./charge.sh]}
`

func TestRunThroughKillAndStop(t *testing.T) {
	t.Parallel()
	broker := apache.Start(t)
	broker.CreateTopic(t, topic, partitions)
	s := newSite(t)
	s.write(t, "charge.sh", script)
	s.write(t, "holdfast.yaml", fmt.Sprintf(config, broker.Addr(), group, topic))

	s.tell(t, produce(t, broker, 0)...)
	killed := s.run(t)
	s.waitForEnds(t, killed, half/2)
	s.kill(t, killed)

	s.tell(t, produce(t, broker, half)...)
	stopped := s.run(t)
	s.waitForEnds(t, stopped, 2*half)
	s.stop(t, stopped)

	report := s.judge(t)
	t.Log(report)
	for _, v := range report.Violations {
		t.Error(v)
	}
	checkSeen(t, s.read(t, "seen"), topicID(t, broker))
	for p, progress := range broker.Progress(t, group, topic) {
		if progress.Committed != progress.End {
			t.Errorf("%s/%d: committed %d of %d", topic, p, progress.Committed, progress.End)
		}
	}
	if t.Failed() {
		t.Logf("end of the bridge's log:\n%s", s.logTail())
	}
}

// produce writes half of the records, numbered from first, and returns their
// events.
func produce(t *testing.T, broker *apache.Broker, first int) []history.Event {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	conf.Producer.RequiredAcks = sarama.WaitForAll
	producer, err := sarama.NewSyncProducer([]string{broker.Addr()}, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	messages := make([]*sarama.ProducerMessage, half)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{
			Topic: topic,
			Key:   sarama.StringEncoder(keyOf(first + i)),
			Value: sarama.StringEncoder(fmt.Sprintln("value", first+i)),
		}
	}
	if err := producer.SendMessages(messages); err != nil {
		t.Fatal(err)
	}
	events := make([]history.Event, half)
	for i, m := range messages {
		events[i] = history.Event{
			Kind: history.Produced, Topic: topic, Partition: m.Partition, Offset: m.Offset, Lane: keyOf(first + i),
		}
	}
	return events
}

func keyOf(i int) string { return fmt.Sprintf("cust-%d", i%keys) }

// topicID asks the broker's own tool.
func topicID(t *testing.T, broker *apache.Broker) string {
	t.Helper()
	_, rest, found := strings.Cut(broker.Tool(t, apache.TopicCommand, "--describe", "--topic", topic), "TopicId: ")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		t.Fatal("the broker tells no topic id")
	}
	return fields[0]
}

// checkSeen checks what the script was given: each record's key and value, and
// an id by which Kafka knows the topic.
func checkSeen(t *testing.T, seen, topicID string) {
	t.Helper()
	values := make(map[string]string) // by id
	for line := range strings.Lines(seen) {
		fields := strings.Fields(line)
		var i int
		if len(fields) != 4 {
			t.Fatalf("the script was given %q", line)
		}
		if _, err := fmt.Sscanf(fields[2]+" "+fields[3], "value %d", &i); err != nil || fields[1] != keyOf(i) {
			t.Errorf("the script was given key %s with %q", fields[1], line)
		}
		if !strings.HasPrefix(fields[0], topicID+"/") {
			t.Errorf("job id %s does not begin with the topic's id %s", fields[0], topicID)
		}
		if was, again := values[fields[0]]; again && was != fields[3] {
			t.Errorf("job %s had value %s and then %s", fields[0], was, fields[3])
		}
		values[fields[0]] = fields[3]
	}
	if len(values) != 2*half {
		t.Errorf("%d different jobs were seen, want %d", len(values), 2*half)
	}
}

// TestMain builds the binary once. It is where a member of a fleet begins too.
func TestMain(m *testing.M) {
	orders, member := os.LookupEnv(ordersVariable)
	if !member {
		os.Exit(withBinary(m.Run))
	}
	if err := serve(orders); err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
}
