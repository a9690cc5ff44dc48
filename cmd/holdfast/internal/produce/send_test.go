package produce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

func TestSend(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 5))
	hash, _ := partitioner.HashByName("crc32")
	target := Target{Brokers: broker.Addrs(), Topic: "orders", Hash: hash}
	var lines strings.Builder
	want := make(map[int32]int)
	for i := range 500 {
		key := fmt.Sprintf("key-%d", i%50)
		want[hash.Partition([]byte(key), 5)]++
		fmt.Fprintf(&lines, "%s=%d\n", key, i)
	}
	sent, err := Send(t.Context(), target, NewReader(strings.NewReader(lines.String()), Format{Separator: "="}))
	if err != nil {
		t.Fatal(err)
	}
	ends := broker.EndOffsets("orders")
	for p := range int32(5) {
		if told := (Run{Records: want[p], Last: int64(want[p]) - 1}); sent[p] != told || ends[p] != int64(want[p]) {
			t.Errorf("partition %d has %d records, told %+v, want %+v", p, ends[p], sent[p], told)
		}
	}

	// A line that cannot be read ends it; what came before is there.
	before := sum(broker.EndOffsets("orders"))
	sent, err = Send(t.Context(), target, NewReader(strings.NewReader("a=1\nwrong"), Format{Separator: "="}))
	at := hash.Partition([]byte("a"), 5)
	if err == nil || len(sent) != 1 || sent[at] != (Run{1, ends[at], ends[at]}) || sum(broker.EndOffsets("orders")) != before+1 {
		t.Errorf("after a wrong line: %v, %v, %d records more", sent, err, sum(broker.EndOffsets("orders"))-before)
	}
}

func TestNullKeysAreSpread(t *testing.T) {
	t.Parallel()
	c := &chooser{}
	seen := make(map[int32]int)
	for range 12 {
		p, err := c.Partition(&sarama.ProducerMessage{}, 4)
		if err != nil {
			t.Fatal(err)
		}
		seen[p]++
	}
	for p := range int32(4) {
		if seen[p] != 3 {
			t.Errorf("partition %d was chosen %d times of 12, want 3", p, seen[p])
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	for _, tt := range []struct {
		name, address, say string
		sarama             func(*sarama.Config)
	}{
		{"nobody", "127.0.0.1:1", "connection refused: start the brokers, or correct --brokers", nil},
		{"TLS on a listener without", broker.Addrs()[0], "i/o timeout: check the address, the network, and whether the listener is one for TLS", func(c *sarama.Config) {
			c.Net.TLS.Enable, c.Net.ReadTimeout, c.Metadata.Retry.Max = true, 100*time.Millisecond, 0
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target := Target{Brokers: []string{tt.address}, Topic: "orders", Sarama: tt.sarama}
			_, err := Send(t.Context(), target, NewReader(strings.NewReader("a"), Format{}))
			if !errors.Is(err, ErrUnreachable) || !strings.HasPrefix(err.Error(), "cannot reach Kafka at "+tt.address+": ") || !strings.HasSuffix(err.Error(), tt.say) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	hash, _ := partitioner.HashByName("murmur2")
	ctx, cancel := context.WithCancel(t.Context())
	endless := NewReader(&endless{after: 1000, then: cancel}, Format{})
	sent, err := Send(ctx, Target{Brokers: broker.Addrs(), Topic: "orders", Hash: hash}, endless)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if got := sum(broker.EndOffsets("orders")); got != int64(sent[0].Records) {
		t.Errorf("%d records are there, %d were told", got, sent[0].Records)
	}
}

// endless is a stream of lines without end that calls then once.
type endless struct {
	after, lines int
	then         func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.lines++; e.lines == e.after {
		e.then()
	}
	return copy(p, "x\n"), nil
}

func sum(offsets map[int32]int64) (total int64) {
	for _, o := range offsets {
		total += o
	}
	return total
}
