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

// detach copies what the record points to. As fetched it is a part of all that
// one answer of a broker held, up to 16 MiB, which a long run would keep.
func detach(record *queue.Record) {
	size := len(record.Key) + len(record.Value) + len(record.Lane.Name)
	for _, h := range record.Headers {
		size += len(h.Value)
	}
	buf := make([]byte, 0, size)
	own := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		at := len(buf)
		buf = append(buf, b...)
		return buf[at:len(buf):len(buf)]
	}
	record.Key, record.Value, record.Lane.Name = own(record.Key), own(record.Value), own(record.Lane.Name)
	if len(record.Headers) == 0 {
		return
	}
	headers := make([]queue.Header, len(record.Headers)) // the store has the other one
	for i, h := range record.Headers {
		headers[i] = queue.Header{Key: h.Key, Value: own(h.Value)}
	}
	record.Headers = headers
}
