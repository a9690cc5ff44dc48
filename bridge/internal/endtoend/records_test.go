package endtoend

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// given is what a handler is given of a record.
type given struct {
	Offset     int64
	Key, Value []byte
	Headers    []bridge.Header
	Timestamp  time.Time
}

// checkGiven compares each record with what was produced: as it came from Kafka
// to a run that was interrupted, and after a restart as it came from disk.
func checkGiven(t *testing.T, k *kafka, topic string, want []given) {
	t.Helper()
	j := newJournal()
	interrupted := j.settings(t, k, topic, func(ctx context.Context, _ *bridge.Job) error {
		<-ctx.Done()
		return ctx.Err()
	})
	interrupted.Topics[0].Partitioner.Ordering = partitioner.OrderNone
	interrupted.Workers = len(want) + 1
	interrupted.StopWithin = -1
	b := embed(t, interrupted)
	j.until(t, "all records come from Kafka", func() bool { return len(j.started) >= len(want) })
	b.mustStop(t)
	j.checkStarted(t, "from Kafka", want)

	j = newJournal()
	finished := interrupted
	finished.Topics = slices.Clone(interrupted.Topics)
	finished.Topics[0].Handler = j.handler(nil)
	embed(t, finished)
	k.waitCommitted(t, finished.Group, topic)
	j.checkStarted(t, "from disk", want)
}

// checkStarted wants each of the records to have been handled once.
func (j *journal) checkStarted(t *testing.T, whence string, want []given) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var got []given
	for _, job := range j.started {
		got = append(got, given{job.Offset, job.Key, job.Value, job.Headers, job.Timestamp})
	}
	slices.SortFunc(got, func(a, b given) int { return cmp.Compare(a.Offset, b.Offset) })
	if len(got) != len(want) {
		t.Fatalf("%d records came %s, want %d", len(got), whence, len(want))
	}
	for i, w := range want {
		if diff := gocmp.Diff(w, got[i], gocmp.Comparer(time.Time.Equal), gocmp.Comparer(sameBytes)); diff != "" {
			t.Errorf("@%d %s (-produced +given):\n%s", w.Offset, whence, diff[:min(len(diff), 2000)])
		}
	}
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

const year9999 = int64(253402300799999)

func testRecordShapes(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1, "message.timestamp.after.max.ms", fmt.Sprint(int64(1)<<62), "retention.ms", "-1")
	epoch := time.UnixMilli(0)
	hundred := make([]*sarama.RecordHeader, 100)
	for i := range hundred {
		hundred[i] = &sarama.RecordHeader{Key: fmt.Appendf(nil, "h%d", i%50), Value: fmt.Append(nil, i)}
	}
	odd := []*sarama.RecordHeader{
		{Key: []byte("null")}, {Key: []byte("empty"), Value: []byte{}}, {Key: []byte{}, Value: []byte("no name")},
		{Key: []byte("twice"), Value: []byte("a")}, {Key: []byte("twice"), Value: []byte("b")},
	}
	now := time.UnixMilli(time.Now().UnixMilli())
	batches := []*sarama.RecordBatch{
		{FirstTimestamp: now, MaxTimestamp: now, Records: []*sarama.Record{
			{},
			{Key: []byte{}, Value: []byte{}},
			{Key: []byte("key")},
			{Value: []byte("value")},
			{Key: []byte{0xff, 0, 0xfe}, Value: []byte("\x00\xff not UTF-8")},
			{Key: []byte("key"), Value: []byte("value"), Headers: hundred},
			{Key: []byte("key"), Value: []byte("value"), Headers: odd},
			{TimestampDelta: time.Millisecond},
		}},
		{FirstTimestamp: epoch, MaxTimestamp: epoch, Records: []*sarama.Record{{Key: []byte("timestamp 0")}}},
		{Records: []*sarama.Record{{Key: []byte("no timestamp")}}},
	}
	var want []given
	for _, batch := range batches {
		at := k.write(t, topic, batch)
		for i, r := range batch.Records {
			w := given{Offset: at + int64(i), Key: r.Key, Value: r.Value, Timestamp: batch.FirstTimestamp.Add(r.TimestampDelta)}
			for _, h := range r.Headers {
				w.Headers = append(w.Headers, bridge.Header{Key: string(h.Key), Value: h.Value})
			}
			want = append(want, w)
		}
	}
	for _, timestamps := range [][]int64{{year9999}, {0, year9999, now.UnixMilli(), year9999}, {-1, 0, year9999}, {1, -1}} {
		at := k.writeAt(t, topic, timestamps...)
		for i, ms := range timestamps {
			w := given{Offset: at + int64(i)}
			if ms >= 0 {
				w.Timestamp = time.UnixMilli(ms)
			}
			want = append(want, w)
		}
	}
	checkGiven(t, k, topic, want)
}

// The broker's time counts where the topic says so, for all records of a batch.
func testLogAppendTime(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1, "message.timestamp.type", "LogAppendTime")
	year2200 := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	begin := time.Now().Truncate(time.Millisecond)
	k.write(t, topic, &sarama.RecordBatch{FirstTimestamp: year2200, MaxTimestamp: year2200, Records: []*sarama.Record{{}, {}}})
	end := time.Now()
	j := newJournal()
	embed(t, j.settings(t, k, topic, nil))
	j.untilDone(t, 2)
	for _, job := range j.started {
		if job.Timestamp.Before(begin) || job.Timestamp.After(end) {
			t.Errorf("%s has timestamp %v, appended between %v and %v", job.String(), job.Timestamp, begin, end)
		}
	}
}

func testCodecs(t *testing.T, k *kafka) {
	codecs := map[string]sarama.CompressionCodec{
		"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
		"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
	}
	const each = 50
	mixed := topicOf(t)
	k.create(t, mixed, 1)
	expected := map[string][]given{}
	now := time.UnixMilli(time.Now().UnixMilli())
	for round := range 3 {
		for _, name := range slices.Sorted(maps.Keys(codecs)) {
			topic := mixed + "." + name
			if round == 0 {
				k.create(t, topic, 1)
			}
			for _, topic := range []string{topic, mixed} {
				batch := &sarama.RecordBatch{Codec: codecs[name], CompressionLevel: sarama.CompressionLevelDefault, FirstTimestamp: now, MaxTimestamp: now}
				for i := range each {
					value := strings.Repeat(fmt.Sprint(name, round, i), 100)
					batch.Records = append(batch.Records, &sarama.Record{Key: fmt.Append(nil, i), Value: []byte(value)})
				}
				at := k.write(t, topic, batch)
				for i, r := range batch.Records {
					expected[topic] = append(expected[topic], given{Offset: at + int64(i), Key: r.Key, Value: r.Value, Timestamp: now})
				}
			}
		}
	}
	for topic, want := range expected {
		t.Run(topic[strings.LastIndexByte(topic, '.')+1:], func(t *testing.T) {
			t.Parallel()
			checkGiven(t, k, topic, want)
		})
	}
}

// Records larger than a fetch asks for, larger than a whole answer may be, and
// ones that are large only when decompressed.
func testLargeRecords(t *testing.T, k *kafka) {
	topic := topicOf(t)
	const most = 40 << 20
	k.create(t, topic, 1, "max.message.bytes", fmt.Sprint(most))
	now := time.UnixMilli(time.Now().UnixMilli())
	var want []given
	write := func(codec sarama.CompressionCodec, sizes ...int) {
		t.Helper()
		batch := &sarama.RecordBatch{Codec: codec, CompressionLevel: sarama.CompressionLevelDefault, FirstTimestamp: now, MaxTimestamp: now}
		for _, size := range sizes {
			batch.Records = append(batch.Records, &sarama.Record{Key: fmt.Append(nil, size), Value: bytes.Repeat([]byte("0123456789abcdef"), size/16)})
		}
		at := k.write(t, topic, batch)
		for i, r := range batch.Records {
			want = append(want, given{Offset: at + int64(i), Key: r.Key, Value: r.Value, Timestamp: now})
		}
	}
	const overhead = 61 + 30 // of a batch and of one record
	write(sarama.CompressionNone, 16)
	write(sarama.CompressionNone, 1<<20)
	write(sarama.CompressionNone, 1<<20, 1<<20, 1<<20)
	write(sarama.CompressionNone, 17<<20)
	write(sarama.CompressionNone, (most-overhead)/16*16)
	write(sarama.CompressionZSTD, 32<<20)
	write(sarama.CompressionNone, 32)
	checkGiven(t, k, topic, want)
}

// A batch for each record, some of them idempotent.
func testTinyBatches(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1)
	const each = 2500
	for _, change := range []func(*sarama.Config){idempotent, func(*sarama.Config) {}} {
		p := k.producer(t, func(conf *sarama.Config) {
			change(conf)
			conf.Producer.Flush.MaxMessages = 1
		})
		messages := make([]*sarama.ProducerMessage, each)
		for i := range messages {
			messages[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(fmt.Sprint(i % 100))}
		}
		if err := p.SendMessages(messages); err != nil {
			t.Fatal(err)
		}
	}
	j := newJournal()
	cfg := j.settings(t, k, topic, nil)
	embed(t, cfg)
	k.waitCommitted(t, cfg.Group, topic)
	done := j.untilDone(t, 2*each)
	for i, offset := range done {
		if offset != int64(i) {
			t.Fatalf("%d jobs are done, and in place of @%d there is @%d", len(done), i, offset)
		}
	}
}
