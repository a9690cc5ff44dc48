package kafka

import (
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// batchMost bounds a batch of several records, in bytes: a broker takes at most
// 1 MiB by default. A larger record goes alone.
const batchMost = 512 << 10

// target delivers the messages of one partition, one batch at a time. Its
// fields are those of its line's goroutine.
type target struct {
	line
	producer  *Producer
	topic     string
	partition int32
	id        *producerID // nil: to be asked for
	sequence  int32       // of the next record under id
}

// producerID lets the broker recognise a batch that it has already.
type producerID struct {
	id    int64
	epoch int16
}

// anonymous is for brokers that give out no producer ids to us.
var anonymous = producerID{-1, -1}

// deliver cuts what waits into batches and has each acknowledged before the next.
func (t *target) deliver(all []*pending) {
	for len(all) > 0 {
		if all[0].of.over() {
			all[0].settled(errNotSent)
			all = all[1:]
			continue
		}
		n, size := 1, all[0].size()
		for n < len(all) && size+all[n].size() <= batchMost {
			size += all[n].size()
			n++
		}
		t.together(all[:n])
		all = all[n:]
	}
}

// together delivers a batch. Records that the broker refuses together are sent
// one by one: only some of them may be to blame.
func (t *target) together(batch []*pending) {
	err := t.acknowledged(batch)
	if len(batch) > 1 && (tooLarge(err) || invalid(err)) {
		for i, m := range batch {
			if m.of.over() { // the one before it was to blame
				m.settled(errNotSent)
				continue
			}
			t.together(batch[i : i+1])
		}
		return
	}
	if err != nil {
		err = t.producer.failure(t.topic, err)
	}
	for _, m := range batch {
		m.settled(err)
	}
}

// acknowledged sends a batch until it is in the log, it cannot be, or nobody
// waits any more.
func (t *target) acknowledged(batch []*pending) error {
	var request *sarama.ProduceRequest
	var last error
	for pause := (backoff{}); ; {
		if t.producer.ctx.Err() != nil {
			return t.unsure(ErrClosed)
		}
		if !awaited(batch) {
			return t.unsure(errNotSent)
		}
		err := t.identify()
		if err == nil {
			if request == nil {
				request = t.request(batch)
			}
			err = t.send(request)
		}
		switch {
		case err == nil:
			t.sequence = int32((int64(t.sequence) + int64(len(batch))) & 0x7fffffff)
			return nil
		case tooLarge(err) || invalid(err):
			return err // not in the log, and the sequence unused
		case forgotten(err):
			t.id, request = nil, nil // a repeat is possible, a gap is not
		case !deliverable(err):
			return t.unsure(err)
		}
		last = err
		next := pause.next()
		if time.Now().Add(next).After(batch[0].until) || !wait(t.producer.ctx, next) {
			return t.unsure(last)
		}
		t.refresh()
	}
}

// unsure is for a batch that may be in the log or not: under a producer id of
// its own, the next one does not depend on that.
func (t *target) unsure(err error) error {
	t.id = nil
	return err
}

// awaited tells whether somebody waits for one of the batch.
func awaited(batch []*pending) bool {
	for _, m := range batch {
		if !m.of.over() {
			return true
		}
	}
	return false
}

// forgotten tells whether the broker does not know where our sequence is.
func forgotten(err error) bool {
	return errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) || errors.Is(err, sarama.ErrUnknownProducerID) ||
		errors.Is(err, sarama.ErrInvalidProducerEpoch) || errors.Is(err, sarama.ErrInvalidProducerIDMapping)
}

// deliverable tells whether sending again can help.
func deliverable(err error) bool {
	return passes(err) || errors.Is(err, sarama.ErrNotEnoughReplicasAfterAppend) || errors.Is(err, sarama.ErrKafkaStorageError) ||
		errors.Is(err, sarama.ErrThrottlingQuotaExceeded)
}

// identify sees to a producer id.
func (t *target) identify() error {
	if t.id != nil {
		return nil
	}
	c, err := t.producer.connected()
	if err != nil {
		return err
	}
	answer, err := c.InitProducerID()
	switch {
	case err != nil:
		return err
	case answer.Err == sarama.ErrNoError:
		t.id = &producerID{answer.ProducerID, answer.ProducerEpoch}
	case deliverable(answer.Err):
		return answer.Err
	default:
		t.id = &anonymous
		t.producer.plain.Do(func() {
			t.producer.log.Info("the broker gives out no producer ids: what is sent again after a lost answer may be there twice",
				"error", answer.Err)
		})
	}
	t.sequence = 0
	return nil
}

// request holds the batch; sent again, it is the same.
func (t *target) request(batch []*pending) *sarama.ProduceRequest {
	now := time.Now().Truncate(time.Millisecond)
	records := &sarama.RecordBatch{
		Version:          2,
		Codec:            t.producer.conf.Producer.Compression,
		CompressionLevel: t.producer.conf.Producer.CompressionLevel,
		LastOffsetDelta:  int32(len(batch) - 1),
		ProducerID:       t.id.id,
		ProducerEpoch:    t.id.epoch,
		FirstSequence:    t.sequence,
	}
	if t.id == &anonymous {
		records.FirstSequence = -1
	}
	for i, m := range batch {
		at := m.Timestamp.Truncate(time.Millisecond)
		if m.Timestamp.IsZero() {
			at = now
		}
		if i == 0 {
			records.FirstTimestamp, records.MaxTimestamp = at, at
		}
		if at.After(records.MaxTimestamp) {
			records.MaxTimestamp = at
		}
		record := &sarama.Record{
			OffsetDelta: int64(i), TimestampDelta: at.Sub(records.FirstTimestamp), Key: m.Key, Value: m.Value,
		}
		for h := range m.Headers {
			record.Headers = append(record.Headers, &m.Headers[h])
		}
		records.Records = append(records.Records, record)
	}
	request := &sarama.ProduceRequest{
		Version:      8, // the first whose answers have a text
		RequiredAcks: sarama.WaitForAll,
		Timeout:      int32(t.producer.conf.Producer.Timeout / time.Millisecond),
	}
	request.AddBatch(t.topic, t.partition, records)
	return request
}

// send sends a batch to the partition's leader.
func (t *target) send(request *sarama.ProduceRequest) error {
	c, err := t.producer.connected()
	if err != nil {
		return err
	}
	leader, err := c.Leader(t.topic, t.partition)
	if err != nil {
		return err
	}
	response, err := leader.Produce(request)
	if err != nil {
		_ = leader.Close() // dialled anew with the next request
		return err
	}
	block := response.GetBlock(t.topic, t.partition)
	switch {
	case block == nil:
		return sarama.ErrIncompleteResponse
	case block.Err == sarama.ErrNoError, block.Err == sarama.ErrDuplicateSequenceNumber: // it had arrived
		return nil
	case block.ErrorMessage != nil && *block.ErrorMessage != "":
		return inOneLine{block.Err, *block.ErrorMessage}
	}
	return block.Err
}

// refresh asks for the leader anew. A failure shows with the next attempt.
func (t *target) refresh() {
	if c, err := t.producer.connected(); err == nil {
		_ = c.RefreshMetadata(t.topic)
	}
}
