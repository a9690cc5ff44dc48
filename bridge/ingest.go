package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// Records go to the store together up to so many, or so many bytes: between
	// two batches the reader looks whether there is room for more.
	ingestRecords = 1024
	ingestBytes   = 1 << 20
	// nap and naps bound how long a reader lets the workers catch up.
	nap  = time.Millisecond
	naps = 25
	// idleCheck is how often a reader without records looks around, and
	// roomCheck how often one that is paused asks whether there is room again.
	idleCheck = 500 * time.Millisecond
	roomCheck = 20 * time.Millisecond
	// probeAgain is the pause between two probes of a tail that stays behind
	// the end of the log, as it does while a transaction is open.
	probeAgain = 5 * time.Second
)

// reader moves the records of one claim from Kafka to the store and does
// nothing else: a reader that waits makes sarama abandon the partition.
type reader struct {
	*ownership
	stream *kafka.Stream
	next   int64 // the lowest offset not yet taken over
	paused bool
	failed bool // the partitioner has failed, and the log says so
	tail   tail
}

// read runs until ctx ends, the stream does, or a record cannot be stored.
func (r *reader) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx) // also ends the probe
	defer cancel()
	timer := time.NewTimer(idleCheck)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case message, open := <-r.stream.Messages():
			if !open {
				return r.stream.Err()
			}
			if err := r.takeOver(message); err != nil {
				return err
			}
			r.tail.moved()
			if r.paused {
				timer.Reset(roomCheck)
			}
		case err := <-r.stream.Errors():
			if errors.Is(err, kafka.ErrUnknownTopic) { // and soon perhaps another of its name
				return err
			}
		case found := <-r.tail.found:
			if err := r.advance(found); err != nil {
				return err
			}
		case <-timer.C:
			r.throttle()
			r.tail.check(ctx, r)
			timer.Reset(r.interval())
		}
	}
}

func (r *reader) interval() time.Duration {
	if r.paused {
		return roomCheck
	}
	return idleCheck
}

// takeOver hands the message, and those that wait behind it, to the store.
func (r *reader) takeOver(message *sarama.ConsumerMessage) error {
	batch := make([]queue.Record, 0, min(1+len(r.stream.Messages()), ingestRecords))
	bytes := 0
	for open := true; open; {
		if message.Offset >= r.next { // below: delivered again by a client's retry
			batch = append(batch, r.record(message))
			r.next = message.Offset + 1
			bytes += len(message.Key) + len(message.Value)
		}
		if len(batch) == cap(batch) || bytes >= ingestBytes {
			break
		}
		select {
		case message, open = <-r.stream.Messages():
		default:
			open = false
		}
	}
	if len(batch) == 0 {
		return nil
	}
	// The batch is the store's from then on.
	first, last := batch[0].Offset, batch[len(batch)-1].Offset
	jobs, err := r.stored.Append(batch)
	if err != nil {
		return fmt.Errorf("store records from offset %d: %w", first, err)
	}
	r.hooks.stored(Stored{Topic: r.claim.Topic, Partition: r.claim.Partition, First: first, Last: last, Records: jobs})
	r.throttle()
	r.letCatchUp()
	return nil
}

// letCatchUp gives quick workers a moment: what they finish now is never
// written, and what waits in memory for long is out of the processor's caches.
// The moment is a quarter of what makes sarama think that nobody reads.
func (r *reader) letCatchUp() {
	for range naps {
		if !r.stored.Plenty() {
			return
		}
		time.Sleep(nap)
	}
}

// throttle stops and resumes fetching by the store's budgets.
func (r *reader) throttle() {
	switch room := r.stored.Room(); {
	case !room && !r.paused:
		r.stream.Pause()
		r.paused = true
	case room && r.paused:
		r.stream.Resume()
		r.paused = false
	}
}

// record is the message with its lane.
func (r *reader) record(message *sarama.ConsumerMessage) queue.Record {
	record := newRecord(message)
	lane, err := r.part.route.lanes.Lane(lookAt(&record))
	if err != nil {
		if !r.failed {
			r.log.Warn("partitioner failed; the record has a lane of its own (said once per partition)", "offset", record.Offset, "error", err)
			r.failed = true
		}
		r.hooks.partitionerFailed(PartitionerFailed{
			Topic:     r.claim.Topic,
			Partition: r.claim.Partition,
			Offset:    record.Offset,
			Err:       err,
		})
	}
	record.Lane = queue.Lane(lane)
	return record
}
