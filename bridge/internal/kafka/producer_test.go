package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

func newProducer(t *testing.T, brokers []string, change ...func(*kafka.Config)) *kafka.Producer {
	t.Helper()
	cfg := kafka.Config{Brokers: brokers, Group: "billing", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, c := range change {
		c(&cfg)
	}
	p, err := kafka.NewProducer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// send produces messages and returns where their fate will be told.
func send(t *testing.T, ctx context.Context, p *kafka.Producer, messages ...kafka.Message) <-chan error {
	t.Helper()
	fate := make(chan error, 1)
	if err := p.Send(ctx, messages, func(err error) { fate <- err }); err != nil {
		t.Fatalf("send: %v", err)
	}
	return fate
}

var murmur2 partitioner.Placement

func message(topic, key, value string) kafka.Message {
	return kafka.Message{Topic: topic, Key: []byte(key), Value: []byte(value), Place: murmur2.Partition}
}

// byPartition is what each partition holds, in order.
func byPartition(records []bridgetest.Record) map[int32][]string {
	held := make(map[int32][]string)
	for _, r := range records {
		held[r.Partition] = append(held[r.Partition], string(r.Value))
	}
	return held
}

// signals tells of produce requests before anything is done with them.
func signals(b *bridgetest.Broker) <-chan struct{} {
	arrived := make(chan struct{}, 1)
	b.Control(bridgetest.Produce, func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case arrived <- struct{}{}:
		default:
		}
		return nil, nil, false
	})
	return arrived
}

func TestProducedInOrder(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 3), bridgetest.Nodes(3))
	p := newProducer(t, broker.Addrs())
	broker.Fail(bridgetest.Produce, 5, sarama.ErrNotEnoughReplicas)
	broker.Drop(bridgetest.Produce, 2)

	const n = 300
	var fates []<-chan error
	want := make(map[int32][]string)
	for i := range n {
		key, value := fmt.Sprintf("key-%d", i%20), fmt.Sprint(i)
		at := murmur2.Partition([]byte(key), 3)
		want[at] = append(want[at], value)
		fates = append(fates, send(t, t.Context(), p, message("out", key, value)))
		if i == n/2 {
			broker.MoveLeader(t, "out", at, (at+1)%3)
		}
	}
	for i, fate := range fates {
		if err := <-fate; err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	for at, values := range byPartition(broker.Consume(t, "out")) {
		if got, want := strings.Join(values, " "), strings.Join(want[at], " "); got != want {
			t.Errorf("partition %d holds %s, want %s", at, got, want)
		}
	}
}

func TestProducedAsItWas(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 2))
	p := newProducer(t, broker.Addrs())
	second := func([]byte, int32) int32 { return 1 }
	fate := send(t, t.Context(), p,
		kafka.Message{Topic: "out", Place: second},
		kafka.Message{Topic: "out", Key: []byte{}, Value: []byte{}, Place: second, Headers: []sarama.RecordHeader{
			{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a")},
		}},
	)
	if err := <-fate; err != nil {
		t.Fatal(err)
	}
	got := broker.Consume(t, "out")
	if len(got) != 2 || got[0].Partition != 1 || got[0].Key != nil || got[0].Value != nil || got[1].Key == nil || got[1].Value == nil {
		t.Fatalf("arrived: %+v", got)
	}
	if h := got[1].Headers; len(h) != 2 || h[0].Key != "a" || string(h[0].Value) != "1" || h[1].Value != nil {
		t.Errorf("headers arrived as %+v", h)
	}
	if err := <-send(t, t.Context(), p); err != nil {
		t.Errorf("nothing to send is %v", err)
	}
}

func TestWhatCannotBeProduced(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 1), bridgetest.Topic("closed", 1))
	broker.CreateTopic(t, "narrow", 1, "max.message.bytes", "1000")
	broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrTopicAuthorizationFailed, "closed", 0)
	p := newProducer(t, broker.Addrs())
	for _, tt := range []struct {
		message kafka.Message
		is      error
		say     string
	}{
		{message("missing", "k", "v"), kafka.ErrUnknownTopic, "produce to missing: topic or partition does not exist: create it, or correct its name"},
		{message("closed", "k", "v"), kafka.ErrNotAuthorized, "produce to closed: not authorized: allow this user to Write and Describe the topic"},
		{message("narrow", "k", strings.Repeat("v", 2000)), kafka.ErrTooLarge,
			"produce to narrow: record is larger than the topic takes: raise max.message.bytes of the topic, or produce less"},
	} {
		if err := <-send(t, t.Context(), p, tt.message); !errors.Is(err, tt.is) || err.Error() != tt.say {
			t.Errorf("%s: %v", tt.message.Topic, err)
		}
	}
	// One that is too large does not take its neighbours with it.
	release := broker.Hold(t, bridgetest.Produce)
	fates := []<-chan error{send(t, t.Context(), p, message("narrow", "k", "0"))}
	for i, v := range []string{"1", strings.Repeat("v", 2000), "3"} {
		fates = append(fates, send(t, t.Context(), p, message("narrow", fmt.Sprint(i), v)))
	}
	release()
	for i, fate := range fates {
		if err := <-fate; (err != nil) != (i == 2) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if got := strings.Join(byPartition(broker.Consume(t, "narrow"))[0], " "); got != "0 1 3" {
		t.Errorf("arrived: %s", got)
	}
}

func TestNobodyWaitsAnyMore(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 1))
	p := newProducer(t, broker.Addrs())
	arrived := signals(broker)
	release := broker.Hold(t, bridgetest.Produce)
	first := send(t, t.Context(), p, message("out", "k", "on its way"))
	<-arrived
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	second := send(t, ctx, p, message("out", "k", "given up"))
	stop(stopped)
	if err := <-second; !errors.Is(err, stopped) {
		t.Errorf("the end of the context is %v", err)
	}
	release()
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-send(t, t.Context(), p, message("out", "k", "later")); err != nil {
		t.Error(err)
	}
	if got := strings.Join(byPartition(broker.Consume(t, "out"))[0], ", "); got != "on its way, later" {
		t.Errorf("arrived: %s", got)
	}
}

func TestClosedProducer(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 1))
	p := newProducer(t, broker.Addrs())
	watched := broker.Watch(bridgetest.Produce)
	broker.Fail(bridgetest.Produce, bridgetest.Always, sarama.ErrNotEnoughReplicas)
	fate := send(t, t.Context(), p, message("out", "k", "v"))
	watched.Wait(t, 1)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-fate; !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("what was under way: %v", err)
	}
	if err := p.Send(t.Context(), nil, nil); !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

// A broker whose answer was lost has the batch already.
func TestLostAnswersRepeatNothing(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 1))
	p := newProducer(t, broker.Addrs())
	arrived := signals(broker)
	release := broker.Hold(t, bridgetest.Produce)
	fate := send(t, t.Context(), p, message("out", "k", "once"))
	<-arrived
	p.Cut() // while the request is being carried out
	release()
	if err := <-fate; err != nil {
		t.Fatal(err)
	}
	if got := byPartition(broker.Consume(t, "out"))[0]; len(got) != 1 {
		t.Errorf("arrived: %v", got)
	}
}

// Of one call nothing arrives behind what failed, in the same partition.
func TestNothingOvertakesAFailure(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	broker.CreateTopic(t, "narrow", 2, "max.message.bytes", "1000")
	p := newProducer(t, broker.Addrs())
	var mu sync.Mutex
	fates := make(map[int]error)
	var messages []kafka.Message
	for i := range 40 {
		m := message("narrow", "", fmt.Sprint(i))
		if i == 20 {
			m.Value = []byte(strings.Repeat("v", 2000))
		}
		m.Place = func([]byte, int32) int32 { return int32(i % 2) }
		m.Settled = func(err error) {
			mu.Lock()
			defer mu.Unlock()
			fates[i] = err
		}
		messages = append(messages, m)
	}
	if err := <-send(t, t.Context(), p, messages...); !errors.Is(err, kafka.ErrTooLarge) {
		t.Errorf("the whole is %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	arrived := byPartition(broker.Consume(t, "narrow"))
	for i := range 40 {
		there := slices.Contains(arrived[int32(i%2)], fmt.Sprint(i))
		switch err, settled := fates[i]; {
		case !settled:
			t.Errorf("message %d has no fate", i)
		case there != (err == nil):
			t.Errorf("message %d: there %v, told %v", i, there, err)
		case i%2 == 0 && i < 20 && err != nil, i%2 == 0 && i > 20 && err == nil, i == 20 && !errors.Is(err, kafka.ErrTooLarge):
			t.Errorf("message %d: %v", i, err)
		}
	}
}

// Without the right to be idempotent, or a broker that knows of it, records are
// sent nevertheless.
func TestWithoutProducerIDs(t *testing.T) {
	t.Parallel()
	const initProducerID bridgetest.Request = 22
	broker := bridgetest.StartBroker(t, bridgetest.Topic("out", 1))
	refused := broker.Fail(initProducerID, bridgetest.Always, sarama.ErrClusterAuthorizationFailed)
	p := newProducer(t, broker.Addrs())
	for i := range 3 {
		if err := <-send(t, t.Context(), p, message("out", "k", fmt.Sprint(i))); err != nil {
			t.Error(err)
		}
	}
	refused.Remove()
	if got := strings.Join(byPartition(broker.Consume(t, "out"))[0], " "); got != "0 1 2" || refused.Hits() == 0 {
		t.Errorf("arrived: %s, asked %d times", got, refused.Hits())
	}
}
