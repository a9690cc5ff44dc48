package bridgetest

import (
	"context"
	"fmt"
	"slices"
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
	offsets, err := b.produce(topic, records)
	if err != nil {
		tb.Fatal(err)
	}
	return offsets
}

// ProduceTransaction writes records in one transaction, which is committed or
// aborted. Either way a control record follows in each partition touched.
func (b *Broker) ProduceTransaction(tb testing.TB, commit bool, topic string, records ...Record) []int64 {
	tb.Helper()
	offsets, end := b.begin(tb, tb.Name(), topic, records)
	end(commit)
	return offsets
}

// OpenTransaction writes records in a transaction and leaves it open until
// end is called, so that the last stable offset stays behind. It must be called.
func (b *Broker) OpenTransaction(tb testing.TB, id, topic string, records ...Record) (end func(commit bool)) {
	tb.Helper()
	_, end = b.begin(tb, id, topic, records)
	return end
}

func (b *Broker) begin(tb testing.TB, id, topic string, records []Record) (offsets []int64, end func(commit bool)) {
	tb.Helper()
	client, err := b.client(kgo.TransactionalID(id))
	if err != nil {
		tb.Fatal(err)
	}
	if err = client.BeginTransaction(); err == nil {
		offsets, err = produce(client, topic, records)
	}
	if err != nil {
		client.Close()
		tb.Fatalf("transaction %s: %v", id, err)
	}
	return offsets, func(commit bool) {
		tb.Helper()
		defer client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := client.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
			tb.Fatalf("end transaction %s: %v", id, err)
		}
	}
}

func (b *Broker) client(opts ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.addrs...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded broker: %w", err)
	}
	return client, nil
}

func (b *Broker) produce(topic string, records []Record) ([]int64, error) {
	client, err := b.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return produce(client, topic, records)
}

func produce(client *kgo.Client, topic string, records []Record) ([]int64, error) {
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
		return nil, fmt.Errorf("produce to %s: %w", topic, err)
	}
	offsets := make([]int64, len(out))
	for i, r := range out {
		offsets[i] = r.Offset
	}
	return offsets, nil
}

// Consume returns what a topic holds now, its partitions one after the other and
// each in the order of its offsets.
func (b *Broker) Consume(tb testing.TB, topic string) []Record {
	tb.Helper()
	ends := b.EndOffsets(topic)
	from := make(map[int32]kgo.Offset)
	for p, end := range ends {
		if end > 0 {
			from[p] = kgo.NewOffset().AtStart()
		}
	}
	var all []Record
	if len(from) == 0 {
		return all
	}
	client, err := b.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.KeepControlRecords())
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for open := len(from); open > 0; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			tb.Fatalf("consume %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset == ends[r.Partition]-1 {
				open--
			}
			if r.Offset < ends[r.Partition] && !r.Attrs.IsControl() {
				all = append(all, consumed(r))
			}
		})
	}
	slices.SortStableFunc(all, func(a, b Record) int { return int(a.Partition - b.Partition) })
	return all
}

func consumed(r *kgo.Record) Record {
	record := Record{Partition: r.Partition, Key: r.Key, Value: r.Value, Time: r.Timestamp}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, Header{Key: h.Key, Value: h.Value})
	}
	return record
}
