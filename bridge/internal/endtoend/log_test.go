package endtoend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// deleteBelow moves the start of partition 0's log, as retention does.
func (k *kafka) deleteBelow(t *testing.T, topic string, offset int64) {
	t.Helper()
	if err := k.admin.DeleteRecords(topic, map[int32]int64{0: offset}); err != nil {
		t.Fatal(err)
	}
}

func checkHeld(t *testing.T, j *journal, texts ...string) {
	t.Helper()
	says(t, j.untilHeld(t), texts...)
}

func says(t *testing.T, held error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(held.Error(), text) {
			t.Errorf("held because %q, want %q", held, text)
		}
	}
}

// What retention deleted is run from the store.
func testRetentionBehindTheStore(t *testing.T, k *kafka) {
	topic := topicOf(t)
	cfg := unfinished(t, k, topic)
	k.deleteBelow(t, topic, 20)
	j, _ := goOn(t, cfg)
	k.produce(t, numbered(topic, 1, 2)...)
	k.waitCommitted(t, cfg.Group, topic)
	check(t, "after", j.untilDone(t, 10), 10, 11, 13, 15, 16, 17, 18, 19, 20, 21)
}

// What retention deleted before it was stored is lost, and said.
func testRetentionBeyondTheStore(t *testing.T, k *kafka) {
	topic := topicOf(t)
	cfg := unfinished(t, k, topic)
	k.produce(t, numbered(topic, 1, 10)...)
	k.deleteBelow(t, topic, 25)
	j, b := goOn(t, cfg)
	checkHeld(t, j, "retention deleted offsets 20 to 24 before they were stored (the log holds 25 to 30)",
		"forget what is stored too (skips at most 13, runs again nothing): holdfast seek --offset 25")
	b.mustStop(t)
	k.resetOffset(t, cfg.Group, topic, 25)
	j, _ = goOn(t, cfg, follow)
	k.waitCommitted(t, cfg.Group, topic)
	check(t, "after", j.untilDone(t, 5), 25, 26, 27, 28, 29)
}

// The same while the bridge runs and has not come so far: what it has stored
// goes on.
func testRetentionOvertakesABridge(t *testing.T, k *kafka) {
	const records, left = 60_000, 59_000
	topic := topicOf(t)
	k.create(t, topic, 1)
	messages := make([]*sarama.ProducerMessage, records)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, 100))}
	}
	k.produce(t, messages...)
	release := make(chan struct{})
	j := newJournal()
	cfg := j.settings(t, k, topic, func(ctx context.Context, _ *bridge.Job) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	next := int64(0) // guarded by j
	cfg.Hooks.Stored = func(s bridge.Stored) { j.note(func() { next = s.Last + 1 }) }
	embed(t, cfg)
	j.until(t, "as much stored as is looked ahead", func() bool { return next > 8192 })
	k.deleteBelow(t, topic, left)
	close(release)
	checkHeld(t, j, "to 58999 before they were stored (the log holds 59000 to 60000)")
	j.until(t, "all done that is stored", func() bool { return int64(len(j.done)) == next })
	until(t, func() (bool, any) {
		offsets, err := k.committed(cfg.Group, topic)
		return offsets[0] == next, err
	}, "what was stored is committed")
}

// recreate deletes the topic and creates it anew.
func (k *kafka) recreate(t *testing.T, topic string, partitions int32) {
	t.Helper()
	if err := k.admin.DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	until(t, func() (bool, any) {
		err := k.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
		return err == nil, err
	}, "topic %s is created anew", topic)
}

// A topic deleted and created anew has other records under the same offsets.
// The partition is held, and the remedy that is told leads on.
func testRecreatedWhileStopped(t *testing.T, k *kafka) {
	topic := topicOf(t)
	cfg := unfinished(t, k, topic)
	k.recreate(t, topic, 1)
	k.produce(t, numbered(topic, 1, 30)...)
	j, b := goOn(t, cfg)
	checkHeld(t, j, "the topic was deleted and created anew: its id was ", "and 8 jobs of the old one are unfinished (the log holds 0 to 30)",
		"forget the old topic's jobs (skips", "holdfast seek --offset 0")
	b.mustStop(t)

	if len(j.started) > 0 {
		t.Errorf("while it was held, %d jobs ran", len(j.started))
	}
	cfg.DataDir = t.TempDir() // with the topic, Kafka forgot the group's offset
	j, _ = goOn(t, cfg)
	k.waitCommitted(t, cfg.Group, topic)
	var want []int64
	for at := range int64(30) {
		want = append(want, at)
	}
	check(t, "after", j.untilDone(t, 30), want...)
}

// The same while the bridge runs; its other topic goes on. Where the new topic
// is soon longer than the old one was, Kafka gives no sign, and the watch of the
// topics finds it.
func testRecreatedWhileRunning(t *testing.T, k *kafka) {
	for name, records := range map[string]int{"shorter": 5, "longer": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := topicOf(t)
			other := topic + ".other"
			k.create(t, topic, 1)
			k.create(t, other, 1)
			j := newJournal()
			cfg := j.settings(t, k, topic, nil)
			cfg.Topics = append(cfg.Topics, bridge.Topic{Name: other, Handler: j.handler(nil)})
			embed(t, cfg)
			k.produce(t, numbered(topic, 1, 20)...)
			k.waitCommitted(t, cfg.Group, topic)
			k.recreate(t, topic, 1)
			k.produce(t, numbered(topic, 1, records)...)
			checkHeld(t, j, "the topic was deleted and created anew: its id was ")
			k.produce(t, numbered(other, 1, 10)...)
			k.waitCommitted(t, cfg.Group, other)
			j.untilDone(t, 30)
		})
	}
}

// A log that was cut off below what is stored, and written on, has other
// records under the same offsets. The broker has to be down to cut it.
func TestLogCutOff(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	cut := func(t *testing.T, written int) (bridge.Config, error) {
		t.Helper()
		topic := topicOf(t)
		cfg := unfinished(t, k, topic)
		k.Kill(t)
		k.CutLog(t, topic, 0, 10)
		k.Restart(t)
		k.produce(t, numbered(topic, 1, written)...)
		j, b := goOn(t, cfg)
		held := j.untilHeld(t)
		b.mustStop(t)
		if len(j.started) > 0 {
			t.Errorf("while it was held, %d jobs ran", len(j.started))
		}
		return cfg, held
	}
	t.Run("shorter", func(t *testing.T) {
		_, held := cut(t, 5)
		says(t, held, "the next offset to fetch, 20, is above the log's end: the log was cut off or the topic created anew (the log holds 0 to 15)")
	})
	t.Run("longer", func(t *testing.T) {
		cfg, held := cut(t, 15)
		says(t, held, "the record at offset 19 is not the one that is stored: the log was cut off and written anew (the log holds 0 to 25)",
			"forget what is stored (skips at most 18, runs again at most 10): holdfast seek --offset 10")
		k.resetOffset(t, cfg.Group, cfg.Topics[0].Name, 10)
		cfg.DataDir = t.TempDir()
		j, _ := goOn(t, cfg)
		k.waitCommitted(t, cfg.Group, cfg.Topics[0].Name)
		check(t, "after", j.untilDone(t, 15), 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)
	})
}

// Compaction leaves gaps, also behind what a bridge has stored and at the end
// of the log, where nothing is left to be delivered.
func testCompaction(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1, "cleanup.policy", "compact", "segment.ms", "60000", "min.cleanable.dirty.ratio", "0.001", "delete.retention.ms", "0")
	plain := k.producer(t, idempotent)
	aborted := k.transactional(t, "")
	at := time.Now().Add(-24 * time.Hour)
	// wave writes a batch into a segment of its own, since it is minutes later.
	// A key with a minus is deleted.
	wave := func(p sarama.SyncProducer, keys ...string) {
		t.Helper()
		at = at.Add(2 * time.Minute)
		messages := make([]*sarama.ProducerMessage, len(keys))
		for i, key := range keys {
			key, deleted := strings.CutPrefix(key, "-")
			messages[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Timestamp: at}
			if !deleted {
				messages[i].Value = sarama.StringEncoder("v")
			}
		}
		if err := p.SendMessages(messages); err != nil {
			t.Fatal(err)
		}
	}
	abort := func() {
		t.Helper()
		aborted.begin(t, topic, 0, 0)
		wave(aborted, "a", "b")
		aborted.end(t, false)
		at = time.Now() // of the marker
	}
	wave(plain, "a", "b", "c", "d", "e") // 0-4: d stays
	wave(plain, "a", "f", "b", "g", "c") // 5-9: f stays

	early := newJournal()
	cfg := early.settings(t, k, topic, nil)
	b := embed(t, cfg)
	k.waitCommitted(t, cfg.Group, topic)
	b.mustStop(t) // at 10, in the middle of what is compacted

	wave(plain, "a", "b", "c", "e", "a") // 10-14
	wave(plain, "-a", "-b", "-c", "-e")  // 15-18
	wave(plain, "g", "-a")               // 19-20: g stays
	abort()                              // 21-22, marker 23
	values := []int64{3, 6, 19}
	k.untilVisible(t, topic, values, 15, 16, 17, 18, 20)
	abort() // deleted keys go with the second round
	k.untilVisible(t, topic, values)

	fresh := newJournal()
	anew := fresh.settings(t, k, topic, nil)
	anew.Group += ".fresh"
	embed(t, anew)
	b = embed(t, cfg)
	k.waitCommitted(t, anew.Group, topic)
	k.waitCommitted(t, cfg.Group, topic)
	check(t, "from the start", fresh.untilDone(t, 3), 3, 6, 19)
	check(t, "from the middle", early.untilDone(t, 11), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 19)
	if refused := requeueAll(t, b, topic, 24); len(refused) != 1 || refused[0].Count != 21 || !strings.Contains(refused[0].Reason, "compacted away") {
		t.Errorf("refused are %+v", refused)
	}
	check(t, "again", early.untilDone(t, 14), 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 19, 19)
}

// untilVisible waits until the log holds these records, and no others but some
// that may have gone.
func (k *kafka) untilVisible(t *testing.T, topic string, want []int64, going ...int64) {
	t.Helper()
	until(t, func() (bool, any) {
		got, err := k.visible(topic)
		left := slices.DeleteFunc(slices.Clone(got), func(offset int64) bool { return slices.Contains(going, offset) })
		return slices.Equal(left, want), fmt.Sprint(got, err)
	}, "%s holds %v", topic, want)
}

// visible are the offsets of partition 0 that belong to no transaction. Each is
// asked for by itself: while the broker puts compacted segments into place, those
// that go are still read by whoever begins in the middle.
func (k *kafka) visible(topic string) (offsets []int64, err error) {
	leader, err := k.client.Leader(topic, 0)
	if err != nil {
		return nil, err
	}
	for at, end := int64(0), int64(1); at < end; at++ {
		request := &sarama.FetchRequest{Version: 11, MaxWaitTime: 1, MaxBytes: 1 << 20, SessionEpoch: -1}
		request.AddBlock(topic, 0, at, 1<<20, -1)
		answer, err := leader.Fetch(request)
		if err != nil {
			return nil, err
		}
		block := answer.GetBlock(topic, 0)
		if block == nil || block.Err != sarama.ErrNoError {
			return nil, fmt.Errorf("fetch from %d on: %+v", at, block)
		}
		end = block.HighWaterMarkOffset
		for _, set := range block.RecordsSet {
			batch := set.RecordBatch
			for _, r := range batch.Records {
				if batch.FirstOffset+r.OffsetDelta == at && !batch.IsTransactional {
					offsets = append(offsets, at)
				}
			}
		}
	}
	return offsets, nil
}
