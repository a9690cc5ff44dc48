package bridgetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

func TestMain(m *testing.M) {
	// sarama's metrics library starts one goroutine per process and keeps it.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func TestProducedRecordsAreReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	at := time.UnixMilli(1_700_000_000_123)
	offsets := broker.Produce(t, "orders",
		bridgetest.Record{Partition: 1, Key: []byte("k"), Value: []byte("v"), Time: at,
			Headers: []bridgetest.Header{{Key: "h", Value: []byte("x")}}},
		bridgetest.Record{Partition: 1},
		bridgetest.Record{Partition: 0, Key: []byte{}, Value: []byte{}},
	)
	if diff := cmp.Diff([]int64{0, 1, 0}, offsets); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int32]int64{0: 1, 1: 2}, broker.EndOffsets("orders")); diff != "" {
		t.Errorf("end offsets (-want +got):\n%s", diff)
	}

	got := consume(t, broker, "orders", 1, 2, sarama.ReadUncommitted)
	if string(got[0].Key) != "k" || string(got[0].Value) != "v" || !got[0].Timestamp.Equal(at) ||
		len(got[0].Headers) != 1 || string(got[0].Headers[0].Value) != "x" {
		t.Errorf("record 0 came back as %+v", got[0])
	}
	if got[1].Key != nil || got[1].Value != nil {
		t.Errorf("null key and value came back as %q and %q", got[1].Key, got[1].Value)
	}
}

func TestAbortedRecordsAreInvisibleToReadCommitted(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	broker.ProduceTransaction(t, false, "orders", bridgetest.Record{Value: []byte("aborted")})
	broker.ProduceTransaction(t, true, "orders", bridgetest.Record{Value: []byte("committed")})
	end := broker.OpenTransaction(t, "open", "orders", bridgetest.Record{Value: []byte("late")})
	if got := consume(t, broker, "orders", 0, 1, sarama.ReadCommitted); string(got[0].Value) != "committed" {
		t.Errorf("first visible record is %q", got[0].Value)
	}
	end(true)
	if got := consume(t, broker, "orders", 0, 2, sarama.ReadCommitted); string(got[1].Value) != "late" {
		t.Errorf("second visible record is %q", got[1].Value)
	}
	// Two records with their control records, and one more of each.
	if got := broker.EndOffsets("orders")[0]; got != 6 {
		t.Errorf("end offset %d, want 6", got)
	}
}

func TestCommitsAreReadBackWithMetadata(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	if got := broker.Committed("billing", "orders"); len(got) != 0 {
		t.Errorf("an unknown group has commits: %v", got)
	}
	broker.Produce(t, "orders", bridgetest.Record{Partition: 1})
	commit(t, broker, "billing", "orders", 1, 1, "note")
	broker.WaitCommitted(t, "billing", "orders")
	want := map[int32]bridgetest.Commit{1: {Offset: 1, Metadata: "note"}}
	if diff := cmp.Diff(want, broker.Committed("billing", "orders")); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}

func TestFaultsEndAfterTheirCount(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	seen := broker.Watch(bridgetest.OffsetCommit)
	fault := broker.FailPartitions(bridgetest.OffsetCommit, 2, sarama.ErrIllegalGeneration, "orders", 0)
	for range 2 {
		if err := tryCommit(broker, "billing", "orders", 0, 0, ""); !errors.Is(err, sarama.ErrIllegalGeneration) {
			t.Errorf("commit during the fault: %v", err)
		}
	}
	fault.Wait(t, 2)
	commit(t, broker, "billing", "orders", 0, 0, "")
	if seen.Hits() != 3 {
		t.Errorf("%d commits seen, want 3", seen.Hits())
	}
}

func TestDroppedRequestsLoseTheirConnection(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	broker.Drop(bridgetest.OffsetCommit, 1)
	err := tryCommit(broker, "billing", "orders", 0, 0, "")
	var answer sarama.KError
	if err == nil || errors.As(err, &answer) {
		t.Errorf("dropped commit: %v", err)
	}
	commit(t, broker, "billing", "orders", 0, 0, "")
}

func TestHeldRequestsAreCarriedOutAtRelease(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	release := broker.Hold(t, bridgetest.OffsetCommit)
	done := make(chan error, 1)
	go func() { done <- tryCommit(broker, "billing", "orders", 0, 0, "") }()
	select {
	case err := <-done:
		t.Fatalf("a held commit was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	release()
	if err := <-done; err != nil {
		t.Fatalf("released commit: %v", err)
	}
	commit(t, broker, "billing", "orders", 0, 0, "")
}

func TestPersistentBrokerSurvivesAStop(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Persistent())
	broker.Produce(t, "orders", bridgetest.Record{Value: []byte("kept")})
	id, addrs := broker.TopicID("orders"), broker.Addrs()
	broker.Stop(t)
	broker.Start(t)
	if diff := cmp.Diff(addrs, broker.Addrs()); diff != "" {
		t.Errorf("addresses changed (-before +after):\n%s", diff)
	}
	if got := consume(t, broker, "orders", 0, 1, sarama.ReadUncommitted); string(got[0].Value) != "kept" {
		t.Errorf("record came back as %q", got[0].Value)
	}
	if got := broker.TopicID("orders"); got != id || id == "" {
		t.Errorf("topic id was %q and is %q", id, got)
	}
}

func TestExamplesNeedNoTest(t *testing.T) {
	t.Parallel()
	broker, err := bridgetest.NewBroker(
		bridgetest.Topic("orders", 1),
		bridgetest.Records("orders", bridgetest.Record{Value: []byte("first")}, bridgetest.Record{}),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	if got := consume(t, broker, "orders", 0, 2, sarama.ReadUncommitted); string(got[0].Value) != "first" {
		t.Errorf("record came back as %q", got[0].Value)
	}
	if broker, err := bridgetest.NewBroker(bridgetest.Records("missing", bridgetest.Record{})); err == nil {
		broker.Close()
		t.Error("records of a topic that does not exist were written")
	}
}

func TestTopicsChange(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Nodes(2))
	broker.CreateTopic(t, "orders", 1, "cleanup.policy", "compact")
	id := broker.TopicID("orders")
	broker.AddPartitions(t, "orders", 3)
	if got := len(broker.EndOffsets("orders")); got != 3 {
		t.Errorf("%d partitions after AddPartitions, want 3", got)
	}
	for i := range int32(2) {
		broker.MoveLeader(t, "orders", 0, i)
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: fmt.Append(nil, i)})
	}
	broker.DeleteRecords(t, "orders", 0, 1)
	if got := consume(t, broker, "orders", 0, 1, sarama.ReadUncommitted); got[0].Offset != 1 {
		t.Errorf("first record after DeleteRecords is at %d, want 1", got[0].Offset)
	}
	broker.DeleteTopic(t, "orders")
	broker.CreateTopic(t, "orders", 1)
	if got := broker.TopicID("orders"); got == id || got == "" {
		t.Errorf("topic created anew has id %q, was %q", got, id)
	}
}

func consume(t *testing.T, broker *bridgetest.Broker, topic string, partition int32, n int, level sarama.IsolationLevel) []*sarama.ConsumerMessage {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Consumer.IsolationLevel = level
	consumer, err := sarama.NewConsumer(broker.Addrs(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	stream, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []*sarama.ConsumerMessage
	for len(got) < n {
		select {
		case m := <-stream.Messages():
			got = append(got, m)
		case <-ctx.Done():
			t.Fatalf("%d of %d records of %s/%d", len(got), n, topic, partition)
		}
	}
	return got
}

func commit(t *testing.T, broker *bridgetest.Broker, group, topic string, partition int32, offset int64, metadata string) {
	t.Helper()
	if err := tryCommit(broker, group, topic, partition, offset, metadata); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// tryCommit commits as a group without members may.
func tryCommit(broker *bridgetest.Broker, group, topic string, partition int32, offset int64, metadata string) error {
	client, err := sarama.NewClient(broker.Addrs(), sarama.NewConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	coordinator, err := client.Coordinator(group)
	if err != nil {
		return err
	}
	request := &sarama.OffsetCommitRequest{Version: 7, ConsumerGroup: group, ConsumerGroupGeneration: -1}
	request.AddBlock(topic, partition, offset, 0, metadata)
	response, err := coordinator.CommitOffset(request)
	if err != nil {
		return err
	}
	if code := response.Errors[topic][partition]; code != sarama.ErrNoError {
		return code
	}
	return nil
}
