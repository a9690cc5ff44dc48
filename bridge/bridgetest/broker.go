package bridgetest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge/internal/loopback"
)

// Broker is an embedded Kafka cluster that belongs to one test.
//
// Its methods may be called from several goroutines, except Stop and Start.
type Broker struct {
	cluster *kfake.Cluster
	addrs   []string
	release func() // of the ports
	opts    []kfake.Opt
	dir     string // of a persistent broker, else empty
}

// Option changes what [StartBroker] starts.
type Option func(*settings)

type settings struct {
	opts    []kfake.Opt
	topics  map[string]bool // created by opts
	nodes   int
	keep    bool
	records []batch
}

type batch struct {
	topic   string
	records []Record
}

// Topic creates a topic before the broker is handed out.
func Topic(name string, partitions int32) Option {
	return func(s *settings) { s.seed(name, partitions) }
}

// missing is Topic with one partition, for a name that no other option creates.
func missing(name string) Option {
	return func(s *settings) {
		if !s.topics[name] {
			s.seed(name, 1)
		}
	}
}

func (s *settings) seed(topic string, partitions int32) {
	if s.topics == nil {
		s.topics = map[string]bool{}
	}
	s.topics[topic] = true
	s.opts = append(s.opts, kfake.SeedTopics(partitions, topic))
}

// Records fills a topic before the broker is handed out.
func Records(topic string, records ...Record) Option {
	return func(s *settings) { s.records = append(s.records, batch{topic, records}) }
}

// Nodes starts n brokers instead of one, so that leaders and coordinators can
// move.
func Nodes(n int) Option { return func(s *settings) { s.nodes = n } }

// Persistent keeps the broker's data on disk, so that it outlives [Broker.Stop].
func Persistent() Option { return func(s *settings) { s.keep = true } }

// shortestSession lets tests use session timeouts far below Kafka's 6 s.
const shortestSession = 100 * time.Millisecond

// StartBroker starts a broker on free loopback ports and closes it when the
// test ends.
func StartBroker(tb testing.TB, options ...Option) *Broker {
	tb.Helper()
	b, err := NewBroker(options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// NewBroker is [StartBroker] for examples, which have no testing.TB. The caller
// closes the broker.
func NewBroker(options ...Option) (*Broker, error) {
	s := settings{nodes: 1}
	for _, o := range options {
		o(&s)
	}
	ports, release, err := loopback.Reserve(s.nodes)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	b := &Broker{release: release, opts: append(s.opts,
		kfake.NumBrokers(s.nodes),
		kfake.Ports(ports...),
		kfake.ClusterID("bridgetest"),
		kfake.GroupMinSessionTimeout(shortestSession),
	)}
	if s.keep {
		dir, err := os.MkdirTemp("", "holdfast-broker-")
		if err != nil {
			b.Close()
			return nil, fmt.Errorf("create the embedded broker's directory: %w", err)
		}
		b.dir = dir
		b.opts = append(b.opts, kfake.DataDir(dir))
	}
	if err := b.start(); err != nil {
		b.Close()
		return nil, err
	}
	for _, f := range s.records {
		if _, err := b.produce(f.topic, f.records); err != nil {
			b.Close()
			return nil, err
		}
	}
	return b, nil
}

// Start starts a stopped broker again, on the same ports.
func (b *Broker) Start(tb testing.TB) {
	tb.Helper()
	if b.cluster != nil {
		return
	}
	if err := b.start(); err != nil {
		tb.Fatal(err)
	}
}

func (b *Broker) start() error {
	cluster, err := kfake.NewCluster(b.opts...)
	if err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	b.cluster, b.addrs = cluster, cluster.ListenAddrs()
	return nil
}

// Stop ends the broker: its ports refuse connections until [Broker.Start].
// What it held is gone unless it is [Persistent].
func (b *Broker) Stop(testing.TB) { b.stop() }

func (b *Broker) stop() {
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
}

// Close ends the broker for good. [StartBroker] sees to it at the end of a test.
func (b *Broker) Close() {
	b.stop()
	b.release()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
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
	client, err := b.client()
	if err != nil {
		tb.Fatal(err)
	}
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

// Compact runs a round of compaction over the topics that ask for it.
func (b *Broker) Compact() { b.cluster.Compact() }
