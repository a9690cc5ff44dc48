package apache

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

func TestBrokerKeepsItsDataThroughStopAndKill(t *testing.T) {
	t.Parallel()
	broker := Start(t, Property("log.retention.hours", "1"))
	broker.CreateTopic(t, "orders", 2, "cleanup.policy=delete")

	produce(t, broker, "first")
	broker.Stop(t)
	broker.Restart(t)
	produce(t, broker, "second")
	broker.Kill(t)
	broker.Restart(t)
	produce(t, broker, "third")

	if diff := cmp.Diff([]string{"first", "second", "third"}, consume(t, broker, 3)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	want := map[int32]Progress{1: {Committed: 2, End: 3}}
	if diff := cmp.Diff(want, broker.Progress(t, "billing", "orders")); diff != "" {
		t.Errorf("progress of the group (-want +got):\n%s", diff)
	}
}

func TestGroupTableIsRead(t *testing.T) {
	t.Parallel()
	const table = `
Consumer group 'billing' has no active members.

GROUP   TOPIC    PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  CONSUMER-ID  HOST  CLIENT-ID
billing orders   0          12              15              3    -            -     -
billing orders   1          -               7               -    -            -     -
billing payments 0          5               5               0    -            -     -
`
	got, err := parseGroup(table, "orders")
	if err != nil {
		t.Fatal(err)
	}
	want := map[int32]Progress{0: {Committed: 12, End: 15}, 1: {Committed: -1, End: 7}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if _, err := parseGroup("GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET\nbilling orders 0 x 1\n", "orders"); err == nil {
		t.Error("a table with a word for an offset was read")
	}
}

func produce(t *testing.T, broker *Broker, value string) {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	conf.Producer.RequiredAcks = sarama.WaitForAll
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer([]string{broker.Addr()}, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
		Topic: "orders", Partition: 1, Value: sarama.StringEncoder(value)}); err != nil {
		t.Fatal(err)
	}
}

// consume reads the first n records and commits all but the last.
func consume(t *testing.T, broker *Broker, n int) []string {
	t.Helper()
	client, err := sarama.NewClient([]string{broker.Addr()}, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	stream, err := consumer.ConsumePartition("orders", 1, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var values []string
	deadline := time.After(30 * time.Second)
	for len(values) < n {
		select {
		case m := <-stream.Messages():
			values = append(values, string(m.Value))
		case <-deadline:
			t.Fatalf("%d of %d records within 30 s", len(values), n)
		}
	}
	offsets, err := sarama.NewOffsetManagerFromClient("billing", client)
	if err != nil {
		t.Fatal(err)
	}
	defer offsets.Close()
	partition, err := offsets.ManagePartition("orders", 1)
	if err != nil {
		t.Fatal(err)
	}
	partition.MarkOffset(int64(n-1), "")
	offsets.Commit()
	partition.AsyncClose()
	return values
}
