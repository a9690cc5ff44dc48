package kafka_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func open(t *testing.T, c *kafka.Claim, offset int64) *kafka.Stream {
	t.Helper()
	stream, err := c.Fetch(within(t), offset)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// next waits for records and returns their offsets.
func next(t *testing.T, s *kafka.Stream, n int) []int64 {
	t.Helper()
	var offsets []int64
	for range n {
		select {
		case m, open := <-s.Messages():
			if !open {
				t.Fatalf("the stream ended after %v", offsets)
			}
			offsets = append(offsets, m.Offset)
		case <-time.After(patience):
			t.Fatalf("%d of %d records within %v", len(offsets), n, patience)
		}
	}
	return offsets
}

func TestAStreamBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	broker.Produce(t, "orders", values(10)...)
	s := open(t, claims["orders/0"].Claim, 4)
	for i, offset := range next(t, s, 6) {
		if offset != int64(4+i) {
			t.Fatalf("record %d has offset %d", i, offset)
		}
	}
	if s.HighWater() != 10 {
		t.Errorf("high water %d", s.HighWater())
	}
}

func TestAPausedStreamHoldsStillUntilResumed(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 2)
	quiet, other := open(t, claims["orders/0"].Claim, 0), open(t, claims["orders/1"].Claim, 0)
	quiet.Pause()
	// What is fetched after an answer that began after the pause is all paused:
	// the other partition's records show such answers.
	record := func(p int32) bridgetest.Record { return bridgetest.Record{Partition: p} }
	broker.Produce(t, "orders", record(1))
	next(t, other, 1)
	broker.Produce(t, "orders", record(0), record(1))
	next(t, other, 1)
	select {
	case <-quiet.Messages():
		t.Fatal("a record arrived while paused")
	case <-time.After(500 * time.Millisecond): // two fetches
	}
	quiet.Resume()
	next(t, quiet, 1)
}

func TestAPauseDoesNotOutliveItsStream(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	first := open(t, claims["orders/0"].Claim, 0)
	first.Pause()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	broker.Produce(t, "orders", values(1)...)
	next(t, open(t, claims["orders/0"].Claim, 0), 1)
}

func TestOffsetsOutOfRangeAreToldByType(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	broker.Produce(t, "orders", values(10)...)
	broker.DeleteRecords(t, "orders", 0, 3)
	for _, offset := range []int64{2, 11} {
		_, err := claims["orders/0"].Fetch(within(t), offset)
		var out *kafka.OutOfRangeError
		if !errors.As(err, &out) {
			t.Fatalf("fetch from %d: %v", offset, err)
		}
		if out.Offset != offset || out.Oldest != 3 || out.Newest != 10 {
			t.Errorf("%+v", out)
		}
	}
	next(t, open(t, claims["orders/0"].Claim, 3), 7) // a failed one is not in the way
}

func TestAStreamThatFallsOutOfRangeEndsAndSaysSo(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 2)
	broker.Produce(t, "orders", values(10)...)
	s, other := open(t, claims["orders/0"].Claim, 0), open(t, claims["orders/1"].Claim, 0)
	next(t, s, 10)
	s.Pause()
	// The fetch under way would take what comes next: it is over when it brings
	// what the other partition got.
	broker.Produce(t, "orders", bridgetest.Record{Partition: 1})
	next(t, other, 1)
	broker.Produce(t, "orders", values(10)...)
	broker.DeleteRecords(t, "orders", 0, 15)
	s.Resume()
	select {
	case m, open := <-s.Messages():
		if open {
			t.Fatalf("record %d arrived", m.Offset)
		}
	case <-time.After(patience):
		t.Fatal("the stream goes on")
	}
	var out *kafka.OutOfRangeError
	if !errors.As(s.Err(), &out) {
		t.Errorf("ended with %v", s.Err())
	}
	if err, told := <-s.Errors(); !told || !errors.As(err, &out) {
		t.Errorf("told %v", err)
	}
	claims["orders/0"].owned(t)
}

func TestAStreamClosedWithRecordsUnreadCanBeOpenedAnew(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	broker.Produce(t, "orders", values(2000)...) // more than its channel holds
	h := claims["orders/0"]
	for offset := range int64(3) {
		s := open(t, h.Claim, offset)
		if got := next(t, s, 1)[0]; got != offset {
			t.Errorf("began at %d, want %d", got, offset)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Err(); err != nil {
			t.Errorf("closed with %v", err)
		}
	}
}

func TestStreamsOfManyPartitionsOpenTogether(t *testing.T) {
	t.Parallel()
	_, _, claims := member(t, 60)
	begin := time.Now()
	var opening sync.WaitGroup
	for _, h := range claims {
		opening.Go(func() { open(t, h.Claim, 0) })
	}
	opening.Wait()
	// One after the other each waits for a fetch of those before it.
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("60 streams took %v to open", took)
	}
}

func TestALeaderThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Nodes(2), bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	s := open(t, o.one(t).Claim, 0)
	for node := range int32(2) {
		broker.MoveLeader(t, "orders", 0, node)
		broker.Produce(t, "orders", values(1)...)
		next(t, s, 1)
	}
}

func TestTheEndOfAClaimEndsItsStream(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	stop := consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	s := open(t, o.one(t).Claim, 0)
	stop()
	if err := s.Err(); err != nil { // which waits for the end
		t.Error(err)
	}
}

func TestRecordsArriveAsTheyWere(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	at := time.UnixMilli(1_700_000_000_123)
	want := bridgetest.Record{Key: []byte("k"), Value: []byte("v"), Time: at, Headers: []bridgetest.Header{{Key: "h", Value: nil}}}
	broker.Produce(t, "orders", want, bridgetest.Record{Key: []byte{}, Value: nil})
	h := claims["orders/0"]
	s := open(t, h.Claim, 0)
	for _, get := range []func(offset int64) *sarama.ConsumerMessage{
		func(int64) *sarama.ConsumerMessage { return <-s.Messages() },
		func(offset int64) *sarama.ConsumerMessage {
			m, err := h.Read(within(t), offset)
			if err != nil {
				t.Fatal(err)
			}
			return m
		},
	} {
		m := get(0)
		if string(m.Key) != "k" || string(m.Value) != "v" || !m.Timestamp.Equal(at) ||
			len(m.Headers) != 1 || string(m.Headers[0].Key) != "h" || m.Headers[0].Value != nil {
			t.Errorf("%+v", m)
		}
		if m = get(1); m.Key == nil || len(m.Key) != 0 || m.Value != nil || m.Offset != 1 {
			t.Errorf("%+v", m)
		}
	}
}
