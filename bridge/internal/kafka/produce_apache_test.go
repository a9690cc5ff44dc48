package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// testProduce: what brokers refuse, and what they recognise as sent before.
func testProduce(t *testing.T, r *realKafka) {
	topic := r.create(t, 3)
	narrow := r.createAs(t, ".narrow", 1, "max.message.bytes", "1000")
	compacted := r.createAs(t, ".compacted", 1, "cleanup.policy", "compact")
	p := newProducer(t, r.addrs())
	for _, tt := range []struct {
		message kafka.Message
		is      error
	}{
		{message(topic+".missing", "k", "v"), kafka.ErrUnknownTopic},
		{message(narrow, "k", strings.Repeat("v", 2000)), kafka.ErrTooLarge},
		{kafka.Message{Topic: compacted, Value: []byte("v"), Place: murmur2.Partition}, kafka.ErrRecordRefused},
		{message(narrow, "k", "v"), nil},
		{message(compacted, "k", "v"), nil},
	} {
		if err := <-send(t, t.Context(), p, tt.message); !errors.Is(err, tt.is) {
			t.Errorf("%s: %v", tt.message.Topic, err)
		}
	}

	// Connections that break while records are on their way repeat nothing.
	const n = 2000
	var fates []<-chan error
	want := make(map[int32][]string)
	for i := range n {
		key, value := fmt.Sprintf("key-%d", i%50), fmt.Sprint(i)
		at := murmur2.Partition([]byte(key), 3)
		want[at] = append(want[at], value)
		fates = append(fates, send(t, t.Context(), p, message(topic, key, value)))
		if i%200 == 100 {
			p.Cut()
		}
	}
	for i, fate := range fates {
		if err := <-fate; err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	for at, values := range want {
		if got := r.values(t, topic, at, len(values)); strings.Join(got, " ") != strings.Join(values, " ") {
			t.Errorf("partition %d holds %d records, want %d in their order", at, len(got), len(values))
		}
	}
}

// values reads what a partition holds, at least n records.
func (r *realKafka) values(t *testing.T, topic string, partition int32, n int) (values []string) {
	t.Helper()
	consumer, err := sarama.NewConsumer(r.addrs(), plain())
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	stream, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for m := range stream.Messages() {
		values = append(values, string(m.Value))
		if m.Offset+1 >= max(int64(n), stream.HighWaterMarkOffset()) {
			return values
		}
	}
	return values
}
