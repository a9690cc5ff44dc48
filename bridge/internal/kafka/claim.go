package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// Claim is one partition for as long as it is owned. Its methods may be called
// from several goroutines, and after the context of Own ended until Own returns.
type Claim struct {
	Topic     string
	Partition int32
	TopicID   string // "" where the broker has no topic ids
	Fixed     bool   // not balanced by the group
	// DrainWithin is how long Own may take to return once its context ended.
	DrainWithin time.Duration
}

// Committed asks the group for its committed offset; -1 where there is none.
func (c *Claim) Committed(ctx context.Context) (offset int64, metadata string, err error) {
	return -1, "", errors.ErrUnsupported
}

// Commit commits the offset, fenced by the member id and generation of the
// current assignment. It waits for the broker's answer about this partition and
// retries what passes until ctx ends. ErrFenced, ErrMetadataTooLarge and
// ErrUnknownTopic are final.
func (c *Claim) Commit(ctx context.Context, offset int64, metadata string) error {
	return errors.ErrUnsupported
}

// Lease is until when jobs of the partition may start: the last time the group
// confirmed the membership, plus the session timeout. Far in the future for
// fixed partitions, zero once the claim is over.
func (c *Claim) Lease() time.Time { return time.Time{} }

// Bounds are the first offset that Kafka holds and the next one it will write.
func (c *Claim) Bounds(ctx context.Context) (oldest, newest int64, err error) {
	return -1, -1, errors.ErrUnsupported
}

// OffsetAt is the first offset with a timestamp at or after t, or the newest
// where there is none.
func (c *Claim) OffsetAt(ctx context.Context, t time.Time) (int64, error) {
	return -1, errors.ErrUnsupported
}

// Read fetches the record at offset. It fails with *OutOfRangeError where Kafka
// does not hold the offset, and with ErrNoRecord where nothing visible is there.
func (c *Claim) Read(ctx context.Context, offset int64) (*sarama.ConsumerMessage, error) {
	return nil, errors.ErrUnsupported
}

// ErrNoRecord: compacted away, aborted, or the marker of a transaction.
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

// Probe looks at the log from offset on without delivering anything.
func (c *Claim) Probe(ctx context.Context, offset int64) (Probe, error) {
	return Probe{}, errors.ErrUnsupported
}

// Fetch opens the stream of the partition's records from offset on. A stream
// that is still open is waited for: close it first.
func (c *Claim) Fetch(ctx context.Context, offset int64) (*Stream, error) {
	return nil, errors.ErrUnsupported
}

// Stream delivers the records of one partition.
type Stream struct{}

// Messages is closed after Close, when the claim is over, and after an error
// that ends the stream (see Err).
func (s *Stream) Messages() <-chan *sarama.ConsumerMessage { return nil }

// Errors tells what went wrong; all but a *OutOfRangeError are retried by the
// stream itself. It is closed after Messages, and need not be read.
func (s *Stream) Errors() <-chan error { return nil }

// Err is why the stream ended by itself: *OutOfRangeError; nil before, and
// after Close. Ask it when Messages was closed.
func (s *Stream) Err() error { return nil }

// Pause stops fetching; what was already fetched still arrives.
func (s *Stream) Pause() {}

// Resume undoes Pause.
func (s *Stream) Resume() {}

// HighWater is the end of the log as of the last answer that held records.
func (s *Stream) HighWater() int64 { return 0 }

// Close ends the stream and waits for it. What Messages still held is dropped.
func (s *Stream) Close() error { return nil }
