package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// ErrNoRecord: compacted away, aborted, the marker of a transaction, or beyond
// the end.
var ErrNoRecord = errors.New("no record at this offset")

// Probe is what one look at the log beyond an offset found.
type Probe struct {
	// End: no offset in [asked, End) has a record to deliver. It equals the
	// offset asked for where nothing can be said.
	End int64
	// Record: there is a record to deliver, at End.
	Record     bool
	LogStart   int64
	LastStable int64
	HighWater  int64
}

// Probe looks at the log from offset on without delivering anything. The fetch
// client cannot tell: its high-water mark moves only with answers that hold
// records, and it steps over all others in silence.
func (c *Claim) Probe(ctx context.Context, offset int64) (Probe, error) {
	p := Probe{End: offset}
	for range probeFetches {
		block, err := c.look(ctx, p.End)
		if err != nil {
			return Probe{}, fmt.Errorf("probe %s@%d: %w", c, offset, err)
		}
		p.LogStart, p.LastStable, p.HighWater = block.LogStartOffset, block.LastStableOffset, block.HighWaterMarkOffset
		messages, seen := c.deliverable(block, p.End)
		if len(messages) > 0 {
			p.Record, p.End = true, messages[0].Offset
			return p, nil
		}
		if seen == p.End {
			return p, nil
		}
		p.End = seen
	}
	return p, nil
}

// probeFetches bounds one Probe: behind a long aborted transaction the rest is
// for the next.
const probeFetches = 16

// Read fetches the record at offset once more, beside the stream. It fails with
// *OutOfRangeError where Kafka does not hold the offset, and with ErrNoRecord
// where nothing visible is there.
func (c *Claim) Read(ctx context.Context, offset int64) (*sarama.ConsumerMessage, error) {
	block, err := c.look(ctx, offset)
	if err == nil {
		messages, _ := c.deliverable(block, offset)
		if len(messages) > 0 && messages[0].Offset == offset {
			return messages[0], nil
		}
		err = ErrNoRecord
	}
	return nil, fmt.Errorf("read %s@%d: %w", c, offset, err)
}

// ReadFrom fetches the records from offset on once, beside the stream: those of
// one answer of about so many bytes, which has one record at least, if there is
// one. No other offset below seen has a record to deliver; it is offset where
// nothing can be said. It fails with *OutOfRangeError where Kafka does not hold
// the offset.
func (c *Claim) ReadFrom(ctx context.Context, offset int64, bytes int32) (records []*sarama.ConsumerMessage, seen int64, err error) {
	block, err := c.lookAt(ctx, offset, bytes)
	if err != nil {
		return nil, offset, fmt.Errorf("read %s from %d on: %w", c, offset, err)
	}
	records, seen = c.deliverable(block, offset)
	return records, seen, nil
}

// lookBytes is what an answer holds, apart from a batch that is larger: that
// comes whole.
const lookBytes = 1 << 20

// look is lookAt with room for most batches.
func (c *Claim) look(ctx context.Context, offset int64) (*sarama.FetchResponseBlock, error) {
	return c.lookAt(ctx, offset, lookBytes)
}

// lookAt fetches once from offset over the commit client, without waiting for
// records to come.
func (c *Claim) lookAt(ctx context.Context, offset int64, bytes int32) (*sarama.FetchResponseBlock, error) {
	client := c.cluster.commit
	block, err := call(ctx, c.cluster, func() (*sarama.FetchResponseBlock, error) {
		block, err := c.fetchOnce(offset, bytes)
		if err != nil && passes(err) {
			if err := client.RefreshMetadata(c.Topic); err != nil {
				return nil, err
			}
			block, err = c.fetchOnce(offset, bytes)
		}
		return block, err
	})
	if err != nil {
		return nil, c.explain(ctx, offset, err)
	}
	return block, nil
}

func (c *Claim) fetchOnce(offset int64, bytes int32) (*sarama.FetchResponseBlock, error) {
	client := c.cluster.commit
	leader, epoch, err := client.LeaderAndEpoch(c.Topic, c.Partition)
	if err != nil {
		return nil, err
	}
	request := &sarama.FetchRequest{
		Version:      11,
		MaxWaitTime:  1,
		MaxBytes:     bytes,
		Isolation:    client.Config().Consumer.IsolationLevel,
		SessionEpoch: -1, // no fetch session
	}
	request.AddBlock(c.Topic, c.Partition, offset, request.MaxBytes, epoch)
	answer, err := leader.Fetch(request)
	if err != nil {
		_ = leader.Close() // dialled anew with the next request
		return nil, err
	}
	block := answer.GetBlock(c.Topic, c.Partition)
	switch {
	case block == nil:
		return nil, sarama.ErrIncompleteResponse
	case block.Err != sarama.ErrNoError:
		return nil, block.Err
	}
	return block, nil
}

// deliverable are the records of the answer that a consumer would be given, from
// offset on. No other offset below seen is deliverable. The rules are those of
// sarama's own consumer.
func (c *Claim) deliverable(block *sarama.FetchResponseBlock, offset int64) (messages []*sarama.ConsumerMessage, seen int64) {
	committed := c.cluster.commit.Config().Consumer.IsolationLevel == sarama.ReadCommitted
	aborts := slices.SortedFunc(slices.Values(block.AbortedTransactions), // Kafka lists them as they ended
		func(a, b *sarama.AbortedTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	aborted := make(map[int64]bool) // producers whose transaction will be aborted
	seen = offset
	for _, set := range block.RecordsSet {
		batch := set.RecordBatch
		if batch == nil || batch.PartialTrailingRecord { // nil: of Kafka before 0.11
			return messages, seen
		}
		for len(aborts) > 0 && aborts[0].FirstOffset <= batch.LastOffset() {
			aborted[aborts[0].ProducerID] = true
			aborts = aborts[1:]
		}
		switch {
		case batch.Control:
			if isAbort(batch) {
				delete(aborted, batch.ProducerID)
			}
		case committed && batch.IsTransactional && aborted[batch.ProducerID]:
		default:
			messages = append(messages, c.records(batch, offset)...)
		}
		seen = max(seen, batch.LastOffset()+1)
	}
	if len(block.RecordsSet) == 0 && !block.Partial {
		seen = max(seen, endOfEmpty(block))
	}
	return messages, seen
}

// endOfEmpty is the end of an answer of nothing but batches without records:
// what compaction keeps of a producer. sarama leaves them out of RecordsSet and
// keeps to itself where they end; without that field nothing is said about
// them. (Behind a batch with records the field may be that of a damaged one.)
func endOfEmpty(block *sarama.FetchResponseBlock) int64 {
	next := reflect.ValueOf(block).Elem().FieldByName("recordsNextOffset")
	if !next.IsValid() || next.Kind() != reflect.Pointer || next.IsNil() || !next.Elem().CanInt() {
		return 0
	}
	return next.Elem().Int()
}

func isAbort(control *sarama.RecordBatch) bool {
	// The key of a marker is its version and its type, two bytes each; 0 aborts.
	return len(control.Records) > 0 && len(control.Records[0].Key) >= 4 &&
		control.Records[0].Key[2] == 0 && control.Records[0].Key[3] == 0
}

func (c *Claim) records(batch *sarama.RecordBatch, from int64) []*sarama.ConsumerMessage {
	var messages []*sarama.ConsumerMessage
	for _, r := range batch.Records {
		at := batch.FirstOffset + r.OffsetDelta
		if at < from {
			continue
		}
		stamp := batch.FirstTimestamp.Add(r.TimestampDelta)
		if batch.LogAppendTime {
			stamp = batch.MaxTimestamp
		}
		messages = append(messages, &sarama.ConsumerMessage{
			Topic: c.Topic, Partition: c.Partition, Offset: at,
			Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: stamp,
		})
	}
	return messages
}

// Bounds are the first offset that Kafka holds and the next one it will write.
func (c *Claim) Bounds(ctx context.Context) (oldest, newest int64, err error) {
	if oldest, err = c.offset(ctx, sarama.OffsetOldest); err == nil {
		newest, err = c.offset(ctx, sarama.OffsetNewest)
	}
	if err != nil {
		return -1, -1, fmt.Errorf("bounds of %s: %w", c, err)
	}
	return oldest, newest, nil
}

// OffsetAt is the first offset with a timestamp at or after t, or the newest
// where there is none.
func (c *Claim) OffsetAt(ctx context.Context, t time.Time) (int64, error) {
	at, err := c.offset(ctx, max(0, t.UnixMilli())) // below zero Kafka understands something else
	if err == nil && at < 0 {
		at, err = c.offset(ctx, sarama.OffsetNewest)
	}
	if err != nil {
		return -1, fmt.Errorf("offset of %s at %s: %w", c, t.Format(time.RFC3339), err)
	}
	return at, nil
}

// LogStart is the first offset that Kafka holds of a partition, whoever owns it.
func (c *Cluster) LogStart(ctx context.Context, topic string, partition int32) (int64, error) {
	offset, err := c.offset(ctx, topic, partition, sarama.OffsetOldest)
	if err != nil {
		return -1, fmt.Errorf("start of the log of %s/%d: %w", topic, partition, err)
	}
	return offset, nil
}

func (c *Claim) offset(ctx context.Context, at int64) (int64, error) {
	return c.cluster.offset(ctx, c.Topic, c.Partition, at)
}

func (c *Cluster) offset(ctx context.Context, topic string, partition int32, at int64) (int64, error) {
	for {
		offset, err := call(ctx, c, func() (int64, error) {
			return c.commit.GetOffset(topic, partition, at)
		})
		switch {
		case err == nil:
			return offset, nil
		case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			return -1, fmt.Errorf("%w: %w", ErrUnknownTopic, err)
		case !passes(err), !wait(ctx, retryAfter):
			return -1, err
		}
	}
}

// Look returns a partition to be read only, whoever owns it.
func (c *Cluster) Look(topic string, partition int32) *Claim {
	return c.newClaim(topic, partition, "", func() *membership { return nil })
}
