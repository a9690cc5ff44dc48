package bridgetest

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is one record to produce.
type Record struct {
	Partition  int32
	Key, Value []byte // nil is null, empty is empty
	Headers    []Header
	Time       time.Time // zero: the time of producing
}

// Header is one record header; a nil Value is null.
type Header struct {
	Key   string
	Value []byte
}

// patience bounds every wait for the broker; a healthy one answers in
// milliseconds.
const patience = 20 * time.Second

// Produce writes records in order and returns their offsets.
func (b *Broker) Produce(tb testing.TB, topic string, records ...Record) []int64 {
	tb.Helper()
	client := b.client(tb)
	defer client.Close()
	return produce(tb, client, topic, records)
}

// ProduceTransaction writes records in one transaction, which is committed or
// aborted. Either way a control record follows in each partition touched.
func (b *Broker) ProduceTransaction(tb testing.TB, commit bool, topic string, records ...Record) []int64 {
	tb.Helper()
	client := b.client(tb, kgo.TransactionalID(tb.Name()))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.BeginTransaction(); err != nil {
		tb.Fatalf("begin a transaction: %v", err)
	}
	offsets := produce(tb, client, topic, records)
	if err := client.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		tb.Fatalf("end the transaction: %v", err)
	}
	return offsets
}

// OpenTransaction writes records in a transaction and leaves it open until
// end is called, so that the last stable offset stays behind.
func (b *Broker) OpenTransaction(tb testing.TB, id, topic string, records ...Record) (end func(commit bool)) {
	tb.Helper()
	client := b.client(tb, kgo.TransactionalID(id))
	tb.Cleanup(client.Close)
	if err := client.BeginTransaction(); err != nil {
		tb.Fatalf("begin a transaction: %v", err)
	}
	produce(tb, client, topic, records)
	return func(commit bool) {
		tb.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := client.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
			tb.Fatalf("end the transaction: %v", err)
		}
	}
}

func (b *Broker) client(tb testing.TB, opts ...kgo.Opt) *kgo.Client {
	tb.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.addrs...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		tb.Fatalf("connect to the embedded broker: %v", err)
	}
	return client
}

func produce(tb testing.TB, client *kgo.Client, topic string, records []Record) []int64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out := make([]*kgo.Record, len(records))
	for i, r := range records {
		out[i] = &kgo.Record{Topic: topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: r.Time}
		for _, h := range r.Headers {
			out[i].Headers = append(out[i].Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
	}
	if err := client.ProduceSync(ctx, out...).FirstErr(); err != nil {
		tb.Fatalf("produce to %s: %v", topic, err)
	}
	offsets := make([]int64, len(out))
	for i, r := range out {
		offsets[i] = r.Offset
	}
	return offsets
}
