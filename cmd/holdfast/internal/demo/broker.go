package demo

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	topic = "demo"
	group = "holdfast-demo"
)

// broker is the embedded Kafka of a run and a client that asks it over its
// protocol, as any other program would.
type broker struct {
	cluster *kfake.Cluster
	client  sarama.Client
	admin   sarama.ClusterAdmin
}

func startBroker(partitions int) (*broker, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("holdfast-demo"),
		kfake.SeedTopics(int32(partitions), topic),
	)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	b := &broker{cluster: cluster}
	if err := b.connect(); err != nil {
		cluster.Close()
		return nil, fmt.Errorf("connect to the embedded broker: %w", err)
	}
	return b, nil
}

func (b *broker) connect() (err error) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.Return.Successes = true
	config.Producer.Flush.MaxMessages = 1000
	if b.client, err = sarama.NewClient(b.addrs(), config); err != nil {
		return err
	}
	if b.admin, err = sarama.NewClusterAdminFromClient(b.client); err != nil {
		return errors.Join(err, b.client.Close())
	}
	return nil
}

func (b *broker) addrs() []string { return b.cluster.ListenAddrs() }

func (b *broker) close() error {
	err := b.admin.Close() // and with it the client
	b.cluster.Close()
	return err
}

// offsets reads the end and the committed offset of each partition; committed is
// -1 where there is none.
func (b *broker) offsets(partitions int) ([]Partition, error) {
	list := make([]int32, partitions)
	for p := range list {
		list[p] = int32(p)
	}
	answer, err := b.admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: list})
	if errors.Is(err, sarama.ErrGroupIDNotFound) { // nobody has joined yet
		answer, err = new(sarama.OffsetFetchResponse), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the committed offsets: %w", err)
	}
	found := make([]Partition, partitions)
	for p := range found {
		end, err := b.client.GetOffset(topic, int32(p), sarama.OffsetNewest)
		if err != nil {
			return nil, fmt.Errorf("read the end of %s/%d: %w", topic, p, err)
		}
		found[p] = Partition{Partition: int32(p), End: end, Committed: -1}
		if block := answer.GetBlock(topic, int32(p)); block != nil && block.Err == sarama.ErrNoError {
			found[p].Committed = block.Offset
		}
	}
	return found, nil
}
