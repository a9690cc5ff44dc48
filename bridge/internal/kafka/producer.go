package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/semaphore"
)

// Message is a record to produce.
type Message struct {
	Topic      string
	Key, Value []byte // nil is null, empty is empty
	Headers    []sarama.RecordHeader
	Timestamp  time.Time // zero: when it is sent
	// Place chooses one of the topic's partitions.
	Place func(key []byte, partitions int32) int32
	// Settled, if set, is called with the fate of this message before done is
	// called for all of them; once ctx ended it may be called later, or not at all.
	Settled func(error)
}

// Bounds of what a producer has under way.
const (
	// heldMost is how many bytes may wait for their acknowledgement.
	heldMost = 64 << 20
	// perMessage is what a message counts beside its key, value and headers.
	perMessage = 128
	// deliverWithin is how long a message may wait for its acknowledgement.
	deliverWithin = 30 * time.Second
)

// Producer writes messages. Those of one target partition arrive in the order in
// which they were sent, each acknowledged by all in-sync replicas, and where the
// broker allows it without repeats while the producer lives. It is connected,
// and has goroutines, only while and after something is produced.
//
// sarama's own producer is not used: it goes on behind a batch that failed, and
// cannot be told to let one go.
type Producer struct {
	cfg  Config
	conf *sarama.Config
	log  *slog.Logger
	held *semaphore.Weighted // bytes under way

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	working sync.WaitGroup    // a goroutine per line at work; none is added once ctx ended, guarded by mu
	client  *client           // guarded by mu; nil until something is produced
	topics  map[string]*topic // guarded by mu

	// plain: the broker gives out no producer ids, which is said once.
	plain sync.Once
}

// NewProducer returns a producer that opens nothing yet. It fails with a
// *ConfigError where Config.Tune took away what holdfast relies on.
func NewProducer(cfg Config) (*Producer, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	conf, err := cfg.tuned("produce", cfg.produceConfig())
	if err != nil {
		return nil, err
	}
	p := &Producer{cfg: cfg, conf: conf, log: cfg.Logger, held: semaphore.NewWeighted(heldMost), topics: make(map[string]*topic)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// produceConfig: one batch of a partition is under way at a time, so that its
// order holds whatever is retried.
func (c Config) produceConfig() *sarama.Config {
	conf := c.base()
	conf.Producer.Timeout = 10 * time.Second // of a broker for its replicas
	conf.Net.ReadTimeout = 15 * time.Second  // longer than that
	conf.Metadata.Retry.Max = 1              // we ask again ourselves
	return conf
}

// Send produces messages and calls done once, from another goroutine: with nil
// when all of them are acknowledged; with the first failure when the fate of
// all is known; with the cause of ctx's end at once, though messages that are
// on their way may still arrive. Where a message fails, those behind it in its
// partition are not sent: nothing arrives before what it was to follow. It waits only where 64 MiB are under way, and
// returns an error instead of calling done if ctx or the producer ends then.
func (p *Producer) Send(ctx context.Context, messages []Message, done func(error)) error {
	size := int64(0)
	for i := range messages {
		size += messages[i].size()
	}
	size = min(size, heldMost)
	if err := p.held.Acquire(ctx, size); err != nil {
		return context.Cause(ctx)
	}
	s := &sending{left: len(messages), done: func(err error) {
		p.held.Release(size)
		done(err)
	}}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		p.held.Release(size)
		return ErrClosed
	}
	// The sending must not be told of its end while this call has not returned.
	until := time.Now().Add(deliverWithin)
	for i := range messages {
		t := p.topics[messages[i].Topic]
		if t == nil {
			t = &topic{producer: p, name: messages[i].Topic}
			p.topics[t.name] = t
		}
		t.put(p, &pending{Message: messages[i], of: s, until: until}, t.place)
	}
	if len(messages) == 0 {
		p.working.Go(func() { s.end(nil) })
		return nil
	}
	s.watch(ctx)
	return nil
}

// Close ends the producer: what is under way fails with ErrClosed.
func (p *Producer) Close() error {
	p.mu.Lock()
	if p.ctx.Err() != nil {
		p.mu.Unlock()
		return nil
	}
	p.cancel()
	c := p.client
	p.mu.Unlock()
	var err error
	if c != nil {
		err = c.close()
	}
	p.working.Wait()
	return err
}

// connected returns the client, opened by the first who asks.
func (p *Producer) connected() (*client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if p.client != nil {
		return p.client, nil
	}
	conf := *p.conf
	connections := take(&conf)
	c, err := sarama.NewClient(p.cfg.Brokers, &conf) // dials nothing yet
	if err != nil {
		return nil, fmt.Errorf("open the produce client: %w", err)
	}
	p.client = &client{c, connections}
	return p.client, nil
}

// topic finds the partitions of its messages.
type topic struct {
	line
	producer *Producer
	name     string
	targets  map[int32]*target // of the line's goroutine
}

// place hands messages on to their partitions.
func (t *topic) place(batch []*pending) {
	partitions, err := t.partitions(batch[0].until)
	for _, m := range batch {
		switch {
		case m.of.over():
			m.settled(errNotSent)
			continue
		case err != nil:
			m.settled(t.producer.failure(t.name, err))
			continue
		}
		at := m.Place(m.Key, partitions)
		if at < 0 || at >= partitions {
			m.settled(fmt.Errorf("produce to %s: its partitioner chose partition %d of %d", t.name, at, partitions))
			continue
		}
		to := t.targets[at]
		if to == nil {
			to = &target{producer: t.producer, topic: t.name, partition: at}
			if t.targets == nil {
				t.targets = make(map[int32]*target)
			}
			t.targets[at] = to
		}
		to.put(t.producer, m, to.deliver)
	}
}

// partitions asks how many there are; what may pass is waited for.
func (t *topic) partitions(until time.Time) (int32, error) {
	for pause := (backoff{}); ; {
		c, err := t.producer.connected()
		if err != nil {
			return 0, err
		}
		ids, err := c.Partitions(t.name)
		if err == nil && len(ids) > 0 {
			return int32(len(ids)), nil
		}
		if err == nil {
			err = sarama.ErrLeaderNotAvailable
		}
		next := pause.next()
		if t.producer.ctx.Err() != nil {
			return 0, ErrClosed
		}
		if !passes(err) || time.Now().Add(next).After(until) || !wait(t.producer.ctx, next) {
			return 0, err
		}
	}
}

// failure says in one sentence why a message of the topic was not produced.
func (p *Producer) failure(topic string, err error) error {
	switch {
	case p.ctx.Err() != nil:
		return ErrClosed
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return fmt.Errorf("produce to %s: %w: create it, or correct its name", topic, ErrUnknownTopic)
	case errors.Is(err, sarama.ErrInvalidTopic):
		return fmt.Errorf("produce to %s: %w: correct it", topic, err)
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		return fmt.Errorf("produce to %s: %w: allow this user to Write and Describe the topic", topic, ErrNotAuthorized)
	case tooLarge(err):
		return fmt.Errorf("produce to %s: %w: raise max.message.bytes of the topic, or produce less", topic, ErrTooLarge)
	case invalid(err):
		return fmt.Errorf("produce to %s: %w: %w", topic, ErrRecordRefused, err)
	}
	text := reason(err)
	return fmt.Errorf("produce to %s: %w: %w", topic, ErrUndelivered, inOneLine{err, text})
}

func tooLarge(err error) bool {
	return errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.Is(err, sarama.ErrMessageSetSizeTooLarge)
}

// invalid tells whether the broker minds what is in a record.
func invalid(err error) bool {
	return errors.Is(err, sarama.ErrInvalidRecord) || errors.Is(err, sarama.ErrInvalidTimestamp) ||
		errors.Is(err, sarama.ErrInvalidMessage) || errors.Is(err, sarama.ErrPolicyViolation)
}
