package endtoend

import (
	"hash/crc32"
	"slices"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// producer is one of its own, for what the shared client's settings do not do.
func (k *kafka) producer(t *testing.T, change func(*sarama.Config)) sarama.SyncProducer {
	t.Helper()
	conf := *k.client.Config()
	change(&conf)
	p, err := sarama.NewSyncProducer([]string{k.Addr()}, &conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func idempotent(conf *sarama.Config) {
	conf.Producer.Idempotent, conf.Net.MaxOpenRequests = true, 1
}

// write appends a batch to partition 0 as it is, past what a producer would
// tidy up, and returns the offset of its first record.
func (k *kafka) write(t *testing.T, topic string, batch *sarama.RecordBatch) int64 {
	t.Helper()
	batch.Version = 2
	batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence = -1, -1, -1
	batch.LastOffsetDelta = int32(len(batch.Records) - 1)
	for i, r := range batch.Records {
		r.OffsetDelta = int64(i)
	}
	leader, err := k.client.Leader(topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	request := &sarama.ProduceRequest{Version: 7, RequiredAcks: sarama.WaitForAll, Timeout: 10_000}
	request.AddBatch(topic, 0, batch)
	answer, err := leader.Produce(request)
	if err != nil {
		t.Fatal(err)
	}
	block := answer.GetBlock(topic, 0)
	if block.Err != sarama.ErrNoError {
		t.Fatalf("write a batch to %s: %v", topic, block.Err)
	}
	return block.Offset
}

// writeAt appends one batch of records with these timestamps in Unix
// milliseconds, and returns the offset of the first: clients write none after
// the year 2262.
func (k *kafka) writeAt(t *testing.T, topic string, timestamps ...int64) int64 {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr()), kgo.MaxVersions(kversion.V3_2_0())) // later ones name topics by their ids alone
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = -1, 10_000
	request.Topics = []kmsg.ProduceRequestTopic{{
		Topic:      topic,
		Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batchAt(timestamps)}},
	}}
	answer, err := request.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	p := answer.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		t.Fatalf("write to %s at %v: %v", topic, timestamps, kerr.ErrorForCode(p.ErrorCode))
	}
	return p.BaseOffset
}

func batchAt(timestamps []int64) []byte {
	batch := kmsg.RecordBatch{
		Magic: 2, PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		FirstTimestamp: timestamps[0], MaxTimestamp: slices.Max(timestamps),
		NumRecords: int32(len(timestamps)), LastOffsetDelta: int32(len(timestamps) - 1),
	}
	for i, at := range timestamps {
		r := kmsg.Record{TimestampDelta64: at - timestamps[0], OffsetDelta: int32(i)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // less the length itself
		batch.Records = r.AppendTo(batch.Records)
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)                                            // what follows it
	batch.CRC = int32(crc32.Checksum(batch.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli))) // of what follows it
	return batch.AppendTo(nil)
}

// transactional writes transactions, one after the other.
type transactional struct {
	sarama.SyncProducer
	k         *kafka
	topic     string // of the latest transaction
	partition int32
}

func (k *kafka) transactional(t *testing.T, id string) *transactional {
	t.Helper()
	return &transactional{k: k, SyncProducer: k.producer(t, func(conf *sarama.Config) {
		idempotent(conf)
		conf.Producer.Transaction.ID = t.Name() + id
	})}
}

// transaction writes n records and ends.
func (p *transactional) transaction(t *testing.T, topic string, partition int32, n int, commit bool) {
	t.Helper()
	p.begin(t, topic, partition, n)
	p.end(t, commit)
}

// begin writes n records.
func (p *transactional) begin(t *testing.T, topic string, partition int32, n int) {
	t.Helper()
	p.topic, p.partition = topic, partition
	err := p.BeginTxn()
	for range n {
		if err == nil {
			_, _, err = p.SendMessage(&sarama.ProducerMessage{Topic: topic, Partition: partition})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// end returns when the marker is in the log, which is after Kafka's answer.
func (p *transactional) end(t *testing.T, commit bool) {
	t.Helper()
	before := p.k.ends(t, p.topic)[p.partition]
	end := p.CommitTxn
	if !commit {
		end = p.AbortTxn
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	until(t, func() (bool, any) {
		now := p.k.ends(t, p.topic)[p.partition]
		return now > before, now
	}, "the marker at %s/%d@%d", p.topic, p.partition, before)
}
