package demo

import (
	"context"
	"fmt"
	"math/rand"

	"github.com/IBM/sarama"
)

// The distribution of the keys: Zipf with a flattened head. The hottest of 5,000
// keys gets 0.6% of the records, the hottest hundred a quarter of them. A steeper
// head would only measure how long one key takes, one job after the other.
const (
	zipfExponent = 1.1
	zipfOffset   = 50
	batch        = 2_000
)

// stream is what the broker holds: the truth that all events are judged by.
type stream struct {
	lanes [][]int32 // lane of the record, by partition and offset
	count int       // lanes: distinct keys
}

// produce writes the records and notes where each came to lie.
func produce(ctx context.Context, b *broker, o Options) (*stream, error) {
	producer, err := sarama.NewSyncProducerFromClient(b.client)
	if err != nil {
		return nil, fmt.Errorf("produce: %w", err)
	}
	defer producer.Close()
	s := &stream{lanes: make([][]int32, o.Partitions)}
	known := make(map[string]int32)
	zipf := rand.NewZipf(rand.New(rand.NewSource(1)), zipfExponent, zipfOffset, uint64(o.Keys-1))
	for first := 0; first < o.Records; first += batch {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		messages := make([]*sarama.ProducerMessage, min(batch, o.Records-first))
		for i := range messages {
			messages[i] = record(first+i, zipf.Uint64())
		}
		if err := producer.SendMessages(messages); err != nil {
			return nil, fmt.Errorf("produce: %w", err)
		}
		for _, m := range messages {
			key := string(m.Key.(sarama.StringEncoder))
			if _, ok := known[key]; !ok {
				known[key] = int32(len(known))
			}
			s.note(m.Partition, m.Offset, known[key])
		}
	}
	s.count = len(known)
	return s, s.check(o.Records)
}

// check makes sure that the truth is whole before anything is judged by it.
func (s *stream) check(records int) error {
	n := 0
	for p, lanes := range s.lanes {
		for offset, lane := range lanes {
			if lane < 0 {
				return fmt.Errorf("produce: nothing of ours lies at %s/%d@%d", topic, p, offset)
			}
		}
		n += len(lanes)
	}
	if n != records {
		return fmt.Errorf("produce: %d of %d records are in the log", n, records)
	}
	return nil
}

// record is the n-th order, of the customer with that rank. All orders of a customer
// go to one partition, which the key's hash chooses.
func record(n int, rank uint64) *sarama.ProducerMessage {
	customer := fmt.Sprintf("cust-%05d", rank)
	return &sarama.ProducerMessage{
		Topic: topic,
		Key:   sarama.StringEncoder(customer),
		Value: sarama.StringEncoder(fmt.Sprintf(`{"order":%d,"customer":%q}`, n, customer)),
	}
}

// note says that the record of lane lies at partition and offset. Offsets may come in
// any order.
func (s *stream) note(partition int32, offset int64, lane int32) {
	lanes := s.lanes[partition]
	for int64(len(lanes)) <= offset {
		lanes = append(lanes, -1)
	}
	lanes[offset] = lane
	s.lanes[partition] = lanes
}
