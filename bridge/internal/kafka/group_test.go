package kafka_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func TestEachPartitionIsOwnedUntilTheStop(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 3), bridgetest.Topic("refunds", 2))
	cluster, o := dial(t, broker.Addrs()), newOwner()
	stop := consume(t, cluster, topics("orders", "refunds"), o)

	claims := o.take(t, 5)
	for name, h := range claims {
		h.owned(t)
		if want := broker.TopicID(h.Topic); h.TopicID != want {
			t.Errorf("%s has topic id %q, want %q", name, h.TopicID, want)
		}
		if h.DrainWithin <= 0 || h.DrainWithin >= 5*time.Second {
			t.Errorf("%s may drain for %v", name, h.DrainWithin)
		}
	}
	if len(claims) != 5 {
		t.Fatalf("%d partitions, want 5", len(claims))
	}
	if cluster.ID() != "bridgetest" {
		t.Errorf("cluster id %q", cluster.ID())
	}
	stop()
	for _, h := range claims {
		h.ends(t, kafka.ErrStopping)
		if !h.Lease().IsZero() {
			t.Errorf("%s has a lease after its end", h)
		}
	}
	o.none(t)
}

func TestASecondMemberGetsItsShareAndTheRestFlowsOn(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	first, second := newOwner(), newOwner()
	first.drain = func(h *held) {
		if err := h.Commit(within(t), 7, "handed over"); err != nil {
			t.Errorf("commit while draining: %v", err)
		}
	}
	consume(t, dial(t, broker.Addrs()), topics("orders"), first)
	claims := first.take(t, 4)
	consume(t, dial(t, broker.Addrs()), topics("orders"), second)

	moved := second.take(t, 2)
	for name, h := range claims {
		if moved[name] == nil {
			h.owned(t)
			continue
		}
		h.ends(t, kafka.ErrRevoked)
		select {
		case <-h.over:
		default:
			t.Errorf("%s was taken before it was let go", name)
		}
		offset, metadata, err := moved[name].Committed(within(t))
		if err != nil || offset != 7 || metadata != "handed over" {
			t.Errorf("%s: committed %d %q, %v", name, offset, metadata, err)
		}
	}
}

func TestRangeRevokesEverythingAndGivesItBack(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	first, second := newOwner(), newOwner()
	consume(t, dial(t, broker.Addrs(), assignors(kafka.Range)), topics("orders"), first)
	claims := first.take(t, 4)
	consume(t, dial(t, broker.Addrs(), assignors(kafka.Range)), topics("orders"), second)
	for _, h := range claims {
		h.ends(t, kafka.ErrRevoked)
	}
	first.take(t, 2)
	second.take(t, 2)
}

func TestBothAssignorsMeetAGroupOfRange(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	first, second := newOwner(), newOwner()
	consume(t, dial(t, broker.Addrs(), assignors(kafka.Range)), topics("orders"), first)
	first.take(t, 2)
	consume(t, dial(t, broker.Addrs(), assignors(kafka.CooperativeSticky, kafka.Range)), topics("orders"), second)
	second.take(t, 1)
}

func TestAForgottenMemberHasLostItsPartitions(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	o := newOwner()
	consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	claims := o.take(t, 2)

	fault := broker.Fail(bridgetest.Heartbeat, bridgetest.Always, sarama.ErrUnknownMemberId)
	for _, h := range claims {
		h.ends(t, kafka.ErrLost)
	}
	fault.Remove()
	o.take(t, 2) // joined again
}

func TestTheSecondProcessOfAnInstanceFencesTheFirst(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	_, ended := start(t, dial(t, broker.Addrs(), instance("a")), topics("orders"), o)
	first := o.one(t)
	consume(t, dial(t, broker.Addrs(), instance("a")), topics("orders"), o)
	o.one(t)
	first.ends(t, kafka.ErrLost)
	if err := <-ended; !errors.Is(err, kafka.ErrInstanceFenced) || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("the first ended with %v", err)
	}
	if err := first.Commit(within(t), 1, ""); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("its commit: %v", err)
	}
}

func TestAssignorsThatTheGroupDoesNotKnowAreRefused(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), assignors(kafka.Range)), topics("orders"), o)
	o.one(t)
	_, ended := start(t, dial(t, broker.Addrs()), topics("orders"), o)
	if err := <-ended; !errors.Is(err, sarama.ErrInconsistentGroupProtocol) || !strings.Contains(err.Error(), kafka.CooperativeSticky) {
		t.Errorf("%v", err)
	}
}

func TestTheCoordinatorGoneIsALossAndItsReturnAJoin(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Persistent(), bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("a")), topics("orders"), o)
	h := o.one(t)
	broker.Stop(t)
	h.ends(t, kafka.ErrLost)
	broker.Start(t)
	if err := o.one(t).Commit(within(t), 1, ""); err != nil {
		t.Error(err)
	}
}

func TestOwnMayReturnEarlyWithoutDisturbingOthers(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	joins := broker.Watch(bridgetest.JoinGroup)
	taken := newOwner()
	consume(t, dial(t, broker.Addrs()), topics("orders"), ownerFunc(func(ctx context.Context, c *kafka.Claim) {
		if c.Partition == 0 {
			taken.taken <- &held{Claim: c, ctx: ctx}
			return
		}
		taken.Own(ctx, c)
	}))
	claims := taken.take(t, 2)
	before := joins.Hits()
	// Three heartbeats later nobody has joined anew.
	beats := broker.Watch(bridgetest.Heartbeat)
	beats.Wait(t, 6)
	for _, h := range claims {
		h.owned(t)
	}
	if now := joins.Hits(); now != before {
		t.Errorf("%d joins after one partition's Own returned", now-before)
	}
}

type ownerFunc func(context.Context, *kafka.Claim)

func (f ownerFunc) Own(ctx context.Context, c *kafka.Claim) { f(ctx, c) }

func TestAStopDoesNotWaitForAJoinThatOthersHoldUp(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	patient := func(cfg *kafka.Config) {
		cfg.RebalanceTimeout = time.Minute
		cfg.Assignors = []string{kafka.Range}
	}
	slow, drained := newOwner(), make(chan struct{})
	slow.drain = func(*held) { <-drained }
	consume(t, dial(t, broker.Addrs(), patient), topics("orders"), slow)
	t.Cleanup(func() { close(drained) })
	h := slow.one(t)

	stop := consume(t, dial(t, broker.Addrs(), patient), topics("orders"), newOwner())
	h.ends(t, kafka.ErrRevoked) // so the second member waits for it
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

func TestStaticMembersComeBackWithoutARebalance(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	other := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("b")), topics("orders"), other)
	other.take(t, 2)

	first := newOwner()
	cluster := dial(t, broker.Addrs(), instance("a"))
	stop := consume(t, cluster, topics("orders"), first)
	before := first.one(t).String()
	stop()
	if err := cluster.Close(); err != nil {
		t.Fatal(err)
	}

	again := newOwner()
	stop = consume(t, dial(t, broker.Addrs(), instance("a")), topics("orders"), again)
	if after := again.one(t).String(); after != before {
		t.Errorf("%s before the restart, %s after", before, after)
	}
	other.none(t)
	stop()
}

func TestLeaveGivesTheStaticMembersPartitionsAway(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	long := func(cfg *kafka.Config) { cfg.SessionTimeout = time.Minute }
	other := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("b"), long), topics("orders"), other)
	other.take(t, 2)

	o := newOwner()
	cluster := dial(t, broker.Addrs(), instance("a"), long)
	stop := consume(t, cluster, topics("orders"), o)
	o.one(t)
	stop()
	for range 2 { // the second time it is no member any more
		if err := cluster.Leave(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	other.take(t, 1)
	broker.WaitMembers(t, "billing", 1)
}

func TestTopicsOfAPatternAreTakenWhenTheyAppear(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("a")), kafka.Subscription{
		Topics:   []string{"later"},
		Patterns: []*regexp.Regexp{regexp.MustCompile(`order|orders(-eu)?`)},
	}, o)
	first := o.one(t)
	if first.String() != "orders/0" {
		t.Fatalf("%s was taken", first)
	}
	broker.CreateTopic(t, "orders-us", 1) // matched only in part
	broker.CreateTopic(t, "orders-eu", 1)
	first.ends(t, kafka.ErrLost) // for the new list
	claims := o.take(t, 2)
	if claims["orders/0"] == nil || claims["orders-eu/0"] == nil {
		t.Fatalf("taken: %v", claims)
	}
	broker.CreateTopic(t, "later", 1)
	if claims = o.take(t, 3); claims["later/0"] == nil {
		t.Fatalf("taken: %v", claims)
	}
}

func TestPartitionsAddedAreTaken(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("a")), topics("orders"), o)
	o.take(t, 1)
	broker.AddPartitions(t, "orders", 3)
	if claims := o.take(t, 3); claims["orders/2"] == nil {
		t.Errorf("taken: %v", claims)
	}
}

func TestATopicCreatedAnewIsTakenUnderItsNewID(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("refunds", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), instance("a")), topics("orders", "refunds"), o)
	before := o.take(t, 2)["orders/0"]
	broker.DeleteTopic(t, "orders")
	before.ends(t, kafka.ErrLost)
	broker.CreateTopic(t, "orders", 1)
	for {
		h := o.one(t)
		if h.Topic == "orders" && h.TopicID != before.TopicID {
			return
		}
	}
}

func TestTheLeaseFollowsTheHeartbeats(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cluster, o := dial(t, broker.Addrs()), newOwner()
	consume(t, cluster, topics("orders"), o)
	h := o.one(t)
	first := h.Lease()
	if left := time.Until(first); left <= 0 || left > 2*time.Second {
		t.Fatalf("a lease of %v with a session timeout of 2 s", left)
	}
	until(t, "lease renewed", func() bool { return h.Lease().After(first) })
	stepped := cluster.Stepped()
	until(t, "loop stepped", func() bool { return cluster.Stepped().After(stepped) })

	// A coordinator that answers nobody confirms nothing.
	broker.Hold(t, bridgetest.Heartbeat)
	until(t, "lease over", func() bool { return time.Now().After(h.Lease()) })
	if left := time.Until(cluster.Lease()); left > 0 {
		t.Errorf("the group counts on us for %v more", left)
	}
	stepped = cluster.Stepped()
	until(t, "loop stepped, though nobody answers", func() bool { return cluster.Stepped().After(stepped) })
}

// One partition whose leader is not there yet holds up no other.
func TestPartitionWithoutLeader(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	broker.FailPartitions(bridgetest.ListOffsets, 16, sarama.ErrNotLeaderForPartition, "orders", 1)
	o := newOwner()
	consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	claims := o.take(t, 2)
	for _, name := range []string{"orders/0", "orders/1"} {
		h := claims[name]
		if h == nil {
			t.Fatalf("%s was not taken: %v", name, claims)
		}
		h.owned(t)
	}
	o.none(t)
}
