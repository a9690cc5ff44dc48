package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// member is a cluster that owns all partitions of orders.
func member(t *testing.T, partitions int, change ...func(*kafka.Config)) (*bridgetest.Broker, *kafka.Cluster, map[string]*held) {
	t.Helper()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", int32(partitions)))
	cluster, o := dial(t, broker.Addrs(), change...), newOwner()
	consume(t, cluster, topics("orders"), o)
	return broker, cluster, o.take(t, partitions)
}

func TestCommitsAreReadBack(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	h := claims["orders/0"]
	if offset, _, err := h.Committed(within(t)); err != nil || offset != -1 {
		t.Fatalf("committed before the first commit: %d, %v", offset, err)
	}
	for _, metadata := range []string{"", "same offset, other metadata"} {
		if err := h.Commit(within(t), 5, metadata); err != nil {
			t.Fatal(err)
		}
		offset, got, err := h.Committed(within(t))
		if err != nil || offset != 5 || got != metadata {
			t.Errorf("committed %d %q, %v", offset, got, err)
		}
	}
	if got := broker.Committed("billing", "orders")[0].Offset; got != 5 {
		t.Errorf("the broker has %d", got)
	}
}

func TestEachPartitionHasItsOwnAnswer(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 3)
	broker.FailPartitions(bridgetest.OffsetCommit, 1, sarama.ErrOffsetMetadataTooLarge, "orders", 1)
	errs := commitAll(t, claims)
	for name, err := range errs {
		if want := name == "orders/1"; errors.Is(err, kafka.ErrMetadataTooLarge) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(fmt.Sprint(errs["orders/1"]), "orders/1@9") {
		t.Errorf("the error does not name what failed: %v", errs["orders/1"])
	}
	committed := broker.Committed("billing", "orders")
	if committed[0].Offset != 9 || committed[1].Offset != 0 || committed[2].Offset != 9 {
		t.Errorf("committed: %v", committed)
	}
}

func commitAll(t *testing.T, claims map[string]*held) map[string]error {
	t.Helper()
	ctx := within(t)
	var mu sync.Mutex
	var sending sync.WaitGroup
	errs := make(map[string]error)
	for name, h := range claims {
		sending.Go(func() {
			err := h.Commit(ctx, 9, "")
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
	}
	sending.Wait()
	return errs
}

func TestOneRequestCarriesThePartitionsThatWait(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 20)
	var requests, offsets atomic.Int32
	broker.Control(bridgetest.OffsetCommit, func(r kmsg.Request) (kmsg.Response, error, bool) {
		requests.Add(1)
		for _, topic := range r.(*kmsg.OffsetCommitRequest).Topics {
			offsets.Add(int32(len(topic.Partitions)))
		}
		return nil, nil, false
	})
	ctx := within(t)
	var sending sync.WaitGroup
	for _, h := range claims {
		for offset := range int64(5) { // of a partition one after the other
			sending.Go(func() {
				if err := h.Commit(ctx, offset, ""); err != nil {
					t.Error(err)
				}
			})
		}
	}
	sending.Wait()
	if offsets.Load() != 100 || requests.Load() > 50 {
		t.Errorf("%d offsets in %d requests", offsets.Load(), requests.Load())
	}
	t.Logf("%d offsets in %d requests", offsets.Load(), requests.Load())
}

func TestRefusalsThatPassAreRetried(t *testing.T) {
	t.Parallel()
	for _, code := range []sarama.KError{
		sarama.ErrIllegalGeneration, sarama.ErrRebalanceInProgress, sarama.ErrNotCoordinatorForConsumer,
		sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrOffsetsLoadInProgress, sarama.ErrRequestTimedOut,
	} {
		t.Run(code.Error()[len("kafka server: "):20], func(t *testing.T) {
			t.Parallel()
			broker, _, claims := member(t, 1)
			fault := broker.Fail(bridgetest.OffsetCommit, 2, code)
			if err := claims["orders/0"].Commit(within(t), 3, ""); err != nil {
				t.Fatal(err)
			}
			if fault.Hits() != 2 || broker.Committed("billing", "orders")[0].Offset != 3 {
				t.Errorf("%d refusals, committed %v", fault.Hits(), broker.Committed("billing", "orders"))
			}
		})
	}
}

func TestCommitsSurviveALostConnectionAndAMovedCoordinator(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Nodes(3), bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	h := o.one(t)
	broker.Drop(bridgetest.OffsetCommit, 1)
	if err := h.Commit(within(t), 1, ""); err != nil {
		t.Fatal(err)
	}
	broker.Fail(bridgetest.OffsetFetch, 1, sarama.ErrNotCoordinatorForConsumer)
	if offset, _, err := h.Committed(within(t)); err != nil || offset != 1 {
		t.Fatalf("committed %d, %v", offset, err)
	}
}

func TestARetryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	fault := broker.Fail(bridgetest.OffsetCommit, bridgetest.Always, sarama.ErrRebalanceInProgress)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		fault.Wait(t, 3)
		cancel()
	}()
	err := claims["orders/0"].Commit(ctx, 1, "")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, sarama.ErrRebalanceInProgress) {
		t.Errorf("%v: want the context's end and the last answer", err)
	}
}

func TestAnOldGenerationIsRefusedWhenTheLeaseIsOver(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	h := claims["orders/0"]
	broker.Fail(bridgetest.OffsetCommit, bridgetest.Always, sarama.ErrIllegalGeneration)
	broker.Hold(t, bridgetest.Heartbeat)
	if err := h.Commit(within(t), 1, ""); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("%v, want ErrFenced", err)
	}
}

func TestAForgottenMemberIsFenced(t *testing.T) {
	t.Parallel()
	broker, _, claims := member(t, 1)
	h := claims["orders/0"]
	broker.Fail(bridgetest.OffsetCommit, 1, sarama.ErrUnknownMemberId)
	if err := h.Commit(within(t), 1, ""); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("%v, want ErrFenced", err)
	}
	if h.Lease().After(time.Now()) {
		t.Error("there is a lease for a member that the group has forgotten")
	}
}

func TestNoCommitAfterOwnHasReturned(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	stop := consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	h := o.one(t)
	stop()
	commits := broker.Watch(bridgetest.OffsetCommit)
	if err := h.Commit(within(t), 1, ""); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("%v, want ErrFenced", err)
	}
	if commits.Hits() != 0 {
		t.Error("a commit was sent")
	}
}

// A commit whose caller gave up is still waited for: the partition is not let
// go before its answer.
func TestACommitOnItsWayHoldsThePartition(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	stop := consume(t, dial(t, broker.Addrs()), topics("orders"), o)
	h := o.one(t)
	release := broker.Hold(t, bridgetest.OffsetCommit)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { failed <- h.Commit(ctx, 1, "") }()
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, release)
	stop()
	if got := broker.Committed("billing", "orders")[0].Offset; got != 1 {
		t.Errorf("after the end of the claim the broker has %d", got)
	}
}

func TestARevokedMemberCannotOverwriteTheNextOwnersCommit(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	zombie, next := newOwner(), newOwner()
	result := make(chan error, 1)
	var first sync.Once // it joins again
	zombie.drain = func(h *held) {
		first.Do(func() {
			<-next.taken // the group has gone on without us
			result <- h.Commit(within(t), 1, "zombie")
		})
	}
	short := func(cfg *kafka.Config) { cfg.Assignors, cfg.RebalanceTimeout = []string{kafka.Range}, time.Second }
	consume(t, dial(t, broker.Addrs(), short), topics("orders"), zombie)
	zombie.one(t)
	consume(t, dial(t, broker.Addrs(), short), topics("orders"), ownerFunc(func(ctx context.Context, c *kafka.Claim) {
		if err := c.Commit(within(t), 8, "next"); err != nil {
			t.Error(err)
		}
		next.Own(ctx, c)
	}))
	select {
	case err := <-result:
		if !errors.Is(err, kafka.ErrFenced) {
			t.Errorf("the zombie's commit: %v, want ErrFenced", err)
		}
	case <-time.After(patience):
		t.Fatal("the zombie never tried")
	}
	if got := broker.Committed("billing", "orders")[0]; got.Metadata != "next" {
		t.Errorf("committed: %+v", got)
	}
}
