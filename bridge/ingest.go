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
	// two batches the reader looks whether there is room for more. With larger
	// batches the workers outlast the reader's patience more often, and the
	// window fills.
	ingestRecords = 256
	ingestBytes   = 1 << 20
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
	stream stream
	next   int64       // the lowest offset not yet read
	look   *time.Timer // runs out when the reader is to look around
	paused bool
	failed bool // the partitioner has failed, and the log says so
	// filterFailed: the filter has, too.
	filterFailed bool
	throttled    time.Time // when the hook last heard of it
	tail         tail
	intake       intake
}

// stream is what a reader uses of a *kafka.Stream.
type stream interface {
	Messages() <-chan *sarama.ConsumerMessage
	Errors() <-chan error
	Err() error
	HighWater() int64
	Pause()
	Resume()
}

func newReader(o *ownership, s stream, next int64) *reader {
	return &reader{ownership: o, stream: s, next: next, look: time.NewTimer(idleCheck), tail: newTail(), intake: newIntake()}
}

// read runs until ctx ends, the stream does, or a record cannot be stored.
func (r *reader) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx) // also ends the probe
	defer cancel()
	defer r.look.Stop()
	defer r.intake.again.Stop()
	for {
		messages := r.stream.Messages()
		if r.intake.full() {
			messages = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case message, open := <-messages:
			if !open {
				return r.stream.Err()
			}
			r.take(message)
			if err := r.handOver(); err != nil {
				return err
			}
			r.tail.moved()
		case <-r.intake.again.C:
			if err := r.handOver(); err != nil {
				return err
			}
		case err := <-r.stream.Errors():
			if errors.Is(err, kafka.ErrUnknownTopic) { // and soon perhaps another of its name
				return err
			}
		case found := <-r.tail.found:
			if err := r.advance(found); err != nil {
				return err
			}
		case <-r.look.C:
			r.throttle()
			r.tail.check(ctx, r)
			r.look.Reset(r.interval())
		}
	}
}

func (r *reader) interval() time.Duration {
	if r.paused {
		return roomCheck
	}
	return idleCheck
}

// take reads the message, and those that wait behind it, into the intake.
func (r *reader) take(message *sarama.ConsumerMessage) {
	to := r.part.view().route
	b := r.intake.room(1 + len(r.stream.Messages()))
	before := b.bytes
	for read, open := 1, true; open; read++ {
		if message.Offset >= r.next { // below: delivered again by a client's retry
			r.add(b, to, message)
		}
		if read == ingestRecords || len(b.records) == cap(b.records) || b.bytes >= ingestBytes {
			break
		}
		select {
		case message, open = <-r.stream.Messages():
		default:
			open = false
		}
	}
	r.intake.bytes += b.bytes - before
}

// add puts the message into the batch, as a record or as one that was left out.
func (r *reader) add(b *batch, to *route, message *sarama.ConsumerMessage) {
	r.next = message.Offset + 1
	b.next = r.next
	if to.filter != nil || to.expiry > 0 {
		if why := r.judge(to, message); why != kept {
			b.drops.add(why, message.Offset)
			return
		}
	}
	b.records = append(b.records, r.record(to, message))
	b.bytes += len(message.Key) + len(message.Value)
}

// handOver gives the store what its workers can use of the intake.
func (r *reader) handOver() error {
	for !r.intake.empty() && (!r.stored.Plenty() || r.intake.overdue()) {
		if err := r.append(r.intake.next()); err != nil {
			return err
		}
	}
	r.intake.lookLater()
	r.tellEnd()
	return nil
}

// append gives the store a batch, which is the store's from then on. What was
// left out counts as complete: between two records by itself, and behind the
// last one because it is said.
func (r *reader) append(b batch) error {
	at := r.stored.State().Next
	if len(b.records) > 0 {
		first, last := b.records[0].Offset, b.records[len(b.records)-1].Offset
		jobs, err := r.stored.Append(b.records)
		if err != nil {
			return fmt.Errorf("store records from offset %d: %w", first, err)
		}
		r.hooks.stored(Stored{Topic: r.claim.Topic, Partition: r.claim.Partition, First: first, Last: last, Records: jobs})
		at = last + 1
	}
	if b.next > at {
		if err := r.stored.AdvanceTo(b.next); err != nil {
			return fmt.Errorf("leave out records below offset %d: %w", b.next, err)
		}
	}
	r.tellDropped(r.part, &b.drops)
	r.throttle()
	return nil
}

// throttle stops and resumes fetching by the store's budgets. Nobody tells of
// room that has come back.
func (r *reader) throttle() {
	switch room := r.stored.Room(); {
	case !room && !r.paused:
		r.stream.Pause()
		r.paused = true
		r.look.Reset(r.interval())
		r.tellThrottled()
	case room && r.paused:
		r.stream.Resume()
		r.paused = false
	}
}

// tellThrottled tells that a budget is used up, once a second at most. A window
// that is full is no news.
func (r *reader) tellThrottled() {
	if r.hooks.to.Throttled == nil || r.stored.WithinBudgets() || time.Since(r.throttled) < time.Second {
		return
	}
	r.throttled = time.Now()
	r.hooks.throttled(Throttled{Topic: r.claim.Topic, Partition: r.claim.Partition, By: byBudget})
}

// record is the message with its lane.
func (r *reader) record(to *route, message *sarama.ConsumerMessage) queue.Record {
	record := newRecord(message)
	lane, err := to.lanes.Lane(lookAt(&record))
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
