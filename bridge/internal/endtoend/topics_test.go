package endtoend

import (
	"fmt"
	"maps"
	"regexp"
	"testing"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// numbered are n records for each of the partitions, a hundred keys in each.
func numbered(topic string, partitions int32, n int) []*sarama.ProducerMessage {
	var messages []*sarama.ProducerMessage
	for i := range n {
		for p := range partitions {
			messages = append(messages, &sarama.ProducerMessage{
				Topic: topic, Partition: p,
				Key:   sarama.StringEncoder(fmt.Sprintf("key-%d", i%100)),
				Value: sarama.StringEncoder(fmt.Sprint(i)),
			})
		}
	}
	return messages
}

// Each group handles every record and keeps its own offsets.
func testTwoGroups(t *testing.T, k *kafka) {
	const partitions, each = 3, 200
	topic := topicOf(t)
	k.create(t, topic, partitions)
	diaries := map[string]*diary{topic + ".a": newDiary(), topic + ".b": newDiary()}
	bridges := make(map[string]*embedded)
	for group, d := range diaries {
		cfg := k.settings(t, bridge.Topic{Name: topic, Handler: d})
		cfg.Group = group
		bridges[group] = embed(t, cfg)
	}
	k.produce(t, numbered(topic, partitions, each)...)
	for group := range diaries {
		k.waitCommitted(t, group, topic)
	}

	bridges[topic+".a"].mustStop(t)
	k.produce(t, numbered(topic, partitions, each)...)
	k.waitCommitted(t, topic+".b", topic)
	diaries[topic+".a"].checkOnce(t, partitions*each)
	diaries[topic+".b"].checkOnce(t, partitions*each*2)
	if offsets, err := k.committed(topic+".a", topic); err != nil || offsets[0] != each {
		t.Errorf("the group that stopped is at %v, %v", offsets, err)
	}
}

// An empty partition's start is committed at once: without, a new owner with
// another start would begin elsewhere.
func testEmptyTopic(t *testing.T, k *kafka) {
	topic, d := topicOf(t), newDiary()
	k.create(t, topic, 2)
	b := embed(t, k.settings(t, bridge.Topic{Name: topic, Handler: d}))
	until(t, func() (bool, any) {
		offsets, err := k.committed(topic, topic)
		return maps.Equal(offsets, map[int32]int64{0: 0, 1: 0}), fmt.Sprint(offsets, err)
	}, "the start of each empty partition is committed")
	b.mustStop(t)

	cfg := k.settings(t, bridge.Topic{Name: topic, Handler: d})
	cfg.Start.Newest = true
	k.produce(t, numbered(topic, 2, 10)...) // nobody is there
	embed(t, cfg)
	k.waitCommitted(t, topic, topic)
	d.checkOnce(t, 20)
}

// Topics that exist only later are handled from their beginning, whether they
// are named or matched by a pattern.
func testTopicsToCome(t *testing.T, k *kafka) {
	named, matched := topicOf(t)+".named", topicOf(t)+".matched"
	diaries := make(map[string]*diary)
	for topic, selected := range map[string]bridge.Topic{
		named:   {Name: named},
		matched: {Match: regexp.QuoteMeta(topicOf(t)) + `\.m.*`},
	} {
		diaries[topic] = newDiary()
		selected.Handler = diaries[topic]
		cfg := k.settings(t, selected)
		cfg.Group = topic
		heard := listen(t, &cfg, "no topic to subscribe to yet")
		embed(t, cfg)
		<-heard
	}
	for topic := range diaries {
		k.create(t, topic, 2)
		k.produce(t, numbered(topic, 2, 50)...)
	}
	for topic, d := range diaries {
		k.waitCommitted(t, topic, topic)
		d.checkOnce(t, 100)
	}
}
