package bench

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/IBM/sarama"
)

// Topic describes what a topic holds. All records of a key are in one partition.
type Topic struct {
	Partitions int
	Keys       int
	Zipf       bool // a few keys have most records (s = 1.1); else all have as many
	Bytes      int  // of a value
	Records    int
}

func (t Topic) name() string {
	name := fmt.Sprintf("bench-%dx%d-%d-keys-%d-bytes", t.Partitions, t.Records, t.Keys, t.Bytes)
	if t.Zipf {
		name += "-zipf"
	}
	return name
}

// draw returns what draws the keys of the topic's records, the same ones in
// every run.
func (t Topic) draw() func() int {
	random := mathrand.New(mathrand.NewPCG(1, 2))
	if !t.Zipf {
		return func() int { return random.IntN(t.Keys) }
	}
	zipf := mathrand.NewZipf(random, 1.1, 1, uint64(t.Keys-1))
	return func() int { return int(zipf.Uint64()) }
}

// above counts the records whose keys are numbered from key on.
func (t Topic) above(key int) int64 {
	draw := t.draw()
	var n int64
	for range t.Records {
		if draw() >= key {
			n++
		}
	}
	return n
}

// producer writes records into one topic.
type producer struct {
	topic   string
	shape   Topic
	client  sarama.AsyncProducer
	keys    [][]byte
	draw    func() int // keys
	payload []byte
	next    int64         // sequence number
	failed  chan error    // the first error
	done    chan struct{} // closed when all errors have been read
}

// batchBytes is what Java's producer fills a batch with by default. Larger
// batches make reading cheaper than most topics allow.
const batchBytes = 16 << 10

// newProducer creates the topic and connects to it.
func newProducer(broker, topic string, shape Topic) (*producer, error) {
	conf := sarama.NewConfig()
	conf.Version = sarama.V2_8_0_0
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	conf.Producer.RequiredAcks = sarama.WaitForLocal
	conf.Producer.Flush.MaxMessages = shape.Partitions * max(1, batchBytes/shape.Bytes)
	conf.ChannelBufferSize = 4096
	admin, err := sarama.NewClusterAdmin([]string{broker}, conf)
	if err != nil {
		return nil, fmt.Errorf("create topic %s: %w", topic, err)
	}
	defer admin.Close()
	detail := &sarama.TopicDetail{NumPartitions: int32(shape.Partitions), ReplicationFactor: 1}
	if err := admin.CreateTopic(topic, detail, false); err != nil {
		return nil, fmt.Errorf("create topic %s: %w", topic, err)
	}
	client, err := sarama.NewAsyncProducer([]string{broker}, conf)
	if err != nil {
		return nil, fmt.Errorf("produce to %s: %w", topic, err)
	}
	p := &producer{
		topic: topic, shape: shape, client: client,
		keys:    make([][]byte, shape.Keys),
		draw:    shape.draw(),
		payload: make([]byte, shape.Bytes),
		failed:  make(chan error, 1),
		done:    make(chan struct{}),
	}
	for i := range p.keys {
		p.keys[i] = keyBytes(i)
	}
	rand.Read(p.payload)
	go p.watch()
	return p, nil
}

// watch ends when the client is closed.
func (p *producer) watch() {
	defer close(p.done)
	for err := range p.client.Errors() {
		select {
		case p.failed <- fmt.Errorf("produce to %s: %w", p.topic, err):
		default:
		}
	}
}

// send writes one record. sent is zero where its latency does not count.
func (p *producer) send(sent time.Time) {
	key := p.draw()
	value := make([]byte, p.shape.Bytes)
	copy(value, p.payload)
	putValue(value, p.next, key, sent)
	p.next++
	p.client.Input() <- &sarama.ProducerMessage{
		Topic:     p.topic,
		Partition: int32(key % p.shape.Partitions),
		Key:       sarama.ByteEncoder(p.keys[key]),
		Value:     sarama.ByteEncoder(value),
	}
}

// pace sends rate records a second for a time. A record's clock starts when it
// is due, also where the producer is late.
func (p *producer) pace(rate int, during time.Duration, measured bool) {
	start := time.Now()
	gap := time.Second / time.Duration(rate)
	for i := 0; time.Duration(i)*gap < during; i++ {
		due := start.Add(time.Duration(i) * gap)
		time.Sleep(time.Until(due))
		if measured {
			p.send(due)
		} else {
			p.send(time.Time{})
		}
	}
}

// close waits until everything is sent and returns the first error.
func (p *producer) close() error {
	p.client.AsyncClose()
	<-p.done
	select {
	case err := <-p.failed:
		return err
	default:
		return nil
	}
}

// load fills a topic.
func load(broker string, shape Topic) error {
	p, err := newProducer(broker, shape.name(), shape)
	if err != nil {
		return err
	}
	for range shape.Records {
		p.send(time.Time{})
	}
	return p.close()
}
