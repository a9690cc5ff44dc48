package kafka_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func TestProbeStepsOverWhatIsNotDelivered(t *testing.T) {
	t.Parallel()
	for _, level := range []struct {
		name   string
		change func(*kafka.Config)
		// where the first deliverable record at or after 0, 3 and 5 is; -1: none
		records [3]int64
	}{
		{"read_committed", readCommitted, [3]int64{0, 8, 8}},
		{"read_uncommitted", func(*kafka.Config) {}, [3]int64{0, 4, 5}},
	} {
		t.Run(level.name, func(t *testing.T) {
			t.Parallel()
			broker, _, claims := member(t, 1, level.change)
			h := claims["orders/0"]
			broker.ProduceTransaction(t, true, "orders", values(3)...)  // 0-2, marker 3
			broker.ProduceTransaction(t, false, "orders", values(2)...) // 4-5, marker 6
			broker.ProduceTransaction(t, false, "orders", values(0)...) // nothing
			tail := int64(7)
			for i, from := range []int64{0, 3, 5} {
				p, err := h.Probe(within(t), from)
				if err != nil {
					t.Fatal(err)
				}
				want := kafka.Probe{End: level.records[i], Record: true, HighWater: tail, LastStable: tail}
				if want.End == 8 { // not produced yet
					want.End, want.Record = tail, false
				}
				if p != want {
					t.Errorf("from %d: %+v, want %+v", from, p, want)
				}
			}
			if p, err := h.Probe(within(t), tail); err != nil || p.End != tail || p.Record {
				t.Errorf("at the end: %+v, %v", p, err)
			}
			broker.ProduceTransaction(t, true, "orders", values(1)...) // 7, marker 8
			if p, err := h.Probe(within(t), 6); err != nil || p.End != 7 || !p.Record {
				t.Errorf("before a record: %+v, %v", p, err)
			}
			if p, err := h.Probe(within(t), 8); err != nil || p.End != 9 || p.Record {
				t.Errorf("at the last marker: %+v, %v", p, err)
			}
		})
	}
}

func TestProbeStepsOverWhatWasCompactedAway(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	broker.CreateTopic(t, "orders", 1, "cleanup.policy", "compact", "segment.bytes", "100", "min.cleanable.dirty.ratio", "0")
	o := newOwner()
	consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	h := o.one(t)
	for _, key := range []string{"kept", "k", "k", "k", "k", "k"} {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte(key), Value: make([]byte, 100)})
	}
	broker.Compact()
	p, err := h.Probe(within(t), 1)
	if err != nil || !p.Record || p.End < 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := h.Read(within(t), 1); !errors.Is(err, kafka.ErrNoRecord) {
		t.Errorf("read: %v", err)
	}
	if got, seen, err := h.ReadFrom(within(t), 1, 1); err != nil || len(got) == 0 || got[0].Offset != p.End || seen <= p.End {
		t.Errorf("read from there on: %v, then %d, %v", got, seen, err)
	}
	if got, seen, err := h.ReadFrom(within(t), 6, 1<<20); err != nil || len(got) > 0 || seen != 6 {
		t.Errorf("read from the end on: %v, then %d, %v", got, seen, err)
	}
	if _, _, err := h.ReadFrom(within(t), 7, 1<<20); !errors.As(err, new(*kafka.OutOfRangeError)) {
		t.Errorf("read from behind the end on: %v", err)
	}
	if got := next(t, open(t, h.Claim, 1), 1)[0]; got != p.End {
		t.Errorf("the stream begins at %d, the probe said %d", got, p.End)
	}
}

// An answer of nothing but batches without records: sarama shows none of it.
func TestProbeStepsOverBatchesWithoutRecords(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	h := claims["orders/0"]
	var asked atomic.Int32
	broker.Control(bridgetest.Fetch, func(r kmsg.Request) (kmsg.Response, error, bool) {
		request := r.(*kmsg.FetchRequest)
		if len(request.Topics) == 0 || request.Topics[0].Partitions[0].FetchOffset != 5 {
			return nil, nil, false
		}
		asked.Add(1)
		response := request.ResponseKind().(*kmsg.FetchResponse)
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.HighWatermark, partition.LastStableOffset, partition.LogStartOffset = 20, 20, 0
		partition.RecordBatches = append(emptyBatch(5, 7), emptyBatch(9, 11)...)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = request.Topics[0].Topic, request.Topics[0].TopicID
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	p, err := h.Probe(within(t), 5)
	// What is behind them is asked for, and the broker knows better.
	var out *kafka.OutOfRangeError
	if !errors.As(err, &out) || out.Offset != 12 || asked.Load() != 1 {
		t.Errorf("%+v, %v after %d answers", p, err, asked.Load())
	}
}

func emptyBatch(first, last int64) []byte {
	batch := kmsg.NewRecordBatch()
	batch.FirstOffset, batch.LastOffsetDelta = first, int32(last-first)
	batch.Magic, batch.ProducerID, batch.FirstSequence = 2, -1, -1
	batch.Length = 49
	raw := batch.AppendTo(nil)
	crc := crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(raw[17:], crc)
	return raw
}

func TestProbeStopsAtATransactionThatIsOpen(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1, readCommitted)
	h := claims["orders/0"]
	broker.ProduceTransaction(t, false, "orders", values(2)...) // 0-1, marker 2
	end := broker.OpenTransaction(t, "open", "orders", values(2)...)
	p, err := h.Probe(within(t), 0)
	if want := (kafka.Probe{End: 3, LastStable: 3, HighWater: 5}); err != nil || p != want {
		t.Errorf("%+v, %v, want %+v", p, err, want)
	}
	end(true)
	if p, err = h.Probe(within(t), 0); err != nil || !p.Record || p.End != 3 {
		t.Errorf("after the commit: %+v, %v", p, err)
	}
}

func TestProbeAndReadTellWhatIsOutOfRange(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	h := claims["orders/0"]
	broker.Produce(t, "orders", values(5)...)
	broker.DeleteRecords(t, "orders", 0, 2)
	var out *kafka.OutOfRangeError
	if _, err := h.Probe(within(t), 1); !errors.As(err, &out) || out.Oldest != 2 || out.Newest != 5 {
		t.Errorf("probe: %v", err)
	}
	if _, err := h.Read(within(t), 1); !errors.As(err, &out) || out.Offset != 1 {
		t.Errorf("read: %v", err)
	}
	if p, err := h.Probe(within(t), 2); err != nil || p.LogStart != 2 || p.End != 2 || !p.Record {
		t.Errorf("at the log start: %+v, %v", p, err)
	}
}

func TestReadFindsOneRecordBesideTheStream(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1, readCommitted)
	h := claims["orders/0"]
	broker.Produce(t, "orders", values(10)...)
	broker.ProduceTransaction(t, false, "orders", values(2)...) // 10-11, marker 12
	s := open(t, h.Claim, 0)
	for _, offset := range []int64{9, 0, 5} {
		m, err := h.Read(within(t), offset)
		if err != nil || m.Offset != offset || m.Value[0] != byte(offset) {
			t.Errorf("read %d: %+v, %v", offset, m, err)
		}
	}
	for _, offset := range []int64{10, 12, 13} {
		if _, err := h.Read(within(t), offset); !errors.Is(err, kafka.ErrNoRecord) {
			t.Errorf("read %d: %v, want ErrNoRecord", offset, err)
		}
	}
	next(t, s, 10)
}

func TestBoundsAndOffsetsByTime(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	h := claims["orders/0"]
	if oldest, newest, err := h.Bounds(within(t)); err != nil || oldest != 0 || newest != 0 {
		t.Errorf("empty: %d to %d, %v", oldest, newest, err)
	}
	at := time.UnixMilli(1_700_000_000_000)
	for i := range 5 {
		broker.Produce(t, "orders", bridgetest.Record{Time: at.Add(time.Duration(i) * time.Second)})
	}
	broker.DeleteRecords(t, "orders", 0, 1)
	if oldest, newest, err := h.Bounds(within(t)); err != nil || oldest != 1 || newest != 5 {
		t.Errorf("%d to %d, %v", oldest, newest, err)
	}
	for seconds, want := range map[int]int64{2: 2, 100: 5} {
		if got, err := h.OffsetAt(within(t), at.Add(time.Duration(seconds)*time.Second)); err != nil || got != want {
			t.Errorf("after %d s: %d, %v, want %d", seconds, got, err, want)
		}
	}
}
