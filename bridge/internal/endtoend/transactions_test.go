package endtoend

import (
	"slices"
	"testing"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Two bridges read the same log, of which one is given only what was committed.
func testTransactions(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 2)
	committed, uncommitted := newJournal(), newJournal()
	careful := committed.settings(t, k, topic, nil)
	careless := uncommitted.settings(t, k, topic, nil)
	careless.Group += ".uncommitted"
	careless.ReadUncommitted = true
	first := embed(t, careful)
	embed(t, careless)
	a, b := k.transactional(t, "a"), k.transactional(t, "b")

	// Markers between records, an aborted batch, and a tail of one.
	a.transaction(t, topic, 0, 3, true)  // 0-2, marker 3
	a.transaction(t, topic, 0, 2, false) // 4-5, marker 6
	k.produce(t, &sarama.ProducerMessage{Topic: topic})
	a.transaction(t, topic, 0, 1, true)  // 8, marker 9
	a.transaction(t, topic, 0, 3, false) // 10-12, marker 13
	b.transaction(t, topic, 1, 1, true)  // a commit for waitCommitted
	k.waitCommitted(t, careful.Group, topic)
	k.waitCommitted(t, careless.Group, topic)
	check(t, "committed", committed.untilDone(t, 6), 0, 0, 1, 2, 7, 8)
	check(t, "uncommitted", uncommitted.untilDone(t, 11), 0, 0, 1, 2, 4, 5, 7, 8, 10, 11, 12)

	// A tail of nothing but markers.
	a.begin(t, topic, 0, 1) // 14
	b.begin(t, topic, 0, 1) // 15
	a.end(t, true)          // 16
	b.end(t, true)          // 17
	k.waitCommitted(t, careful.Group, topic)
	k.waitCommitted(t, careless.Group, topic)

	// Nothing beyond an open transaction is given or stepped over, also by a
	// bridge that starts on it. The other partition tells that there was time.
	a.begin(t, topic, 0, 2)                             // 18-19
	k.produce(t, &sarama.ProducerMessage{Topic: topic}) // 20
	b.transaction(t, topic, 0, 3, false)                // 21-23, marker 24
	uncommitted.untilDone(t, 19)
	for end := int64(4); end <= 6; end += 2 {
		b.transaction(t, topic, 1, 1, true)
		until(t, func() (bool, any) {
			offsets, err := k.committed(careful.Group, topic)
			if offsets[0] != 18 {
				t.Fatalf("committed %d while a transaction is open at 18", offsets[0])
			}
			return offsets[1] == end, err
		}, "the other partition's markers are stepped over")
		first.mustStop(t)
		first = embed(t, careful)
	}
	a.end(t, true) // 25
	k.waitCommitted(t, careful.Group, topic)
	check(t, "committed in the end", committed.untilDone(t, 13), 0, 0, 1, 2, 2, 4, 7, 8, 14, 15, 18, 19, 20)
	requeueAll(t, first, topic, 26)
	check(t, "committed and requeued", committed.untilDone(t, 23), 0, 0, 0, 1, 1, 2, 2, 2, 4, 7, 7, 8, 8, 14, 14, 15, 15, 18, 18, 19, 19, 20, 20)
}

// requeueAll runs again what Kafka still has of the first offsets of partition 0.
func requeueAll(t *testing.T, b *embedded, topic string, end int64) (refused []inspect.Group) {
	t.Helper()
	c := inspect.Command{Verb: inspect.Requeue, FromKafka: true, Select: inspect.Query{Topic: topic, Partitions: []int32{0}}}
	for offset := range end {
		c.Select.Offsets = append(c.Select.Offsets, offset)
	}
	plan, err := b.Inspector().Plan(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	op, err := b.Inspector().Execute(t.Context(), plan)
	if err != nil || len(op.Done) != len(plan.Again) {
		t.Fatalf("%d of %d are requeued, refused are %+v: %v", len(op.Done), len(plan.Again), op.Refused, err)
	}
	return plan.Refused
}

// Of two aborted transactions the one that began last ends first.
func testInterleavedAborts(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1)
	a, b := k.transactional(t, "a"), k.transactional(t, "b")
	for range 2 { // also a second time, beside older ones
		a.begin(t, topic, 0, 2)
		b.begin(t, topic, 0, 2)
		b.end(t, false)
		a.end(t, false)
	}
	j := newJournal()
	cfg := j.settings(t, k, topic, nil)
	embed(t, cfg)
	k.waitCommitted(t, cfg.Group, topic)
	check(t, "aborted transactions", j.untilDone(t, 0))
}

// A long aborted transaction takes several looks to step over.
func testLongAbortedTail(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1)
	p := k.transactional(t, "a")
	p.begin(t, topic, 0, 1)
	for range 80 { // 20 MiB
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, 256<<10))}); err != nil {
			t.Fatal(err)
		}
	}
	p.end(t, false)
	j := newJournal()
	cfg := j.settings(t, k, topic, nil)
	embed(t, cfg)
	k.waitCommitted(t, cfg.Group, topic)
	check(t, "an aborted transaction", j.untilDone(t, 0))
}

// check compares the offsets of jobs.
func check(t *testing.T, what string, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: offsets %v were done, want %v", what, got, want)
	}
}
