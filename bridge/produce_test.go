package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// double produces each value twice, to the topic of the configuration.
var double = bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
	job.Produce(bridge.Record{Key: job.Key, Value: job.Value}, bridge.Record{Key: job.Key, Value: append([]byte("again "), job.Value...)})
	return nil
})

func header(r bridgetest.Record, name string) string {
	value := "(none)"
	for _, h := range r.Headers {
		if h.Key == name {
			value = string(h.Value)
		}
	}
	return value
}

// Keys go where a Java producer would send them, each lane's in its order, with
// what consumers remove duplicates by.
func TestJobsProduce(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2), bridgetest.Topic("charged", 5))
	start(t, config(t, broker, bridge.Topic{Name: "orders", Handler: double, Produce: bridge.Produce{Topic: "charged", OriginHeaders: true}}))
	produce(t, broker, "orders", 200, 17, 2)
	broker.WaitCommitted(t, "billing", "orders")

	var java partitioner.Placement
	id := broker.TopicID("orders")
	last := make(map[string]int64)
	got := broker.Consume(t, "charged")
	if len(got) != 400 {
		t.Fatalf("%d records were produced, want 400", len(got))
	}
	for _, r := range got {
		if want := java.Partition(r.Key, 5); r.Partition != want {
			t.Errorf("key %s is in partition %d, Java's producer chooses %d", r.Key, r.Partition, want)
		}
		var offset, index int64
		if _, err := fmt.Sscan(header(r, bridge.HeaderOffset), &offset); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(header(r, bridge.HeaderIndex), &index); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%s/%s@%d", id, header(r, bridge.HeaderPartition), offset); header(r, bridge.HeaderID) != want {
			t.Errorf("id %s, want %s", header(r, bridge.HeaderID), want)
		}
		if header(r, bridge.HeaderTopic) != "orders" || header(r, bridge.HeaderTimestamp) == "(none)" {
			t.Errorf("origin: %+v", r.Headers)
		}
		place := 2*offset + index
		if before, seen := last[string(r.Key)]; seen && before >= place {
			t.Errorf("key %s: @%d %d comes too late", r.Key, offset, index)
		}
		last[string(r.Key)] = place
	}
}

// Nothing is committed, and the lane stays, until Kafka has what was produced;
// no worker waits for that.
func TestJobsAreDoneWhenTheirRecordsAre(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("charged", 1))
	var ran atomic.Int32
	cfg := config(t, broker, bridge.Topic{Name: "orders", Produce: bridge.Produce{Topic: "charged"},
		Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			ran.Add(1)
			return double(ctx, job)
		})})
	cfg.Workers = 1
	cfg.CommitEvery = time.Millisecond
	records := make([]bridgetest.Record, 40)
	for i := range records {
		records[i] = bridgetest.Record{Key: fmt.Append(nil, i%20)}
	}
	broker.Produce(t, "orders", records...)
	outage := broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrNotEnoughReplicas, "charged", 0)
	start(t, cfg)
	eventually(t, "each lane's first job has run on the only worker", func() bool { return ran.Load() >= 20 })
	outage.Wait(t, outage.Hits()+2)
	if n, at := ran.Load(), broker.Committed("billing", "orders")[0].Offset; n != 20 || at != 0 {
		t.Errorf("%d jobs ran of 20 lanes whose results are not there, and %d are committed", n, at)
	}
	outage.Remove()
	broker.WaitCommitted(t, "billing", "orders")
	if n := len(broker.Consume(t, "charged")); n != 80 {
		t.Errorf("%d records arrived, want 80", n)
	}
}

// A job whose records are refused has failed, with a sentence, and nothing of a
// run that failed by itself is produced.
func TestFailedProducingIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("charged", 1))
	results := make(chan bridge.Result, 100)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Retry: bridge.Backoff{First: time.Millisecond, Jitter: -1},
		Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
			switch job.Attempt {
			case 1:
				job.Produce(bridge.Record{Topic: "missing"})
			case 2:
				job.Produce(bridge.Record{Topic: "charged", Value: []byte("of a run that failed")})
				return errors.New("no")
			case 3:
				job.Produce(bridge.Record{})
			default:
				job.Produce(bridge.Record{Topic: "charged", Value: []byte("at last")})
			}
			return nil
		})})
	cfg.Hooks = &bridge.Hooks{Finished: func(_ *bridge.Job, r bridge.Result) { results <- r }}
	start(t, cfg)
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k")})
	for i, want := range []string{
		"produce to missing: topic or partition does not exist: create it, or correct its name", "no",
		"a record to produce names no topic, and that of its job has none to produce to: set one of them", "",
	} {
		got := <-results
		if text := fmt.Sprint(got.Err); text != want && (got.Err != nil || want != "") {
			t.Errorf("attempt %d: %s, want %s", i+1, text, want)
		}
		if (i == 0 || i == 2) && !errors.Is(got.Err, bridge.ErrProduceFailed) {
			t.Errorf("attempt %d is no ErrProduceFailed", i+1)
		}
	}
	broker.WaitCommitted(t, "billing", "orders")
	if got := broker.Consume(t, "charged"); len(got) != 1 || string(got[0].Value) != "at last" {
		t.Errorf("produced: %+v", got)
	}
}

// A stop lets go of what is not acknowledged: no attempt is lost, and the next
// start produces it.
func TestStopWhileProducing(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("charged", 1))
	results := make(chan bridge.Result, 10)
	attempts := make(chan int, 10)
	cfg := config(t, broker, bridge.Topic{Name: "orders", Produce: bridge.Produce{Topic: "charged"},
		Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			attempts <- job.Attempt
			return double(ctx, job)
		})})
	cfg.Hooks = &bridge.Hooks{Finished: func(_ *bridge.Job, r bridge.Result) { results <- r }}
	cfg.StopWithin = -1
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: []byte("v")})
	outage := broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrNotEnoughReplicas, "charged", 0)
	first := start(t, cfg)
	<-attempts
	outage.Wait(t, 1)
	first.mustStop(t)
	if r := <-results; r.Outcome != "release" || !errors.Is(r.Err, bridge.ErrStopping) {
		t.Errorf("at the stop: %+v", r)
	}
	outage.Remove()
	cfg.StopWithin = 0
	start(t, cfg)
	if n := <-attempts; n != 1 {
		t.Errorf("attempt %d after the stop", n)
	}
	if r := <-results; r.Outcome != "done" || len(r.Produced) != 2 {
		t.Errorf("in the end: %+v", r)
	}
	if n := len(broker.Consume(t, "charged")); n != 2 {
		t.Errorf("%d records arrived", n)
	}
}

func TestTryShowsWhatWouldBeProduced(t *testing.T) {
	t.Parallel()
	record := bridge.Record{Topic: "orders", Partition: 3, Offset: 7, Key: []byte("k"), Value: []byte("v")}
	trial, err := bridge.Try(t.Context(), bridge.Config{Topics: []bridge.Topic{{
		Name: "orders", Handler: double, Produce: bridge.Produce{Topic: "charged"},
	}}}, bridge.Job{Record: record})
	if err != nil {
		t.Fatal(err)
	}
	if p := trial.Produced; len(p) != 2 || p[1].Topic != "charged" || string(p[1].Value) != "again v" ||
		len(p[1].Headers) != 2 || string(p[1].Headers[0].Value) != "orders/3@7" || string(p[1].Headers[1].Value) != "1" {
		t.Errorf("produced: %+v", p)
	}
	if r := bridgetest.Handle(t, double, bridge.Job{Record: record}); r.Outcome != "done" || len(r.Produced) != 2 {
		t.Errorf("handled: %+v", r)
	}
	nothing := bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		return errors.Join(double(ctx, job), errors.New("no"))
	})
	if r := bridgetest.Handle(t, nothing, bridge.Job{Record: record}); r.Outcome != "retry" || r.Produced != nil {
		t.Errorf("failed, and produced: %+v", r)
	}
}

func TestLoopsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		to   bridge.Produce
		want string
	}{
		{bridge.Produce{Topic: "orders"}, "Topics[0].Produce.Topic: this bridge consumes orders itself, by its entry orders"},
		{bridge.Produce{Topic: "audit.x"}, "this bridge consumes audit.x itself, by its entry ~audit"},
		{bridge.Produce{Topic: "audit.x", AllowLoop: true}, ""},
		{bridge.Produce{Topic: "other"}, ""},
		{bridge.Produce{Topic: "not a topic"}, `"not a topic" cannot be a Kafka topic`},
		{bridge.Produce{Results: true}, "Produce.Topic: is empty"},
		{bridge.Produce{Partitioner: "md5"}, `Produce.Partitioner: "md5" is unknown; use one of murmur2, `},
		{bridge.Produce{Key: 9}, "Produce.Key: 9 is unknown"},
	} {
		_, err := bridge.Try(t.Context(), bridge.Config{Topics: []bridge.Topic{
			{Name: "orders", Handler: double, Produce: tt.to}, {Match: `audit\..*`, Handler: double},
		}}, bridge.Job{Record: bridge.Record{Topic: "audit.y"}})
		if text := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(text, tt.want) {
			t.Errorf("%+v: %v", tt.to, err)
		}
	}
}

// A deferred job produces what it has when it is finished, and shows as deferred
// until that is acknowledged.
func TestDeferredJobProduces(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("charged", 1))
	b := start(t, config(t, broker, bridge.Topic{Name: "orders", Produce: bridge.Produce{Topic: "charged"},
		Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			later := job.Defer(0)
			time.AfterFunc(time.Millisecond, func() { later.Finish(double(ctx, job)) })
			return nil
		})}))
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("k"), Value: []byte("v")})
	outage := broker.FailPartitions(bridgetest.Produce, bridgetest.Always, sarama.ErrNotEnoughReplicas, "charged", 0)
	<-b.Ready()
	outage.Wait(t, 1)
	for job, err := range b.Inspector().Jobs(t.Context(), inspect.Query{Topic: "orders"}) {
		if err != nil || job.State != inspect.Deferred {
			t.Errorf("%s is %s, %v", job.Name, job.State, err)
		}
	}
	outage.Remove()
	broker.WaitCommitted(t, "billing", "orders")
	if n := len(broker.Consume(t, "charged")); n != 2 {
		t.Errorf("%d records arrived", n)
	}
}
