package kafka_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func testHandOver(t *testing.T, r *realKafka) {
	topic := r.create(t, 6)
	first, second := newOwner(), newOwner()
	first.drain = func(h *held) {
		if err := h.Commit(within(t), 0, "handed over"); err != nil {
			t.Errorf("commit while draining: %v", err)
		}
	}
	consume(t, r.dial(t), topics(topic), first)
	claims := first.take(t, 6)
	consume(t, r.dial(t), topics(topic), second)
	for name, h := range second.take(t, 3) {
		claims[name].ends(t, kafka.ErrRevoked)
		if _, metadata, err := h.Committed(within(t)); err != nil || metadata != "handed over" {
			t.Errorf("%s: %q, %v", name, metadata, err)
		}
		delete(claims, name)
	}
	for _, h := range claims {
		h.owned(t)
		if err := h.Commit(within(t), 0, "kept"); err != nil {
			t.Error(err)
		}
	}
}

// A static member alone that has restarted is told that its old self leads the
// group, and sarama then watches no partitions.
func testNewPartition(t *testing.T, r *realKafka) {
	topic := r.create(t, 1)
	o := newOwner()
	for range 2 {
		cluster := r.dial(t, instance("alone"))
		stop := consume(t, cluster, topics(topic), o)
		o.take(t, 1)
		stop()
	}
	consume(t, r.dial(t, instance("alone")), topics(topic), o)
	o.take(t, 1)
	if err := r.admin(t).CreatePartitions(topic, 3, nil, false); err != nil {
		t.Fatal(err)
	}
	until(t, "new partitions taken", func() bool {
		h := o.one(t)
		return h.Partition == 2
	})
}

func testLeave(t *testing.T, r *realKafka) {
	topic := r.create(t, 1)
	long := func(cfg *kafka.Config) { cfg.SessionTimeout = 30 * time.Second }
	o := newOwner()
	cluster := r.dial(t, instance("a"), long)
	stop := consume(t, cluster, topics(topic), o)
	o.one(t)
	stop()
	for range 2 {
		if err := cluster.Leave(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	consume(t, r.dial(t, instance("b"), long), topics(topic), o)
	o.one(t)
	if took := time.Since(begin); took > 25*time.Second { // of a session of 30
		t.Errorf("the next member waited %v", took)
	}
}

func testFixedBesideMembers(t *testing.T, r *realKafka) {
	topic := r.create(t, 2)
	alone := newOwner()
	_, ended := start(t, r.dial(t), fixed(topic, 1), alone)
	h := alone.one(t)
	if err := h.Commit(within(t), 0, "alone"); err != nil {
		t.Fatal(err)
	}
	group := newOwner()
	consume(t, r.dial(t, instance("other")), topics(topic), group)
	group.take(t, 2)
	if err := h.Commit(within(t), 0, "beside members"); !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("commit beside members: %v", err)
	}
	var foreign *kafka.ForeignMembersError
	if err := <-ended; !errors.As(err, &foreign) {
		t.Errorf("ended with %v", err)
	}
}

// A member that slept through its session commits nothing when it wakes.
func testForgottenMember(t *testing.T, r *realKafka) {
	topic := r.create(t, 1)
	o := newOwner()
	cluster := r.dial(t, instance("a"))
	tried := make(chan error, 1)
	var once sync.Once
	o.drain = func(h *held) {
		once.Do(func() { tried <- h.Commit(within(t), 0, "zombie") })
	}
	consume(t, cluster, topics(topic), o)
	h := o.one(t)
	if time.Until(h.Lease()) <= 0 {
		t.Error("no lease")
	}
	// Somebody removes it, as the session timeout would.
	if err := cluster.Leave(within(t)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, kafka.ErrLost)
	if err := <-tried; !errors.Is(err, kafka.ErrFenced) {
		t.Errorf("the zombie's commit: %v", err)
	}
	if h.Lease().After(time.Now()) {
		t.Error("it still has a lease")
	}
	o.one(t) // joined anew
}

// While members come and go, each record of a partition is read by its owner,
// from the offset that the owner before committed, and none twice.
func testChurn(t *testing.T, r *realKafka) {
	const partitions, members = 8, 3
	topic := r.create(t, partitions)
	stopProducing := produceTo(t, r, topic, partitions)

	var read [partitions]atomic.Int64 // next offset expected
	var broken, longest atomic.Int64  // longest: nanoseconds that a kept partition stood still
	owner := ownerFunc(func(ctx context.Context, c *kafka.Claim) {
		from, _, err := c.Committed(within(t))
		if err != nil {
			return // lost before it began
		}
		from = max(from, 0)
		stream, err := c.Fetch(ctx, from)
		if err != nil {
			return
		}
		defer stream.Close()
		var last time.Time
		for {
			select {
			case m, open := <-stream.Messages():
				if !open {
					return
				}
				if still := int64(time.Since(last)); !last.IsZero() && still > longest.Load() {
					longest.Store(still)
				}
				last = time.Now()
				if !read[c.Partition].CompareAndSwap(m.Offset, m.Offset+1) {
					broken.Add(1)
				}
				from = m.Offset + 1
				continue
			case <-ctx.Done():
			}
			if err := c.Commit(within(t), from, ""); err != nil {
				t.Errorf("%s: %v", c, err)
			}
			return
		}
	})
	consume(t, r.dial(t), topics(topic), owner)
	for range 4 {
		leave := make([]func(), members-1)
		for i := range leave {
			cluster := r.dial(t)
			stop := consume(t, cluster, topics(topic), owner)
			leave[i] = func() {
				stop()
				if err := cluster.Close(); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(500 * time.Millisecond)
		}
		for _, leave := range leave {
			leave()
		}
	}
	want, paused := stopProducing()
	until(t, "everything read", func() bool {
		for p := range want {
			if read[p].Load() < want[p] {
				return false
			}
		}
		return true
	})
	if broken.Load() > 0 {
		t.Errorf("%d records out of turn", broken.Load())
	}
	still := time.Duration(longest.Load())
	t.Logf("%v records, a kept partition stood still for at most %v", want, still)
	if still > 3*time.Second+paused { // what the broker and the machine paused is not the group's doing
		t.Errorf("a partition that was kept stood still for %v", still)
	}
}

// produceTo writes to all partitions until it is stopped, and then tells how
// many records each has, and how long one round of writing took at most.
func produceTo(t *testing.T, r *realKafka, topic string, partitions int32) (stop func() ([]int64, time.Duration)) {
	t.Helper()
	producer, err := sarama.NewSyncProducer(r.addrs(), plain())
	if err != nil {
		t.Fatal(err)
	}
	counts, longest := make([]int64, partitions), time.Duration(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			began := time.Now()
			for p := range partitions {
				select {
				case <-done:
					longest = max(longest, time.Since(began))
					return
				default:
				}
				if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Partition: p, Value: sarama.StringEncoder("v")}); err != nil {
					t.Errorf("produce: %v", err)
					return
				}
				counts[p]++
			}
			longest = max(longest, time.Since(began))
		}
	}()
	stop = sync.OnceValues(func() ([]int64, time.Duration) {
		close(done)
		<-stopped
		_ = producer.Close()
		return counts, longest
	})
	t.Cleanup(func() { stop() })
	return stop
}
