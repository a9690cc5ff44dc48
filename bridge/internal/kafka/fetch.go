package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// fetchClient reads partitions, and knows the stream that is open on each.
type fetchClient struct {
	client   *client
	consumer sarama.Consumer

	mu      sync.Mutex
	streams map[partition]*Stream // until they have ended; guarded by mu
}

type partition struct {
	topic  string
	number int32
}

func (cfg Config) openFetch() (*fetchClient, error) {
	client, err := cfg.open("fetch", cfg.fetchConfig())
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the fetch client: %w", err), client.close())
	}
	return &fetchClient{client: client, consumer: consumer, streams: make(map[partition]*Stream)}, nil
}

// close ends the streams that their owners left open; Cluster.Close waits for them.
func (f *fetchClient) close() error {
	f.client.connections.end()
	f.mu.Lock()
	for _, s := range f.streams {
		s.stop()
	}
	f.mu.Unlock()
	return errors.Join(f.consumer.Close(), f.client.close())
}

// Stream delivers the records of one partition, each once, in offset order.
type Stream struct {
	name   partition
	errors chan error // closed with the stream; a slow reader misses some

	opened chan struct{} // closed when consumer or err is set
	ended  chan struct{} // closed when sarama has let go of the partition

	stopping sync.Once
	stopped  chan struct{} // closed by Close

	consumer sarama.PartitionConsumer // written before opened is closed
	err      error                    // written before ended is closed
}

// Fetch opens the stream of the partition's records from offset on. Where the
// stream before it has not ended yet, Fetch waits for that: close it first. It
// fails with *OutOfRangeError where Kafka does not hold the offset.
func (c *Claim) Fetch(ctx context.Context, offset int64) (*Stream, error) {
	s := &Stream{
		name:    partition{c.Topic, c.Partition},
		errors:  make(chan error, 16),
		opened:  make(chan struct{}),
		ended:   make(chan struct{}),
		stopped: make(chan struct{}),
	}
	if err := c.cluster.fetch.reserve(ctx, s); err != nil {
		return nil, fmt.Errorf("fetch %s@%d: %w", c, offset, err)
	}
	if err := c.cluster.background(func() { c.cluster.fetch.run(s, offset) }); err != nil {
		c.cluster.fetch.free(s)
		return nil, err
	}
	c.keep(s)
	select {
	case <-s.opened:
	case <-ctx.Done():
		s.stop()
		return nil, fmt.Errorf("fetch %s@%d: %w", c, offset, context.Cause(ctx))
	}
	if s.consumer == nil {
		return nil, fmt.Errorf("fetch %s@%d: %w", c, offset, c.explain(ctx, offset, s.Err()))
	}
	return s, nil
}

// keep makes the end of the claim the end of the stream.
func (c *Claim) keep(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stream = s
	if c.released {
		s.stop()
	}
}

// explain gives sarama's error of a fetch the type that callers branch on.
func (c *Claim) explain(ctx context.Context, offset int64, err error) error {
	switch {
	case errors.Is(err, sarama.ErrOffsetOutOfRange):
		oldest, newest, boundsErr := c.Bounds(ctx)
		if boundsErr != nil {
			oldest, newest = -1, -1
		}
		return &OutOfRangeError{Topic: c.Topic, Partition: c.Partition, Offset: offset, Oldest: oldest, Newest: newest}
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	}
	return err
}

// reserve waits until the stream before has ended: sarama delivers a partition
// to one reader at a time.
func (f *fetchClient) reserve(ctx context.Context, s *Stream) error {
	for {
		f.mu.Lock()
		before := f.streams[s.name]
		if before == nil {
			f.streams[s.name] = s
			f.mu.Unlock()
			return nil
		}
		f.mu.Unlock()
		select {
		case <-before.ended:
		case <-ctx.Done():
			return fmt.Errorf("%w: the stream before has not ended", context.Cause(ctx))
		}
	}
}

func (f *fetchClient) free(s *Stream) {
	f.mu.Lock()
	delete(f.streams, s.name)
	f.mu.Unlock()
	close(s.errors)
	close(s.ended)
}

// open retries what passes until the stream is stopped.
func (f *fetchClient) open(s *Stream, offset int64) (sarama.PartitionConsumer, error) {
	retry := time.NewTicker(retryAfter)
	defer retry.Stop()
	for {
		consumer, err := f.consumer.ConsumePartition(s.name.topic, s.name.number, offset)
		if err == nil || !passes(err) {
			return consumer, err
		}
		select {
		case <-retry.C:
		case <-s.stopped:
			return nil, err
		}
	}
}

// run is the life of a stream.
func (f *fetchClient) run(s *Stream, offset int64) {
	defer f.free(s)
	consumer, err := f.open(s, offset)
	if err != nil {
		s.err = err
		close(s.opened)
		return
	}
	s.consumer = consumer
	consumer.Resume() // sarama remembers a pause beyond the stream that it was for
	close(s.opened)

	stopped := s.stopped
	errs := consumer.Errors()
	for errs != nil {
		select {
		case err, open := <-errs:
			if !open {
				errs = nil
				break
			}
			s.report(err)
		case <-stopped:
			stopped = nil
			consumer.AsyncClose()
		}
		if stopped == nil {
			// The reader may be gone: take what it leaves, or nothing ends.
			for range consumer.Messages() {
			}
		}
	}
}

// report passes an error of sarama on. It must not wait: sarama stops fetching
// from the broker until its errors are taken.
func (s *Stream) report(failed *sarama.ConsumerError) {
	err := failed.Err
	switch {
	case errors.Is(err, sarama.ErrOffsetOutOfRange):
		s.err = &OutOfRangeError{Topic: s.name.topic, Partition: s.name.number, Offset: -1, Oldest: -1, Newest: -1}
		err = s.err
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		err = fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	}
	select {
	case s.errors <- err:
	default:
	}
}

func (s *Stream) stop() { s.stopping.Do(func() { close(s.stopped) }) }

// Messages is closed after Close, when the claim is over, and after an error
// that ends the stream (see Err).
func (s *Stream) Messages() <-chan *sarama.ConsumerMessage { return s.consumer.Messages() }

// Errors tells what went wrong on the way; all but a *OutOfRangeError are
// retried by the stream itself. It need not be read.
func (s *Stream) Errors() <-chan error { return s.errors }

// Err is why the stream ended by itself: *OutOfRangeError, without offsets. It
// waits for the end of the stream: ask when Messages was closed.
func (s *Stream) Err() error {
	<-s.ended
	return s.err
}

// Pause stops fetching; what was already fetched still arrives.
func (s *Stream) Pause() { s.consumer.Pause() }

// Resume undoes Pause.
func (s *Stream) Resume() { s.consumer.Resume() }

// HighWater is the end of the log as of the last answer that held records. It
// does not move with answers that hold none: see Probe.
func (s *Stream) HighWater() int64 { return s.consumer.HighWaterMarkOffset() }

// Close ends the stream without waiting for it: a broker that hangs does not
// hold the partition up. What Messages still held is dropped.
func (s *Stream) Close() error {
	s.stop()
	return nil
}
