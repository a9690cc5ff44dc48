package kafka_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// What follows needs a real broker: the embedded one hides it, or answers
// otherwise.
func TestRealKafka(t *testing.T) {
	t.Parallel()
	r := &realKafka{Broker: apache.Start(t)}
	for name, test := range map[string]func(*testing.T, *realKafka){
		"names and ids":           testNames,
		"metadata has a limit":    testMetadataLimit,
		"hand-over":               testHandOver,
		"new partition":           testNewPartition,
		"leave":                   testLeave,
		"fixed beside members":    testFixedBesideMembers,
		"empty batches":           testEmptyBatches,
		"an old session cannot":   testForgottenMember,
		"members come and go":     testChurn,
		"range and its migration": testMigration,
		"produce":                 testProduce,
		"more topics":             testMoreTopicsAfterARestart,
		"more topics beside":      testMoreTopicsAfterARestartBesideOthers,
		"more partitions":         testMorePartitionsAfterARestart,
	} {
		t.Run(name, func(t *testing.T) { test(t, r) })
	}
	t.Run("the broker stops for a while", func(t *testing.T) { testRestart(t, r) })
}

type realKafka struct{ *apache.Broker }

func (r *realKafka) addrs() []string { return []string{r.Addr()} }

// create makes a topic that no other test uses, named for the test.
func (r *realKafka) create(t *testing.T, partitions int32, configs ...string) string {
	t.Helper()
	return r.createAs(t, "", partitions, configs...)
}

// createAs is create for several topics of a test.
func (r *realKafka) createAs(t *testing.T, suffix string, partitions int32, configs ...string) string {
	t.Helper()
	name := strings.NewReplacer("/", ".", "_", "-").Replace(t.Name()) + suffix
	entries := make(map[string]*string)
	for i := 0; i < len(configs); i += 2 {
		entries[configs[i]] = &configs[i+1]
	}
	admin := r.admin(t)
	err := admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries}, false)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the partitions are led", func() bool { // which brokers tell after the answer
		topics, err := admin.DescribeTopics([]string{name})
		if err != nil || len(topics) != 1 || len(topics[0].Partitions) != int(partitions) {
			return false
		}
		return !slices.ContainsFunc(topics[0].Partitions, func(p *sarama.PartitionMetadata) bool { return p.Leader < 0 })
	})
	return name
}

func (r *realKafka) admin(t *testing.T) sarama.ClusterAdmin {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(r.addrs(), plain())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

func plain() *sarama.Config {
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	conf.Producer.Retry.Max = 100     // a broker that is busy is waited for,
	conf.Admin.Timeout = patience / 2 // also where something is to be created
	return conf
}

func idempotent() *sarama.Config {
	conf := plain()
	conf.Producer.Idempotent, conf.Net.MaxOpenRequests = true, 1
	conf.Producer.RequiredAcks = sarama.WaitForAll
	return conf
}

// dial joins a group that no other test uses, and that throws nobody out because
// the broker or the machine is busy for a while.
func (r *realKafka) dial(t *testing.T, change ...func(*kafka.Config)) *kafka.Cluster {
	t.Helper()
	patient := func(cfg *kafka.Config) {
		cfg.Group, cfg.SessionTimeout, cfg.RebalanceTimeout = t.Name(), 10*time.Second, 10*time.Second
	}
	return dial(t, r.addrs(), append([]func(*kafka.Config){patient}, change...)...)
}

func testNames(t *testing.T, r *realKafka) {
	topic := r.create(t, 1)
	cluster := r.dial(t)
	found, err := cluster.Topics(within(t), []string{topic}, nil)
	if err != nil {
		t.Fatal(err)
	}
	described := r.Tool(t, apache.TopicCommand, "--describe", "--topic", topic)
	if id := found[topic].ID; len(id) != 22 || !strings.Contains(described, id) {
		t.Errorf("topic id %q, Kafka says %s", id, described)
	}
	if len(cluster.ID()) != 22 {
		t.Errorf("cluster id %q", cluster.ID())
	}
}

func testMetadataLimit(t *testing.T, r *realKafka) {
	topic, o := r.create(t, 2), newOwner()
	consume(t, r.dial(t), topics(topic), o)
	claims := o.take(t, 2)
	h := claims[topic+"/0"]
	if err := h.Commit(within(t), 1, strings.Repeat("m", 4096)); err != nil {
		t.Fatal(err)
	}
	if err := h.Commit(within(t), 2, strings.Repeat("m", 4097)); !errors.Is(err, kafka.ErrMetadataTooLarge) {
		t.Errorf("4,097 bytes: %v", err)
	}
	if offset, metadata, err := h.Committed(within(t)); err != nil || offset != 1 || len(metadata) != 4096 {
		t.Errorf("committed %d with %d bytes, %v", offset, len(metadata), err)
	}
}

// Compaction keeps the last batch of each producer, without its records.
func testEmptyBatches(t *testing.T, r *realKafka) {
	topic := r.create(t, 1, "cleanup.policy", "compact", "segment.ms", "100", "min.cleanable.dirty.ratio", "0.001")
	o := newOwner()
	consume(t, r.dial(t), topics(topic), o)
	h := o.one(t)
	for minutes := range 4 { // each from a producer, and by its time in a segment, of its own
		producer, err := sarama.NewSyncProducer(r.addrs(), idempotent())
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder("k"), Value: sarama.StringEncoder("v"),
			Timestamp: time.Now().Add(time.Duration(minutes-10) * time.Minute),
		})
		if err := errors.Join(err, producer.Close()); err != nil {
			t.Fatal(err)
		}
	}
	// The last segment is not compacted, and in those before it the last record stays.
	until(t, "compaction", func() bool {
		p, err := h.Probe(within(t), 0)
		if err != nil || !p.Record || p.LogStart != 0 {
			t.Fatalf("%+v, %v", p, err)
		}
		return p.End == 2
	})
	// While the broker puts compacted segments into place, a record is found in the
	// one that goes, though a look from further back finds none in the one that comes.
	until(t, "the old segments go", func() bool {
		_, err := h.Read(within(t), 1)
		if err != nil && !errors.Is(err, kafka.ErrNoRecord) {
			t.Fatalf("read: %v", err)
		}
		return err != nil
	})
	if got := next(t, open(t, h.Claim, 0), 1)[0]; got != 2 {
		t.Errorf("the stream begins at %d", got)
	}
}

func testMigration(t *testing.T, r *realKafka) {
	topic := r.create(t, 4)
	old, new := newOwner(), newOwner()
	stop := consume(t, r.dial(t, assignors(kafka.Range)), topics(topic), old)
	old.take(t, 4)
	consume(t, r.dial(t, assignors(kafka.CooperativeSticky, kafka.Range)), topics(topic), new)
	new.take(t, 2)
	old.take(t, 2)
	stop()
}

func testRestart(t *testing.T, r *realKafka) {
	topic, o := r.create(t, 2), newOwner()
	cluster := r.dial(t, instance("a"))
	consume(t, cluster, topics(topic), o)
	claims := o.take(t, 2)
	stream := open(t, claims[topic+"/0"].Claim, 0)
	r.Kill(t)
	for _, h := range claims {
		h.ends(t, kafka.ErrLost)
	}
	_ = stream.Close()
	until(t, "lease over", func() bool { return !claims[topic+"/0"].Lease().After(time.Now()) })
	r.Restart(t)
	for _, h := range o.take(t, 2) {
		if err := h.Commit(within(t), 0, ""); err != nil {
			t.Error(err)
		}
	}
}
