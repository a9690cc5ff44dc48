package endtoend

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
)

// unfinished leaves a store with 20 records of partition 0, of which all below
// 10 are done, 12 and 14 done ahead, and nobody in the group.
func unfinished(t *testing.T, k *kafka, topic string) bridge.Config {
	t.Helper()
	k.create(t, topic, 1)
	for range 2 { // batches
		k.produce(t, numbered(topic, 1, 10)...)
	}
	j := newJournal()
	cfg := j.settings(t, k, topic, func(ctx context.Context, job *bridge.Job) error {
		if job.Offset < 10 || job.Offset == 12 || job.Offset == 14 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
	cfg.InstanceID, cfg.LeaveOnStop = "", true
	cfg.Workers = 20
	cfg.StopWithin = -1
	b := embed(t, cfg)
	j.until(t, "all started", func() bool { return len(j.started) == 20 })
	check(t, "before", j.untilDone(t, 12), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14)
	b.mustStop(t)
	if offsets, err := k.committed(cfg.Group, topic); offsets[0] != 10 {
		t.Fatalf("committed %v, %v", offsets, err)
	}
	return cfg
}

// goOn runs the bridge of cfg again, with every job done at once.
func goOn(t *testing.T, cfg bridge.Config, change ...func(*bridge.Config)) (*journal, *embedded) {
	t.Helper()
	j := newJournal()
	cfg.Topics = slices.Clone(cfg.Topics)
	cfg.Topics[0].Handler = j.handler(nil)
	cfg.Hooks, cfg.Logger = j.hooks(), j.logger()
	for _, f := range change {
		f(&cfg)
	}
	return j, embed(t, cfg)
}

func follow(cfg *bridge.Config) { cfg.OnExternalReset = bridge.ResetFollow }

// resetOffset sets the group's offset with the broker's own tool.
func (k *kafka) resetOffset(t *testing.T, group, topic string, to int64) {
	t.Helper()
	k.Tool(t, apache.ConsumerGroupCommand, "--group", group, "--topic", topic+":0",
		"--reset-offsets", "--to-offset", strconv.FormatInt(to, 10), "--execute")
}

// An operator sets the group's offset. The bridge holds the partition and says
// what each choice would do, and does what is then chosen.
func testResetOffsets(t *testing.T, k *kafka) {
	for name, tt := range map[string]struct {
		to   int64
		says []string
		then func(*testing.T, bridge.Config) // the operator's choice
		with func(*bridge.Config)            // that it is started again with
		ran  []int64
	}{
		"forward": {
			to: 15,
			says: []string{"the committed offset 15 is above this store's frontier 10, with no metadata: somebody set it (the log holds 0 to 20)",
				"follow (skips at most 5, runs again nothing): on_external_reset: follow",
				"keep this store's position (skips nothing, runs again"},
			with: follow,
			ran:  []int64{15, 16, 17, 18, 19},
		},
		"backward": {
			to: 5,
			says: []string{"the committed offset 5 is below offset 10, which Kafka had acknowledged",
				"follow (skips nothing, runs again at most 7): on_external_reset: follow",
				"keep this store's position (skips nothing, runs again nothing): holdfast seek --offset 10"},
			with: follow,
			ran:  []int64{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
		},
		"taken back": {
			to:   15,
			says: []string{"holdfast seek --offset 10"},
			then: func(t *testing.T, cfg bridge.Config) { k.resetOffset(t, cfg.Group, cfg.Topics[0].Name, 10) },
			with: func(*bridge.Config) {},
			ran:  []int64{10, 11, 13, 15, 16, 17, 18, 19},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := topicOf(t)
			cfg := unfinished(t, k, topic)
			k.resetOffset(t, cfg.Group, topic, tt.to)
			j, b := goOn(t, cfg)
			checkHeld(t, j, tt.says...)
			b.mustStop(t)
			if len(j.started) > 0 {
				t.Errorf("while it was held, %d jobs ran", len(j.started))
			}
			if tt.then != nil {
				tt.then(t, cfg)
			}
			j, _ = goOn(t, cfg, tt.with)
			k.waitCommitted(t, cfg.Group, topic)
			check(t, "after", j.untilDone(t, len(tt.ran)), tt.ran...)
		})
	}
}

// Where the group's offset is gone, ours is used, whatever start says.
func testExpiredOffsets(t *testing.T, k *kafka) {
	topic := topicOf(t)
	cfg := unfinished(t, k, topic)
	k.Tool(t, apache.ConsumerGroupCommand, "--group", cfg.Group, "--topic", topic, "--delete-offsets")
	j, _ := goOn(t, cfg, func(cfg *bridge.Config) { cfg.Start.Newest = true })
	j.untilLogged(t, "the group's committed offset is gone, expired or deleted; continuing at this store's 10")
	k.waitCommitted(t, cfg.Group, topic)
	check(t, "after", j.untilDone(t, 8), 10, 11, 13, 15, 16, 17, 18, 19)
}

// A partition without offsets begins where start says.
func testStart(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1, "retention.ms", "-1")
	hour := func(i int) time.Time { return time.UnixMilli(0).Add(time.Duration(i) * time.Hour) }
	write := func(i int) {
		k.produce(t, &sarama.ProducerMessage{Topic: topic, Timestamp: hour(i)})
	}
	for i := range 10 {
		write(i)
	}
	starts := map[string]struct {
		at    bridge.Start
		first int64
	}{
		"oldest":       {bridge.Start{}, 0},
		"newest":       {bridge.Start{Newest: true}, 10},
		"time":         {bridge.Start{Time: hour(5).Add(-time.Minute)}, 5},
		"exact time":   {bridge.Start{Time: hour(5)}, 5},
		"early time":   {bridge.Start{Time: hour(-5)}, 0},
		"time to come": {bridge.Start{Time: hour(50)}, 10},
	}
	journals := make(map[string]*journal)
	for name, tt := range starts {
		j := newJournal()
		cfg := j.settings(t, k, topic, nil)
		cfg.Group += "." + name
		cfg.Start = tt.at
		embed(t, cfg)
		k.waitCommitted(t, cfg.Group, topic) // also where it begins at the end
		journals[name] = j
	}
	write(10)
	for name, tt := range starts {
		var want []int64
		for at := tt.first; at <= 10; at++ {
			want = append(want, at)
		}
		check(t, name, journals[name].untilDone(t, len(want)), want...)
	}
}
