package bridge

import (
	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

// newRecord is the message as the store takes it. Nothing is copied.
func newRecord(message *sarama.ConsumerMessage) queue.Record {
	record := queue.Record{
		Offset:    message.Offset,
		Timestamp: unixMilli(message.Timestamp),
		Key:       message.Key,
		Value:     message.Value,
	}
	if len(message.Headers) > 0 {
		record.Headers = make([]queue.Header, len(message.Headers))
		for i, h := range message.Headers {
			record.Headers[i] = queue.Header{Key: string(h.Key), Value: h.Value}
		}
	}
	return record
}

// lookAt is the record as a partitioner sees it.
func lookAt(record *queue.Record) partitioner.Record {
	seen := partitioner.Record{Offset: record.Offset, Key: record.Key, Value: record.Value}
	if len(record.Headers) > 0 {
		seen.Headers = make([]partitioner.Header, len(record.Headers))
		for i, h := range record.Headers {
			seen.Headers[i] = partitioner.Header(h)
		}
	}
	return seen
}
