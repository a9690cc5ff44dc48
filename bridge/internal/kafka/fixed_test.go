package kafka_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func fixed(topic string, partitions ...int32) kafka.Subscription {
	return kafka.Subscription{Fixed: map[string][]int32{topic: partitions}}
}

func TestFixedPartitionsAreTakenWithoutTheGroup(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	joins := broker.Watch(bridgetest.JoinGroup)
	o := newOwner()
	stop := consume(t, dial(t, broker.Addrs()), fixed("orders", 1, 3), o)
	claims := o.take(t, 2)
	for _, name := range []string{"orders/1", "orders/3"} {
		h := claims[name]
		if h == nil || !h.Fixed || h.TopicID != broker.TopicID("orders") {
			t.Fatalf("taken: %v", claims)
		}
		if h.Lease().Before(time.Now().AddDate(100, 0, 0)) {
			t.Errorf("%s: a lease until %v", name, h.Lease())
		}
		if err := h.Commit(within(t), 2, "m"); err != nil {
			t.Error(err)
		}
	}
	stop()
	claims["orders/1"].ends(t, kafka.ErrStopping)
	o.none(t)
	if joins.Hits() != 0 {
		t.Error("the group was joined")
	}
	if got := broker.Committed("billing", "orders")[3].Offset; got != 2 {
		t.Errorf("committed %d", got)
	}
}

func TestFixedPartitionsThatDoNotExistYetAreWaitedFor(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	o := newOwner()
	consume(t, dial(t, broker.Addrs()), fixed("orders", 0, 1), o)
	broker.CreateTopic(t, "orders", 1)
	h := o.one(t)
	broker.AddPartitions(t, "orders", 3)
	h.ends(t, kafka.ErrLost)
	if claims := o.take(t, 2); claims["orders/1"] == nil {
		t.Errorf("taken: %v", claims)
	}
	broker.DeleteTopic(t, "orders")
	broker.CreateTopic(t, "orders", 1)
	if again := o.one(t); again.TopicID == h.TopicID {
		t.Error("taken under the id of the deleted topic")
	}
}

func TestFixedPartitionsRefuseAGroupWithMembers(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	refused := func(ended <-chan error) {
		t.Helper()
		var foreign *kafka.ForeignMembersError
		select {
		case err := <-ended:
			if !errors.As(err, &foreign) || !slices.Equal(foreign.Members, []string{"other"}) {
				t.Fatalf("ended with %v", err)
			}
		case <-time.After(patience):
			t.Fatal("not refused")
		}
	}
	// Foreign members come later.
	o := newOwner()
	_, ended := start(t, dial(t, broker.Addrs()), fixed("orders", 0), o)
	h := o.one(t)
	other := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("other")), topics("orders"), other)
	other.take(t, 2)
	if err := h.Commit(within(t), 1, ""); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("commit beside members: %v, want ErrFenced", err)
	}
	refused(ended)
	h.ends(t, kafka.ErrStopping)

	// And are there from the start.
	_, ended = start(t, dial(t, broker.Addrs()), fixed("orders", 0), o)
	refused(ended)
	o.none(t)
}

func TestFixedPartitionsRemoveOurOwnMemberOfBefore(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	long := func(cfg *kafka.Config) { cfg.SessionTimeout = time.Minute }
	o := newOwner()
	cluster := dial(t, broker.Addrs(), instance("a"), long)
	stop := consume(t, cluster, topics("orders"), o)
	o.one(t)
	stop()
	consume(t, cluster, fixed("orders", 0), o)
	if err := o.one(t).Commit(within(t), 1, ""); err != nil {
		t.Error(err)
	}
}

func TestFixedPartitionsCommitAsTheMemberThatTheGroupTopicsMakeUs(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("refunds", 1))
	generations := make(chan int32, 100)
	broker.Control(bridgetest.OffsetCommit, func(r kmsg.Request) (kmsg.Response, error, bool) {
		generations <- r.(*kmsg.OffsetCommitRequest).Generation
		return nil, nil, false
	})
	o := newOwner()
	// The group's partition drains slowest, or first: both find a membership.
	o.drain = func(h *held) {
		if err := h.Commit(within(t), 2, "drained"); err != nil {
			t.Error(err)
		}
	}
	sub := fixed("orders", 0)
	sub.Topics = []string{"refunds"}
	stop := consume(t, dial(t, broker.Addrs()), sub, o)
	for _, h := range o.take(t, 2) {
		if err := h.Commit(within(t), 1, ""); err != nil {
			t.Error(err)
		}
	}
	// A fixed partition outlives a session.
	fault := broker.Fail(bridgetest.Heartbeat, bridgetest.Always, sarama.ErrUnknownMemberId)
	fault.Wait(t, 2)
	fault.Remove()
	o.one(t)
	stop()
	close(generations)
	for g := range generations {
		if g < 1 {
			t.Errorf("a commit with generation %d", g)
		}
	}
	for _, topic := range []string{"orders", "refunds"} {
		if got := broker.Committed("billing", topic)[0]; got.Metadata != "drained" {
			t.Errorf("%s: %+v", topic, got)
		}
	}
}
