package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

var errLocked = errors.New("account locked")

// byKey ends as the record's key says.
func byKey(_ context.Context, job *bridge.Job) error {
	switch string(job.Key) {
	case "done":
		return nil
	case "malformed":
		return fmt.Errorf("charge: %w", bridge.Bury(errLocked))
	case "later":
		return bridge.RetryAfter(time.Hour, errLocked)
	case "goexit":
		runtime.Goexit()
	}
	return errLocked
}

func shop(handler bridge.HandlerFunc) bridge.Config {
	return bridge.Config{Topics: []bridge.Topic{{
		Name:        "orders",
		Handler:     handler,
		Partitioner: partitioner.Scheme{Sources: []partitioner.Source{partitioner.HeaderValue("tenant")}},
		Retry:       bridge.Backoff{First: time.Minute, Factor: 3, Max: time.Hour, Jitter: -1},
	}}}
}

func TestTry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key, outcome string
		delay        time.Duration
		err          string
	}{
		{"done", "done", 0, ""},
		{"locked", "retry", 3 * time.Minute, "account locked"},
		{"later", "retry", time.Hour, "account locked"},
		{"malformed", "halt", 0, "charge: account locked"},
		{"goexit", "retry", 3 * time.Minute, "handler called runtime.Goexit"},
	} {
		t.Run(tt.key, func(t *testing.T) {
			t.Parallel()
			cfg := shop(byKey)
			cfg.Clock = &ticking{at: time.Unix(1000, 0)}
			job := bridge.Job{Record: bridge.Record{Topic: "orders", Key: []byte(tt.key)}, Attempt: 2}
			got, err := bridge.Try(t.Context(), cfg, job)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			if got.Err != nil {
				said = got.Err.Error()
			}
			if got.Outcome != tt.outcome || got.Delay != tt.delay || said != tt.err || got.Took != time.Second {
				t.Errorf("%+v, want %+v in 1s", got.Result, tt)
			}
		})
	}
}

// ticking is a clock on which each look takes a second.
type ticking struct {
	queue.SystemClock
	at time.Time
}

func (c *ticking) Now() time.Time {
	c.at = c.at.Add(time.Second)
	return c.at
}

// What Try says of a record is what a bridge does with it.
func TestTryAgreesWithABridge(t *testing.T) {
	t.Parallel()
	records := []bridgetest.Record{
		{Key: []byte("done"), Value: []byte("7.50"), Time: time.UnixMilli(1700000000123), Headers: []bridgetest.Header{{Key: "tenant", Value: []byte("acme")}, {Key: "none"}}},
		{Key: []byte("locked"), Value: []byte{}, Time: time.UnixMilli(1)},
		{Key: []byte("malformed"), Time: time.UnixMilli(1), Headers: []bridgetest.Header{{Key: "tenant", Value: []byte{}}}},
		{Key: []byte("later"), Value: []byte{0, 0xff}, Time: time.UnixMilli(1)},
		{Value: []byte("no key"), Time: time.UnixMilli(0)},
	}
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Records("orders", records...))
	cfg := config(t, broker)
	cfg.Topics = shop(byKey).Topics
	cfg.Use = []bridge.Middleware{func(next bridge.Handler) bridge.Handler {
		return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			if err := next.Handle(ctx, job); err != nil {
				return fmt.Errorf("through the middleware: %w", err)
			}
			return nil
		})
	}}
	type run struct {
		Job    *bridge.Job
		Result bridge.Result
	}
	var mu sync.Mutex
	seen := make(map[int64]run)
	cfg.Hooks = &bridge.Hooks{Finished: func(job *bridge.Job, r bridge.Result) {
		mu.Lock()
		defer mu.Unlock()
		seen[job.Offset] = run{job, r}
	}}
	start(t, cfg)
	eventually(t, "a run of each record", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == len(records)
	})
	for offset, bridged := range seen {
		record := bridge.Record{Topic: "orders", Offset: offset}
		given := records[offset]
		record.Key, record.Value, record.Timestamp = given.Key, given.Value, given.Time
		for _, h := range given.Headers {
			record.Headers = append(record.Headers, bridge.Header(h))
		}
		tried, err := bridge.Try(t.Context(), cfg, bridge.Job{Record: record})
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(bridged, run{tried.Job, tried.Result},
			cmpopts.IgnoreFields(bridge.Result{}, "Took", "Waited"), cmpopts.IgnoreUnexported(bridge.Job{}),
			cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error()) }))
		if diff != "" {
			t.Errorf("%s (-bridge +try):\n%s", tried.Job, diff)
		}
	}
}

func TestTryFindsTheRoute(t *testing.T) {
	t.Parallel()
	ran := ""
	named := func(name string) bridge.Handler {
		return bridge.HandlerFunc(func(context.Context, *bridge.Job) error {
			ran = name
			return nil
		})
	}
	broken := partitioner.Scheme{Sources: []partitioner.Source{
		partitioner.Func("broken", func(partitioner.Record) ([]byte, error) { return nil, errors.New("no lane") }),
	}}
	cfg := bridge.Config{Topics: []bridge.Topic{
		{Name: "orders", Handler: named("orders")},
		{Match: "or.*", Handler: named("or.*")},
		{Match: ".*a", Handler: named(".*a"), Partitioner: broken},
	}}
	try := func(topic string) (bridge.Trial, error) {
		return bridge.Try(t.Context(), cfg, bridge.Job{Record: bridge.Record{Topic: topic}})
	}
	for topic, want := range map[string]string{"orders": "orders", "oranges": "~or.*", "pizza": "~.*a"} {
		got, err := try(topic)
		if err != nil || got.Matched != want || ran != trimmed(want) || got.Job.Attempt != 1 || !got.OwnLane {
			t.Errorf("%s: %+v by %s, %v, want %s", topic, got, ran, err, want)
		}
		if failed := got.PartitionerErr != nil; failed != (topic == "pizza") {
			t.Errorf("%s: the partitioner said %v", topic, got.PartitionerErr)
		}
	}
	for _, topic := range []string{"", "payments", "ora"} {
		if _, err := try(topic); !errors.Is(err, bridge.ErrRefused) {
			t.Errorf("topic %q: %v, want %v", topic, err, bridge.ErrRefused)
		}
	}
	cfg.Topics[0].Handler = nil
	var invalid *bridge.ConfigError
	if _, err := try("orders"); !errors.As(err, &invalid) {
		t.Errorf("without a handler: %v", err)
	}
}

func trimmed(selector string) string {
	if selector[0] == '~' {
		return selector[1:]
	}
	return selector
}

func TestTryIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var cause error
	got, err := bridge.Try(ctx, shop(func(run context.Context, _ *bridge.Job) error {
		cancel()
		<-run.Done()
		cause = context.Cause(run)
		return run.Err()
	}), bridge.Job{Record: bridge.Record{Topic: "orders"}})
	if err != nil || got.Outcome != "release" || !errors.Is(cause, bridge.ErrStopping) {
		t.Errorf("%+v, %v, cause %v", got.Result, err, cause)
	}
}
