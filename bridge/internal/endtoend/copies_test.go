package endtoend

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Every order is given up, every charge has a result.
const giveUpOrders = `#!/bin/sh
read -r value
[ "$HOLDFAST_JOB_TOPIC" = orders ] && { echo "account locked" >&2; exit 65; }
sleep 0.02
echo "charged $value"
`

const copyingConfig = `
kafka: {brokers: [%s], group: %s}
data_dir: ./data
workers: 16
topics:
  orders:
    on_failure: bury
    dead_letter: {topic: orders.dead, guard: {bucket: none}}
  charges:
    produce: {topic: charged, from: stdout, origin_headers: true}
handler:
  exec: {command: [./charge.sh]}
`

// The topic of dead letters is not there, then the broker is not, and holdfast
// is killed in either. Every dead letter arrives, those of a partition in the
// order of their burials; and so does every result.
func TestCopiesThroughOutagesAndKills(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	k.create(t, "orders", 4)
	k.create(t, "charges", 2)
	k.create(t, "charged", 3)
	s := newSite(t)
	s.write(t, "charge.sh", giveUpOrders)
	s.write(t, "holdfast.yaml", fmt.Sprintf(copyingConfig, k.Addr(), group))
	write := func(n int) {
		k.produce(t, numbered("orders", 4, n)...)
		k.produce(t, numbered("charges", 2, n/2)...)
	}

	write(100)
	first := s.run(t)
	until(t, func() (bool, any) {
		offsets, err := k.committed(group, "orders")
		total := int64(0)
		for _, offset := range offsets {
			total += offset
		}
		return err == nil && total > 100, total
	}, "burials go on without the topic")
	s.kill(t, first)

	second := s.run(t)
	write(50)
	k.waitCommitted(t, group, "orders")
	k.waitCommitted(t, group, "charges")
	if n := strings.Count(s.read(t, "bridge.log"), "dead letters cannot be copied"); n < 1 || n > 2 {
		t.Errorf("the outage was told of %d times in two lives", n)
	}
	write(50)
	k.Kill(t)
	time.Sleep(2 * time.Second) // a part of what was begun goes on without a broker
	s.kill(t, second)
	k.Restart(t)
	k.create(t, "orders.dead", 3)

	third := s.run(t)
	k.waitCommitted(t, group, "orders")
	k.waitCommitted(t, group, "charges")
	until(t, func() (bool, any) {
		n := len(firsts(k.read(t, "orders.dead")))
		return n == 800, n
	}, "800 dead letters arrive")
	s.stop(t, third)

	checkBurials(t, firsts(k.read(t, "orders.dead")))
	results := firsts(k.read(t, "charged"))
	if len(results) != 200 {
		t.Errorf("%d results arrived, want 200", len(results))
	}
	for _, r := range results {
		if !strings.HasPrefix(string(r.Value), "charged ") || headerOf(r, bridge.HeaderTopic) != "charges" {
			t.Errorf("a result is %q with %s", r.Value, headerOf(r, bridge.HeaderTopic))
		}
	}
	if t.Failed() {
		t.Logf("end of the bridge's log:\n%s", s.logTail())
	}
}

// checkBurials checks that of each source partition those in a target stand in
// the order of their burials, and each key's in that of its jobs.
func checkBurials(t *testing.T, copies []*sarama.ConsumerMessage) {
	t.Helper()
	burials, offsets := make(map[string]int), make(map[string]int64)
	for _, c := range copies {
		source := headerOf(c, bridge.HeaderPartition)
		number, err := strconv.Atoi(headerOf(c, bridge.HeaderBurial))
		if err != nil {
			t.Fatal(err)
		}
		offset, err := strconv.ParseInt(headerOf(c, bridge.HeaderOffset), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		way := fmt.Sprintf("%s to %d", source, c.Partition)
		if number < burials[way] {
			t.Errorf("from partition %s: burial %d comes after %d", way, number, burials[way])
		}
		lane := source + " " + string(c.Key)
		if before, seen := offsets[lane]; seen && before > offset {
			t.Errorf("partition and key %s: @%d comes after @%d", lane, offset, before)
		}
		burials[way], offsets[lane] = number, offset
		if text := headerOf(c, bridge.HeaderError); !strings.Contains(text, "account locked") || headerOf(c, bridge.HeaderAttempts) != "1" {
			t.Errorf("@%d: attempt %s, %s", offset, headerOf(c, bridge.HeaderAttempts), text)
		}
	}
}

// headerOf is the last one of its name.
func headerOf(m *sarama.ConsumerMessage, name string) (value string) {
	for _, h := range m.Headers {
		if string(h.Key) == name {
			value = string(h.Value)
		}
	}
	return value
}

// firsts leaves repeats out, as a consumer does.
func firsts(all []*sarama.ConsumerMessage) (first []*sarama.ConsumerMessage) {
	seen := make(map[string]bool)
	for _, m := range all {
		id := headerOf(m, bridge.HeaderID) + " " + headerOf(m, bridge.HeaderIndex)
		if !seen[id] {
			seen[id] = true
			first = append(first, m)
		}
	}
	return first
}

// read returns what a topic holds, each partition in its order.
func (k *kafka) read(t *testing.T, topic string) (all []*sarama.ConsumerMessage) {
	t.Helper()
	consumer, err := sarama.NewConsumerFromClient(k.client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	for p, end := range k.ends(t, topic) {
		if end == 0 {
			continue
		}
		stream, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		for m := range stream.Messages() {
			all = append(all, m)
			if m.Offset == end-1 {
				break
			}
		}
		_ = stream.Close()
	}
	return all
}
