package endtoend

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
)

// kafka is a broker and, beside the bridges, a client of it.
type kafka struct {
	*apache.Broker
	client sarama.Client
	admin  sarama.ClusterAdmin
}

func startKafka(t *testing.T, options ...apache.Option) *kafka {
	t.Helper()
	k := &kafka{Broker: apache.Start(t, options...)}
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_2_0_0
	conf.Producer.Return.Successes = true
	conf.Producer.RequiredAcks = sarama.WaitForAll
	conf.Producer.Retry.Max = 100 // outlasts a broker that is busy or starts again
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	conf.Admin.Timeout = 30 * time.Second
	var err error
	if k.client, err = sarama.NewClient([]string{k.Addr()}, conf); err != nil {
		t.Fatal(err)
	}
	if k.admin, err = sarama.NewClusterAdminFromClient(k.client); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.admin.Close() }) // the client's end too
	until(t, func() (bool, any) {
		err := k.client.RefreshCoordinator("any")
		return err == nil, err
	}, "the broker coordinates groups")
	return k
}

// topicOf is the name of a topic that no other test uses.
func topicOf(t *testing.T) string {
	return strings.NewReplacer("/", ".", "_", "-").Replace(t.Name())
}

// create makes a topic and waits until it can be used; configs are names and
// values in turn.
func (k *kafka) create(t *testing.T, topic string, partitions int32, configs ...string) {
	t.Helper()
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: make(map[string]*string)}
	for i := 0; i < len(configs); i += 2 {
		detail.ConfigEntries[configs[i]] = &configs[i+1]
	}
	if err := k.admin.CreateTopic(topic, detail, false); err != nil {
		t.Fatal(err)
	}
	k.waitLed(t, topic, partitions)
}

// waitLed waits until the topic has so many partitions, and all can be written
// to and read.
func (k *kafka) waitLed(t *testing.T, topic string, partitions int32) {
	t.Helper()
	until(t, func() (bool, any) {
		ends, err := k.readEnds(topic)
		return err == nil && len(ends) == int(partitions), err
	}, "%s has %d partitions with leaders", topic, partitions)
}

// produce writes the messages to the partitions that they name.
func (k *kafka) produce(t *testing.T, messages ...*sarama.ProducerMessage) {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(k.client)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.SendMessages(messages); err != nil {
		t.Fatal(err)
	}
}

// ends are the ends of a topic's partitions. A broker that has just started, or is
// busy, may not lead them for a moment.
func (k *kafka) ends(t *testing.T, topic string) (ends map[int32]int64) {
	t.Helper()
	until(t, func() (bool, any) {
		var err error
		ends, err = k.readEnds(topic)
		return err == nil, err
	}, "the ends of %s are told", topic)
	return ends
}

func (k *kafka) readEnds(topic string) (map[int32]int64, error) {
	if err := k.client.RefreshMetadata(topic); err != nil {
		return nil, err
	}
	partitions, err := k.client.Partitions(topic)
	if err != nil {
		return nil, err
	}
	ask := make(map[int32]int64)
	for _, p := range partitions {
		ask[p] = sarama.OffsetNewest
	}
	answer, err := k.admin.ListOffsets(map[string]map[int32]int64{topic: ask}, nil)
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64)
	for p, end := range answer[topic] {
		if end.Err != sarama.ErrNoError && end.Err != nil {
			return nil, end.Err
		}
		ends[p] = end.Offset
	}
	return ends, nil
}

// committed are a group's offsets in a topic; a partition without is left out.
func (k *kafka) committed(group, topic string) (map[int32]int64, error) {
	answer, err := k.admin.ListConsumerGroupOffsets(group, nil)
	if err != nil {
		return nil, err
	}
	offsets := make(map[int32]int64)
	for p, block := range answer.Blocks[topic] {
		if block.Offset >= 0 {
			offsets[p] = block.Offset
		}
	}
	return offsets, nil
}

// waitCommitted waits until the group has committed all that the topic holds.
func (k *kafka) waitCommitted(t *testing.T, group, topic string) {
	t.Helper()
	ends := k.ends(t, topic)
	var offsets map[int32]int64
	until(t, func() (bool, any) {
		var err error
		offsets, err = k.committed(group, topic)
		return err == nil && maps.Equal(ends, offsets), offsets
	}, "group %s has committed %v of %s", group, ends, topic)
}

// until waits for a condition; what it saw last is told when it does not come.
func until(t *testing.T, condition func() (bool, any), what string, args ...any) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ok, seen := condition()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: "+what+"; it is %v", append(append([]any{patience}, args...), seen)...)
		}
	}
}
