package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

func letters(n int) []queue.Record {
	records := make([]queue.Record, n)
	for i := range records {
		records[i] = queue.Record{Key: fmt.Appendf(nil, "k%d", i%7), Value: fmt.Append(nil, i), Timestamp: 1700000000000}
	}
	return records
}

// inOrder checks that every dead letter arrived, those of a source partition and
// a target in order, not counting repeats. It returns how many arrived twice.
func inOrder(t *testing.T, copies []bridgetest.Record, want int) (repeats int) {
	t.Helper()
	seen := make(map[string]bool)
	last := make(map[string]int64)
	for _, c := range copies {
		get := func(name string) string {
			for _, h := range c.Headers {
				if h.Key == name {
					return string(h.Value)
				}
			}
			t.Fatalf("a copy has no %s", name)
			return ""
		}
		id := get(bridge.HeaderID)
		if seen[id] {
			repeats++
			continue
		}
		seen[id] = true
		var offset int64
		if _, err := fmt.Sscan(get(bridge.HeaderOffset), &offset); err != nil {
			t.Fatal(err)
		}
		way := fmt.Sprintf("%s to %d", get(bridge.HeaderPartition), c.Partition)
		if before, found := last[way]; found && before > offset {
			t.Errorf("from partition %s: @%d comes after @%d", way, offset, before)
		}
		last[way] = offset
	}
	if len(seen) != want {
		t.Errorf("%d dead letters arrived, want %d", len(seen), want)
	}
	return repeats
}

func TestDeadLettersAreCopied(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders.dead", 3))
	m := bridge.OpenMorgue(t, filepath.Join(t.TempDir(), "holdfast.db"), broker.Addrs())
	m.Bury(t, 4, queue.Record{
		Key: []byte("anna"), Value: []byte("7.50"), Timestamp: 1700000000000,
		Headers: []queue.Header{{Key: "tenant", Value: []byte("acme")}, {Key: "null"}},
	}, queue.Record{Timestamp: -1})
	m.Bury(t, 5, letters(1000)...)
	m.Send(t)
	m.AwaitSent(t)
	copies := broker.Consume(t, "orders.dead")
	if repeats := inOrder(t, copies, 1002); repeats > 0 {
		t.Errorf("%d were sent twice", repeats)
	}
	var java partitioner.Placement
	for _, c := range copies {
		want := java.Partition(c.Key, 3)
		if c.Key == nil {
			want = 4 % 3
		}
		if c.Partition != want {
			t.Errorf("key %s is in partition %d, want %d", c.Key, c.Partition, want)
		}
		if string(c.Key) != "anna" {
			continue
		}
		text := ""
		for _, h := range c.Headers {
			if h.Key != bridge.HeaderBuried && h.Key != bridge.HeaderFirstFailure && h.Key != bridge.HeaderLastFailure {
				text += fmt.Sprintf("%s=%s;", h.Key, h.Value)
			}
		}
		if want := "tenant=acme;null=;holdfast-id=topic-id/4@0;holdfast-topic=orders;holdfast-partition=4;holdfast-offset=0;" +
			"holdfast-timestamp=2023-11-14T22:13:20Z;holdfast-group=billing;holdfast-attempts=1;holdfast-burial=1;holdfast-error=account locked;"; text != want {
			t.Errorf("headers are %s\nwant        %s", text, want)
		}
		if string(c.Value) != "7.50" {
			t.Errorf("value %s", c.Value)
		}
	}
}

// The topic takes nothing for a while, and all at once; the process is lost
// meanwhile. (Acceptance: every dead letter arrives, in its order.)
func TestDeadTopicUnavailable(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders.dead", 3))
	path := filepath.Join(t.TempDir(), "holdfast.db")
	m := bridge.OpenMorgue(t, path, broker.Addrs())
	outage := broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrTopicAuthorizationFailed, "orders.dead", 0, 1, 2)
	m.Bury(t, 0, letters(700)...)
	stop := m.Send(t)
	outage.Wait(t, 3)
	eventually(t, "the outage is told", func() bool { return m.Log.Count("dead letters cannot be copied") > 0 })
	outage.Wait(t, outage.Hits()+1)
	m.Bury(t, 1, letters(700)...) // burying goes on
	began := time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if n := m.Log.Count("dead letters cannot be copied"); n != 1 {
		t.Errorf("the outage was told of %d times", n)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = bridge.OpenMorgue(t, path, broker.Addrs())
	m.Send(t)
	outage.Wait(t, outage.Hits()+1)
	// One of the targets comes back later than the others.
	late := broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrTopicAuthorizationFailed, "orders.dead", 1)
	outage.Remove()
	late.Wait(t, 2)
	late.Remove()
	m.AwaitSent(t)
	inOrder(t, broker.Consume(t, "orders.dead"), 1400)
	if n := m.Log.Count("dead letters are copied to their topic again"); n != 1 {
		t.Errorf("the end of the outage was told of %d times", n)
	}
}

// Whoever asks hours after the log has said so is told as well.
func TestStatusTellsOfADeadTopicThatIsUnavailable(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("orders.dead", 1))
	outage := broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrTopicAuthorizationFailed, "orders.dead", 0)
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: []byte("v")})
	b := start(t, config(t, broker, bridge.Topic{
		Name: "orders", OnFailure: bridge.BuryJob, DeadLetter: bridge.DeadLetter{Topic: "orders.dead"},
		Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return bridge.Bury(errors.New("no such customer")) }),
	}))
	<-b.Ready()
	told := func() bool {
		st, err := b.Inspector().Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(st.Problems, func(p inspect.Problem) bool { return p.Code == "unsent" && p.Topic == "orders" })
	}
	eventually(t, "the status tells of it", told)
	outage.Remove()
	eventually(t, "the status tells of it no more", func() bool { return !told() })
}

// A letter that its topic will never take holds up none behind it, and stays.
func TestUnfitDeadLetterStaysLocal(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	broker.CreateTopic(t, "orders.dead", 1, "max.message.bytes", "5000")
	m := bridge.OpenMorgue(t, filepath.Join(t.TempDir(), "holdfast.db"), broker.Addrs())
	records := letters(9)
	for i := range records {
		records[i].Key = nil
	}
	records[4].Value = []byte(strings.Repeat("x", 6000))
	m.Bury(t, 0, records...)
	m.Send(t)
	m.AwaitSent(t)
	inOrder(t, broker.Consume(t, "orders.dead"), 8)
	if n := m.Log.Count("orders/0@4"); n != 1 {
		t.Errorf("it was named %d times", n)
	}
	if n := m.Kept(); n != 9 {
		t.Errorf("%d are kept", n)
	}
}

// Whatever becomes of single requests, copies arrive in order.
func TestCopiesUnderRandomFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders.dead", 3), bridgetest.Nodes(3))
			m := bridge.OpenMorgue(t, filepath.Join(t.TempDir(), "holdfast.db"), broker.Addrs())
			stop := m.Send(t)
			for round := range 8 {
				partition := int32(random.IntN(3))
				switch random.IntN(5) {
				case 0:
					broker.Drop(bridgetest.Produce, 1+random.IntN(3))
				case 1:
					broker.Fail(bridgetest.Produce, 1+random.IntN(2), sarama.ErrNotEnoughReplicasAfterAppend)
				case 2:
					broker.FailPartitions(bridgetest.Produce, 1, sarama.ErrTopicAuthorizationFailed, "orders.dead", partition)
				case 3:
					broker.FailPartitions(bridgetest.Produce, 1+random.IntN(3), sarama.ErrOutOfOrderSequenceNumber, "orders.dead", partition)
				case 4:
					broker.MoveLeader(t, "orders.dead", partition, int32(random.IntN(3)))
				}
				m.Bury(t, int32(round%2), letters(1+random.IntN(60))...)
				if round == 4 { // as if it had been killed between sending and noting that
					stop()
					stop = m.Send(t)
				}
			}
			m.AwaitSent(t)
			inOrder(t, broker.Consume(t, "orders.dead"), m.Kept())
		})
	}
}

func TestMissingTargetsAreNamedAtTheStart(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("charged", 1))
	cfg := config(t, broker, bridge.Topic{
		Name: "orders", Handler: double,
		Produce: bridge.Produce{Topic: "charged"}, DeadLetter: bridge.DeadLetter{Topic: "orders.dead"},
	})
	log := new(bridge.Logged)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	b := start(t, cfg)
	<-b.Ready()
	if n := log.Count("topic to produce to does not exist; create it"); n != 1 || log.Count("orders.dead") != 1 {
		t.Errorf("%d missing topics were named", n)
	}
}
