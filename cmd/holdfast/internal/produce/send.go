package produce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// Target is where records go.
type Target struct {
	Brokers []string
	Topic   string
	Hash    partitioner.Hash // chooses the partition of a key
	// Sarama sets how to talk to the brokers; nil: plaintext.
	Sarama func(*sarama.Config)
}

// Sent is what each partition has acknowledged.
type Sent map[int32]Run

// Run is records of one partition.
type Run struct {
	Records     int
	First, Last int64 // offsets; records of others may be between them
}

func (s Sent) add(partition int32, offset int64) {
	run, ok := s[partition]
	if !ok {
		run.First = offset
	}
	run.Records, run.Last = run.Records+1, offset
	s[partition] = run
}

// ErrUnreachable means that no broker answered.
var ErrUnreachable = errors.New("cannot reach Kafka at")

// Send writes every record of in. It stops at the first that fails, or when
// ctx ends; what was sent by then is acknowledged or named in the error.
func Send(ctx context.Context, t Target, in *Reader) (Sent, error) {
	producer, err := sarama.NewAsyncProducer(t.Brokers, t.config())
	if errors.Is(err, sarama.ErrOutOfBrokers) || errors.Is(err, sarama.ErrSASLAuthenticationFailed) {
		err = t.cause(err)
		text := reason(err)
		return nil, fmt.Errorf("%w %s: %s: %s", ErrUnreachable, strings.Join(t.Brokers, ", "), text, remedy(err, text))
	}
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	a := newAnswers(producer)
	err = feed(ctx, in, producer.Input(), t.Topic, a.failed)
	producer.AsyncClose() // flushes, then closes the channels that answers reads
	sent, failure := a.wait()
	if failure != nil {
		err = fmt.Errorf("produce to %s: %w", t.Topic, failure)
	}
	return sent, err
}

func (t Target) config() *sarama.Config {
	conf := sarama.NewConfig()
	conf.ClientID = "holdfast-produce"
	conf.Version = sarama.V2_8_0_0
	conf.Net.DialTimeout = 10 * time.Second
	conf.Net.ReadTimeout = 15 * time.Second // longer than a broker waits for its replicas
	conf.Metadata.Timeout = 10 * time.Second
	conf.Net.MaxOpenRequests = 1 // as idempotence demands
	conf.Producer.Idempotent = true
	conf.Producer.RequiredAcks = sarama.WaitForAll
	conf.Producer.Return.Successes = true
	conf.Producer.Partitioner = func(string) sarama.Partitioner {
		return &chooser{partitioner.Placement{Hash: t.Hash}}
	}
	if t.Sarama != nil {
		t.Sarama(conf)
	}
	return conf
}

// feed hands on the records until the last, an error, or the end of ctx.
func feed(ctx context.Context, in *Reader, out chan<- *sarama.ProducerMessage, topic string, failed <-chan struct{}) error {
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case out <- message(topic, rec):
		case <-failed:
			return nil // wait says why
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func message(topic string, rec Record) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic}
	if rec.Key != nil {
		m.Key = sarama.ByteEncoder(rec.Key)
	}
	if rec.Value != nil {
		m.Value = sarama.ByteEncoder(rec.Value)
	}
	for _, h := range rec.Headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
	return m
}

// answers counts what the brokers have answered. Its goroutines end once the
// producer is closed.
type answers struct {
	both   sync.WaitGroup
	sent   Sent
	first  error
	failed chan struct{} // closed at the first failure
}

func newAnswers(p sarama.AsyncProducer) *answers {
	a := &answers{sent: make(Sent), failed: make(chan struct{})}
	a.both.Go(func() {
		for m := range p.Successes() {
			a.sent.add(m.Partition, m.Offset)
		}
	})
	a.both.Go(func() {
		for e := range p.Errors() {
			if a.first == nil {
				a.first = e.Err
				close(a.failed)
			}
		}
	})
	return a
}

func (a *answers) wait() (Sent, error) {
	a.both.Wait()
	return a.sent, a.first
}

// chooser is a placement as sarama asks for it.
type chooser struct{ partitioner.Placement }

func (c *chooser) Partition(m *sarama.ProducerMessage, partitions int32) (int32, error) {
	if m.Key == nil {
		return c.Placement.Partition(nil, partitions), nil
	}
	key, err := m.Key.Encode()
	return c.Placement.Partition(key, partitions), err
}

// RequiresConsistency keeps a key's partition also while that has no leader.
func (c *chooser) RequiresConsistency() bool { return true }

// cause is err with what a broker has answered, which sarama leaves out for
// some of the refusals.
func (t Target) cause(err error) error {
	if err.Error() != sarama.ErrOutOfBrokers.Error() {
		return err
	}
	for _, address := range t.Brokers {
		broker := sarama.NewBroker(address)
		if broker.Open(t.config()) != nil {
			continue
		}
		if _, refusal := broker.Connected(); refusal != nil {
			return sarama.Wrap(err, refusal)
		}
		_ = broker.Close() // it was opened for the answer alone
	}
	return err
}

// reason is why no broker could be reached, on one line.
func reason(err error) string {
	text := strings.TrimPrefix(err.Error(), sarama.ErrOutOfBrokers.Error()+": ")
	return strings.Join(strings.Fields(text), " ")
}

func remedy(err error, text string) string {
	var own interface{ Remedy() string } // of what Target.Sarama has set
	switch {
	case errors.As(err, &own):
		return own.Remedy()
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return "check user, password or token, and mechanism"
	case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return "use a mechanism that this listener offers"
	case errors.Is(err, sarama.ErrIllegalSASLState):
		return "this listener does without SASL, use the port of another or remove it"
	case strings.Contains(text, "x509:") || strings.Contains(text, "tls:"):
		return "check the certificates and the server name"
	case strings.HasSuffix(text, "i/o timeout"):
		return "check the address, the network, and whether the listener is one for TLS"
	case strings.HasSuffix(text, io.EOF.Error()):
		return "the broker hung up, check whether the listener wants TLS or SASL"
	}
	return "start the brokers, or correct --brokers"
}
