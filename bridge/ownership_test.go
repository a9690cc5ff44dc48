package bridge_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

func TestHandOverBetweenBridges(t *testing.T) {
	t.Parallel()
	const records, partitions = 12_000, 6
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", partitions))
	j := newJournal()
	member := func(name string) bridge.Config {
		cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handlerAt(name, func(context.Context, *bridge.Job) error {
			time.Sleep(100 * time.Microsecond)
			return nil
		})})
		cfg.LeaveOnStop = true
		return cfg
	}
	a, b, c := member("a"), member("b"), member("c")
	worked := func(n int) {
		t.Helper()
		eventually(t, "work goes on", func() bool { distinct, _ := j.counts(); return distinct >= n })
	}
	more := func() { produce(t, broker, "orders", records/4, 50, partitions) }

	more()
	first := start(t, a)
	worked(100)
	second := start(t, b)
	broker.WaitMembers(t, "billing", 2)
	more()
	worked(records / 4)
	first.mustStop(t)
	third := start(t, c)
	more()
	worked(records / 2)
	first = start(t, a) // some of its partitions come back
	broker.WaitMembers(t, "billing", 3)
	second.mustStop(t)
	more()
	broker.WaitCommitted(t, "billing", "orders")
	first.mustStop(t)
	third.mustStop(t)
	j.check(t, records)
	if distinct, total := j.counts(); total != distinct {
		t.Errorf("%d finished jobs ran again", total-distinct)
	}
}

func TestRevokedRunIsCancelledAndRunsElsewhere(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	produce(t, broker, "orders", 2, 2, 2) // one job per partition
	causes := make(chan error, 2)
	topic := bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(ctx context.Context, _ *bridge.Job) error {
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	})}
	first := config(t, broker, topic)
	first.RebalanceTimeout = 6500 * time.Millisecond // less two heartbeats of 2 s and the commit: about 2 s to drain
	first.StopWithin = -1
	interrupted := make(chan int, 4)
	first.Hooks = &bridge.Hooks{Revoked: func(e bridge.Revoked) {
		if errors.Is(e.Cause, bridge.ErrRevoked) {
			interrupted <- e.Interrupted
		}
	}}
	a := start(t, first)
	broker.WaitMembers(t, "billing", 1)
	done := make(chan int, 2)
	second := config(t, broker, bridge.Topic{Name: "orders", Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		done <- job.Attempt
		return nil
	})})
	start(t, second)
	if cause := <-causes; !errors.Is(cause, bridge.ErrRevoked) {
		t.Errorf("cause %v, want ErrRevoked", cause)
	}
	if n := <-interrupted; n != 1 {
		t.Errorf("%d interrupted, want 1", n)
	}
	if attempt := <-done; attempt != 1 {
		t.Errorf("attempt %d at the new owner", attempt)
	}
	a.mustStop(t)
}

func TestConflictHoldsItsPartitionOnly(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	produce(t, broker, "orders", 20, 2, 2)
	j := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
	cfg.InstanceID = bridge.Dynamic
	start(t, cfg).mustStopAt(t, broker)
	eventually(t, "the member leaves", func() bool { return broker.Members("billing") == 0 })
	setOffset(t, broker, "orders", 0, 3)
	produce(t, broker, "orders", 20, 2, 2)

	held := make(chan bridge.Held, 2)
	cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h }}
	b := start(t, cfg)
	eventually(t, "the other partition goes on", func() bool {
		return broker.Committed("billing", "orders")[1].Offset == 20
	})
	h := <-held
	if h.Partition != 0 || !strings.Contains(h.Err.Error(), "3") {
		t.Errorf("held %+v", h)
	}
	b.mustStop(t)
	if c := broker.Committed("billing", "orders")[0]; c.Offset != 3 {
		t.Errorf("committed %d of a held partition, want what was set", c.Offset)
	}

	cfg.OnExternalReset = bridge.ResetFollow
	b = start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	for offset, runs := range map[string]int{"orders/0@2": 1, "orders/0@3": 2, "orders/0@9": 2, "orders/0@10": 1} {
		if got := j.ran(offset); got != runs {
			t.Errorf("%s ran %d times, want %d", offset, got, runs)
		}
	}
}

func TestStartAndFixedPartitions(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("imports", 3))
	produce(t, broker, "imports", 30, 3, 3)
	j := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "imports", Partitions: []int32{0, 2}, Handler: j.handler(nil)})
	cfg.Start = bridge.Start{Newest: true}
	b := start(t, cfg)
	eventually(t, "start offsets committed", func() bool {
		c := broker.Committed("billing", "imports")
		return c[0].Offset == 10 && c[2].Offset == 10
	})
	produce(t, broker, "imports", 3, 3, 3)
	eventually(t, "new records committed", func() bool {
		c := broker.Committed("billing", "imports")
		return c[0].Offset == 11 && c[2].Offset == 11
	})
	b.mustStop(t)
	j.check(t, 2)
	if _, touched := broker.Committed("billing", "imports")[1]; touched {
		t.Error("a partition that is not ours was committed")
	}
}

// Whoever has the partition next must begin at the same offset, or leave out
// what was read and not finished.
func TestNothingIsReadBeforeTheStartIsCommitted(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]sarama.KError{
		"not ready":   sarama.ErrOffsetsLoadInProgress,
		"not allowed": sarama.ErrTopicAuthorizationFailed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testNothingIsRead(t, code)
		})
	}
}

// testNothingIsRead while the broker refuses commits with this code.
func testNothingIsRead(t *testing.T, code sarama.KError) {
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	j := newJournal()
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)})
	cfg.Start = bridge.Start{Newest: true}
	assigned := make(chan bridge.Assigned, 1)
	cfg.Hooks = &bridge.Hooks{Assigned: func(e bridge.Assigned) { assigned <- e }}
	refusing := broker.Fail(bridgetest.OffsetCommit, bridgetest.Always, code)
	b := start(t, cfg)
	<-assigned
	produce(t, broker, "orders", 10, 10, 1)
	refusing.Wait(t, 20)
	if n, _ := j.counts(); n > 0 {
		t.Errorf("%d jobs ran though the group does not know where they begin", n)
	}
	refusing.Remove()
	broker.WaitCommitted(t, "billing", "orders")
	b.mustStop(t)
	j.check(t, 10)
}

func TestInvisibleTailMovesTheOffset(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	record := bridgetest.Record{Key: []byte("k"), Value: []byte("v")}
	broker.ProduceTransaction(t, true, "orders", record)
	broker.ProduceTransaction(t, false, "orders", record, record)
	j := newJournal()
	b := start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: j.handler(nil)}))
	broker.WaitCommitted(t, "billing", "orders") // markers and aborted records included
	b.mustStop(t)
	j.check(t, 1)
}

func TestLogThatLosesUnreadRecordsHoldsThePartition(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 1, 1)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	start(t, cfg).mustStopAt(t, broker)
	produce(t, broker, "orders", 10, 1, 1)
	broker.DeleteRecords(t, "orders", 0, 15)
	held := make(chan bridge.Held, 1)
	cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h }}
	start(t, cfg)
	if h := <-held; !strings.Contains(h.Err.Error(), "15") {
		t.Errorf("held because %v", h.Err)
	}
}

func TestRecordsLostBehindTheReaderHoldThePartition(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 10, 10, 1)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
	held := make(chan bridge.Held, 1)
	cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h }}
	start(t, cfg)
	broker.WaitCommitted(t, "billing", "orders")
	resume := broker.Hold(t, bridgetest.Fetch)
	produce(t, broker, "orders", 10, 10, 1)
	broker.DeleteRecords(t, "orders", 0, 15)
	resume()
	if h := <-held; !strings.Contains(h.Err.Error(), "15") {
		t.Errorf("held because %v", h.Err)
	}
}

func TestLeaveOnStopRemovesTheStaticMember(t *testing.T) {
	t.Parallel()
	for _, leave := range []bool{false, true} {
		broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
		produce(t, broker, "orders", 1, 1, 1)
		cfg := config(t, broker, bridge.Topic{Name: "orders", Handler: newJournal().handler(nil)})
		cfg.LeaveOnStop = leave
		start(t, cfg).mustStopAt(t, broker)
		if stays := broker.Members("billing") == 1; stays == leave {
			t.Errorf("leave %v: %d members after the stop", leave, broker.Members("billing"))
		}
	}
}

func TestListedPartitionsBeatAPattern(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("audit.eu", 2), bridgetest.Topic("audit.us", 1))
	produce(t, broker, "audit.eu", 20, 20, 2)
	produce(t, broker, "audit.us", 10, 10, 1)
	listed, matched := newJournal(), newJournal()
	b := start(t, config(t, broker,
		bridge.Topic{Name: "audit.eu", Partitions: []int32{1}, Handler: listed.handler(nil)},
		bridge.Topic{Match: "audit.*", Handler: matched.handler(nil)},
	))
	broker.WaitCommitted(t, "billing", "audit.us")
	eventually(t, "the listed partition committed", func() bool { return broker.Committed("billing", "audit.eu")[1].Offset == 10 })
	b.mustStop(t)
	listed.check(t, 10)
	matched.check(t, 10)
}

// mustStopAt stops the bridge once it has committed everything.
func (r *running) mustStopAt(t *testing.T, broker *bridgetest.Broker) {
	t.Helper()
	broker.WaitCommitted(t, "billing", "orders")
	r.mustStop(t)
}

func TestPartitionerFailureIsTold(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	produce(t, broker, "orders", 3, 1, 1)
	var mu sync.Mutex
	var failed []int64
	cfg := config(t, broker, bridge.Topic{
		Name:        "orders",
		Handler:     newJournal().handler(nil),
		Partitioner: failingOn("1"),
	})
	cfg.Hooks = &bridge.Hooks{PartitionerFailed: func(e bridge.PartitionerFailed) {
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, e.Offset)
	}}
	start(t, cfg).mustStopAt(t, broker)
	if len(failed) != 1 || failed[0] != 1 {
		t.Errorf("failed for %v, want offset 1", failed)
	}
}

// failingOn is a lane per key, failing for one value.
func failingOn(value string) partitioner.Scheme {
	return partitioner.Scheme{Sources: []partitioner.Source{
		partitioner.Func("test", func(r partitioner.Record) ([]byte, error) {
			if string(r.Value) == value {
				return nil, errors.New("no tenant")
			}
			return r.Key, nil
		}),
	}}
}

// setOffset commits as a person with Kafka's tools would.
func setOffset(t *testing.T, broker *bridgetest.Broker, topic string, partition int32, offset int64) {
	t.Helper()
	commitWith(t, broker, topic, partition, offset, "")
}

// commitWith commits as a group that has no members now.
func commitWith(t *testing.T, broker *bridgetest.Broker, topic string, partition int32, offset int64, metadata string) {
	t.Helper()
	client, err := sarama.NewClient(broker.Addrs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	coordinator, err := client.Coordinator("billing")
	if err != nil {
		t.Fatal(err)
	}
	request := &sarama.OffsetCommitRequest{Version: 2, ConsumerGroup: "billing", ConsumerGroupGeneration: -1}
	request.AddBlock(topic, partition, offset, 0, metadata)
	response, err := coordinator.CommitOffset(request)
	if err != nil {
		t.Fatal(err)
	}
	if code := response.Errors[topic][partition]; code != sarama.ErrNoError {
		t.Fatal(code)
	}
}
