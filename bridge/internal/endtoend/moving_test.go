package endtoend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// plain is a member of a group that is no holdfast: sarama's own, on range.
type plain struct {
	*ledger
	stop func()
}

func (k *kafka) plain(t *testing.T, group, topic string, l *ledger) *plain {
	t.Helper()
	conf := *k.client.Config()
	conf.Consumer.Offsets.Initial = sarama.OffsetOldest
	conf.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	conf.Consumer.Group.Session.Timeout, conf.Consumer.Group.Heartbeat.Interval = session, session/6
	conf.Consumer.Group.Rebalance.Timeout = rebalance
	member, err := sarama.NewConsumerGroup([]string{k.Addr()}, group, &conf)
	if err != nil {
		t.Fatal(err)
	}
	p := &plain{ledger: l}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if err := member.Consume(ctx, []string{topic}, p); err != nil && !errors.Is(err, sarama.ErrClosedConsumerGroup) {
				t.Logf("plain consumer: %v", err) // and joins again
			}
		}
	}()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		if err := member.Close(); err != nil {
			t.Errorf("close the plain consumer: %v", err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

func (p *plain) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (p *plain) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (p *plain) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case <-session.Context().Done():
			return nil
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			p.handled(m.Topic, m.Partition, m.Offset)
			session.MarkMessage(m, "")
		}
	}
}

// replacing are the settings of a bridge that joins a group of consumers on
// range.
func (k *kafka) replacing(t *testing.T, topic string, l *ledger) bridge.Config {
	t.Helper()
	cfg := k.leaving(t, topic, l)
	cfg.Assignors = []string{"cooperative-sticky", "range"}
	cfg.OnExternalReset = bridge.ResetFollow
	return cfg
}

// testMovingInFromSarama replaces three plain consumers one at a time.
func testMovingInFromSarama(t *testing.T, k *kafka) {
	const partitions, members = 6, 3
	topic, l := topicOf(t), newLedger(never)
	k.create(t, topic, partitions)
	records := k.load(t, topic, partitions)
	var leave []func()
	for range members {
		leave = append(leave, k.plain(t, topic, topic, l).stop)
	}
	k.waitMembers(t, topic, members)
	k.moveIn(t, topic, l, leave)
	records.stop()
	k.settle(t, topic, l, int(records.written.Load()))
}

// testMovingInFromJava replaces two of Kafka's own consumers.
func testMovingInFromJava(t *testing.T, k *kafka) {
	const partitions = 6
	topic, l := topicOf(t), newLedger(never)
	k.create(t, topic, partitions)
	records := k.load(t, topic, partitions)
	var leave []func()
	for range 2 {
		c := k.Consume(t, topic, topic)
		c.Wait(t, 1)
		leave = append(leave, func() {
			c.Stop(t)
			for _, record := range c.Consumed(t) {
				l.printed(t, topic, record)
			}
		})
	}
	k.moveIn(t, topic, l, leave)
	records.stop()
	k.settle(t, topic, l, int(records.written.Load()))
}

// printed is what the console consumer prints of a record.
func (l *ledger) printed(t *testing.T, topic, record string) {
	t.Helper()
	var p int32
	var offset int64
	if _, err := fmt.Sscanf(record, "Partition:%d\tOffset:%d", &p, &offset); err != nil {
		t.Fatalf("%q: %v", record, err)
	}
	l.handled(topic, p, offset)
}

// moveIn replaces the consumers that leave one by one by a bridge each, and
// then takes range out of the bridges' settings.
func (k *kafka) moveIn(t *testing.T, topic string, l *ledger, leave []func()) {
	t.Helper()
	more := func() {
		t.Helper()
		done, _ := l.count()
		l.waitDone(t, done+500)
	}
	settings := make([]bridge.Config, len(leave))
	bridges := make([]*embedded, len(leave))
	for i, stop := range leave {
		stop()
		settings[i] = k.replacing(t, topic, l)
		bridges[i] = embed(t, settings[i])
		k.waitMembers(t, topic, len(leave))
		more()
	}
	k.wantProtocol(t, topic, "cooperative-sticky")
	for i, b := range bridges {
		b.mustStop(t)
		settings[i].Assignors, settings[i].OnExternalReset = nil, bridge.ResetStop
		embed(t, settings[i])
		k.waitMembers(t, topic, len(leave))
		more()
	}
}

// wantProtocol waits until the members assign by this.
func (k *kafka) wantProtocol(t *testing.T, group, protocol string) {
	t.Helper()
	until(t, func() (bool, any) {
		groups, err := k.admin.DescribeConsumerGroups([]string{group})
		if err != nil {
			return false, err
		}
		return groups[0].State == "Stable" && groups[0].Protocol == protocol, groups[0].Protocol
	}, "group %s assigns by %s", group, protocol)
}

// settle waits for the end of all work: nothing is lost. What had been finished
// ahead runs again where a plain consumer got the partition once more, since it
// reads no metadata.
func (k *kafka) settle(t *testing.T, topic string, l *ledger, produced int) {
	t.Helper()
	k.waitCommitted(t, topic, topic)
	done, again := l.count()
	t.Logf("%d records, %d handled again while the members were replaced", produced, again)
	if done != produced {
		t.Errorf("%d of %d records were handled", done, produced)
	}
}

// finishAndLeave lets a bridge work off the topic and stop as planned.
func (k *kafka) finishAndLeave(t *testing.T, topic string, l *ledger, n int) {
	t.Helper()
	k.produce(t, numbered(topic, 3, n)...)
	b := embed(t, k.leaving(t, topic, l))
	k.waitCommitted(t, topic, topic)
	b.mustStop(t)
	k.produce(t, numbered(topic, 3, n)...)
}

// testMovingOutToSarama goes on with a plain consumer of the same group: nothing
// is lost, nothing handled twice.
func testMovingOutToSarama(t *testing.T, k *kafka) {
	topic, l := topicOf(t), newLedger(never)
	k.create(t, topic, 3)
	k.finishAndLeave(t, topic, l, 200)
	k.plain(t, topic, topic, l)
	k.waitCommitted(t, topic, topic)
	l.checkOnce(t, 2*3*200)
}

// testMovingOutToJava is the same with Kafka's own consumer.
func testMovingOutToJava(t *testing.T, k *kafka) {
	topic, l := topicOf(t), newLedger(never)
	k.create(t, topic, 3)
	k.finishAndLeave(t, topic, l, 200)
	c := k.Consume(t, topic, topic)
	c.Wait(t, 3*200)
	c.Stop(t)
	for _, record := range c.Consumed(t) {
		l.printed(t, topic, record)
	}
	l.checkOnce(t, 2*3*200)
	k.waitCommitted(t, topic, topic)
}

// testForeignMetadata begins at the offset of a consumer that commits metadata
// of its own, and says so.
func testForeignMetadata(t *testing.T, k *kafka) {
	topic, l := topicOf(t), newLedger(never)
	k.create(t, topic, 1)
	k.produce(t, numbered(topic, 1, 30)...)
	offsets, err := sarama.NewOffsetManagerFromClient(topic, k.client)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := offsets.ManagePartition(topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	manager.MarkOffset(12, "consumer-1@host")
	offsets.Commit()
	if err := errors.Join(manager.Close(), offsets.Close()); err != nil {
		t.Fatal(err)
	}
	cfg := k.leaving(t, topic, l)
	said := listen(t, &cfg, "metadata of another program, \\\"consumer-1@host\\\"")
	embed(t, cfg)
	<-said
	k.waitCommitted(t, topic, topic)
	l.checkOnce(t, 30-12)
}

// testPartitionerChanges: what is done stays done when the next owner, and then
// the first one again, forms other lanes.
func testPartitionerChanges(t *testing.T, k *kafka) {
	topic := topicOf(t)
	l := newLedger(func(job *bridge.Job) bool { return job.Offset < 3 })
	k.create(t, topic, 2)
	k.produce(t, numbered(topic, 2, 500)...)
	first, second := k.leaving(t, topic, l), k.leaving(t, topic, l)
	a := embed(t, first)
	l.waitDone(t, 2*(500-3*5)) // five records of each stuck key
	a.mustStop(t)

	second.Topics[0].Partitioner = partitioner.Scheme{Ordering: partitioner.OrderNone}
	b := embed(t, second)
	l.waitDone(t, 2*(500-3)) // the keys hold up nothing any more
	b.mustStop(t)

	first.Topics[0].Partitioner = partitioner.Scheme{Lanes: 7}
	embed(t, first)
	l.free.Store(true)
	k.waitCommitted(t, topic, topic)
	l.checkOnce(t, 2*500)
}
