package bridgetest

import (
	"context"
	"maps"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Broker is an embedded Kafka cluster that belongs to one test.
//
// Its methods may be called from several goroutines, except Stop and Start.
type Broker struct {
	cluster *kfake.Cluster
	addrs   []string
	ports   []int
	opts    []kfake.Opt
	dir     string // of a persistent broker, else empty
}

// Option changes what [StartBroker] starts.
type Option func(*settings)

type settings struct {
	opts  []kfake.Opt
	nodes int
	keep  bool
}

// Topic creates a topic before the broker is handed out.
func Topic(name string, partitions int32) Option {
	return func(s *settings) { s.opts = append(s.opts, kfake.SeedTopics(partitions, name)) }
}

// Nodes starts n brokers instead of one, so that leaders and coordinators can
// move.
func Nodes(n int) Option { return func(s *settings) { s.nodes = n } }

// Persistent keeps the broker's data on disk, in a directory of the test, so
// that it outlives [Broker.Stop].
func Persistent() Option { return func(s *settings) { s.keep = true } }

// Configs sets dynamic broker configurations, message.max.bytes for example.
func Configs(configs map[string]string) Option {
	configs = maps.Clone(configs)
	return func(s *settings) { s.opts = append(s.opts, kfake.BrokerConfigs(configs)) }
}

// shortestSession lets tests use session timeouts far below Kafka's 6 s.
const shortestSession = 100 * time.Millisecond

// StartBroker starts a broker on free loopback ports and closes it when the
// test ends.
func StartBroker(tb testing.TB, options ...Option) *Broker {
	tb.Helper()
	s := settings{nodes: 1}
	for _, o := range options {
		o(&s)
	}
	b := &Broker{opts: append(s.opts,
		kfake.NumBrokers(s.nodes),
		kfake.ClusterID("bridgetest"),
		kfake.GroupMinSessionTimeout(shortestSession),
	)}
	if s.keep {
		// Not tb.TempDir: its removal would race with the last writes of a
		// broker that a failing test leaves behind.
		dir, err := os.MkdirTemp("", "holdfast-broker-")
		if err != nil {
			tb.Fatalf("create the broker's directory: %v", err)
		}
		tb.Cleanup(func() { _ = os.RemoveAll(dir) })
		b.dir = dir
		b.opts = append(b.opts, kfake.DataDir(dir))
	}
	b.Start(tb)
	tb.Cleanup(func() { b.Stop(tb) })
	return b
}

// Start starts a stopped broker again, on the same ports.
func (b *Broker) Start(tb testing.TB) {
	tb.Helper()
	if b.cluster != nil {
		return
	}
	opts := b.opts
	if b.ports != nil {
		opts = append(opts[:len(opts):len(opts)], kfake.Ports(b.ports...))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		tb.Fatalf("start the embedded broker: %v", err)
	}
	b.cluster, b.addrs, b.ports = cluster, cluster.ListenAddrs(), nil
	for _, addr := range b.addrs {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			tb.Fatalf("address of the embedded broker: %v", err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			tb.Fatalf("address of the embedded broker: %v", err)
		}
		b.ports = append(b.ports, n)
	}
}

// Stop ends the broker: its ports refuse connections until [Broker.Start].
// What it held is gone unless it is [Persistent].
func (b *Broker) Stop(testing.TB) {
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
}

// Addrs returns the addresses to bootstrap from.
func (b *Broker) Addrs() []string { return b.addrs }

// CreateTopic creates a topic; configs are pairs of name and value, such as
// "cleanup.policy", "compact".
func (b *Broker) CreateTopic(tb testing.TB, name string, partitions int32, configs ...string) {
	tb.Helper()
	m := make(map[string]string)
	for i := 0; i+1 < len(configs); i += 2 {
		m[configs[i]] = configs[i+1]
	}
	if err := b.cluster.CreateTopic(name, partitions, m); err != nil {
		tb.Fatalf("create topic %s: %v", name, err)
	}
}

// DeleteTopic deletes a topic and its records. Created anew it has another id.
func (b *Broker) DeleteTopic(tb testing.TB, name string) {
	tb.Helper()
	if err := b.cluster.DeleteTopic(name); err != nil {
		tb.Fatalf("delete topic %s: %v", name, err)
	}
}

// AddPartitions raises the number of a topic's partitions to total.
func (b *Broker) AddPartitions(tb testing.TB, name string, total int32) {
	tb.Helper()
	client := b.client(tb)
	defer client.Close()
	req := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = name, total
	req.Topics = append(req.Topics, topic)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		tb.Fatalf("add partitions to %s: %v", name, err)
	}
	for _, t := range resp.Topics {
		if t.ErrorCode != 0 {
			tb.Fatalf("add partitions to %s: %v", name, codeError(t.ErrorCode))
		}
	}
}

// DeleteRecords moves the start of a partition's log up to offset, as
// retention does.
func (b *Broker) DeleteRecords(tb testing.TB, topic string, partition int32, offset int64) {
	tb.Helper()
	if err := b.cluster.DeleteRecords(topic, partition, offset); err != nil {
		tb.Fatalf("delete records of %s/%d below %d: %v", topic, partition, offset, err)
	}
}

// MoveLeader makes a node the leader of a partition.
func (b *Broker) MoveLeader(tb testing.TB, topic string, partition, node int32) {
	tb.Helper()
	if err := b.cluster.MoveTopicPartition(topic, partition, node); err != nil {
		tb.Fatalf("move the leader of %s/%d to node %d: %v", topic, partition, node, err)
	}
}

// MoveCoordinators gives groups and transactions new coordinators, as far as
// there are several nodes.
func (b *Broker) MoveCoordinators() { b.cluster.RehashCoordinators() }

// Compact runs a round of compaction over the topics that ask for it.
func (b *Broker) Compact() { b.cluster.Compact() }
