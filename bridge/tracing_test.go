package bridge_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

const (
	ofRecord = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	ofRun    = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"
)

// traceOf is what a record of the broker carries.
func traceOf(r bridgetest.Record) (list []string) {
	for _, h := range r.Headers {
		if h.Key == bridge.HeaderTraceParent || h.Key == bridge.HeaderTraceState {
			list = append(list, string(h.Value))
		}
	}
	return list
}

// arrived waits for n records of a topic.
func arrived(t *testing.T, broker *bridgetest.Broker, topic string, n int) (list []bridgetest.Record) {
	t.Helper()
	eventually(t, topic+" has its records", func() bool {
		list = broker.Consume(t, topic)
		return len(list) >= n
	})
	return list
}

func traced(key string) bridgetest.Record {
	return bridgetest.Record{Key: []byte(key), Value: []byte(key), Headers: []bridgetest.Header{
		{Key: bridge.HeaderTraceParent, Value: []byte(ofRecord)}, {Key: bridge.HeaderTraceState, Value: []byte("vendor=1")},
	}}
}

// TestATraceGoesOnInWhatAJobCauses: in its context, in what it produces, and in
// the copy of a dead letter.
func TestATraceGoesOnInWhatAJobCauses(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Topic("charged", 1), bridgetest.Topic("dead", 1))
	broker.Produce(t, "orders", traced("good"), traced("own"), traced("bad"), bridgetest.Record{Key: []byte("plain"), Value: []byte("plain")})
	seen := make(chan bridge.Trace, 4)
	start(t, config(t, broker, bridge.Topic{
		Name: "orders", OnFailure: bridge.BuryJob, DeadLetter: bridge.DeadLetter{Topic: "dead"}, Produce: bridge.Produce{Topic: "charged"},
		Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
			inner, cancel := context.WithCancel(ctx)
			defer cancel()
			seen <- bridge.TraceOf(inner)
			switch record := (bridge.Record{Key: job.Key}); string(job.Key) {
			case "bad":
				return bridge.Bury(errors.New("no"))
			case "own":
				record.Headers = []bridge.Header{{Key: bridge.HeaderTraceParent, Value: []byte(ofRun)}}
				job.Produce(record)
			default:
				job.Produce(record)
			}
			return nil
		}),
	}))
	plain := 0
	for range 4 {
		switch got := <-seen; got {
		case bridge.Trace{Parent: ofRecord, State: "vendor=1"}:
		case bridge.Trace{}:
			plain++
		default:
			t.Errorf("a handler's context is of %+v", got)
		}
	}
	if plain != 1 {
		t.Errorf("%d runs have no trace, want 1", plain)
	}
	want := map[string][]string{"good": {ofRecord, "vendor=1"}, "own": {ofRun}, "plain": nil}
	for _, r := range arrived(t, broker, "charged", 3) {
		if got := traceOf(r); !slices.Equal(got, want[string(r.Key)]) {
			t.Errorf("what %s produced carries %q", r.Key, got)
		}
	}
	if got := traceOf(arrived(t, broker, "dead", 1)[0]); !slices.Equal(got, []string{ofRecord, "vendor=1"}) {
		t.Errorf("the copy of a dead letter carries %q", got)
	}
}

// TestSpansOfATracingLibraryTakeTheRecordsPlace: what a run causes belongs to
// the run's own span, and the span hears how the run ended.
func TestSpansOfATracingLibraryTakeTheRecordsPlace(t *testing.T) {
	t.Parallel()
	type spanKey struct{}
	failure := errors.New("no")
	var parent, inContext bridge.Trace
	var ended []error
	spans := bridge.Spans(func(ctx context.Context, job *bridge.Job) (context.Context, bridge.Trace, func(error)) {
		parent = job.Trace()
		return context.WithValue(ctx, spanKey{}, "span"), bridge.Trace{Parent: ofRun}, func(err error) { ended = append(ended, err) }
	})
	trial, err := bridge.Try(t.Context(), bridge.Config{
		Use: []bridge.Middleware{spans},
		Topics: []bridge.Topic{{
			Name: "orders", Produce: bridge.Produce{Topic: "charged"},
			Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
				inContext = bridge.TraceOf(ctx)
				if ctx.Value(spanKey{}) != "span" {
					t.Error("the handler has another context than the span's")
				}
				if string(job.Value) == "bad" {
					return failure
				}
				job.Produce(bridge.Record{Value: []byte("charged")})
				return nil
			}),
		}},
	}, bridge.Job{Record: bridge.Record{Topic: "orders", Value: []byte("good"), Headers: []bridge.Header{{Key: bridge.HeaderTraceParent, Value: []byte(ofRecord)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if parent.Parent != ofRecord || inContext.Parent != ofRun || !slices.Equal(ended, []error{nil}) {
		t.Errorf("parent %+v, in the context %+v, ended with %v", parent, inContext, ended)
	}
	i := slices.IndexFunc(trial.Produced[0].Headers, func(h bridge.Header) bool { return h.Key == bridge.HeaderTraceParent })
	if i < 0 || string(trial.Produced[0].Headers[i].Value) != ofRun {
		t.Errorf("produced with %v", trial.Produced[0].Headers)
	}
}

func TestASpanEndsAlsoWhereAHandlerPanics(t *testing.T) {
	t.Parallel()
	var ended error
	spans := bridge.Spans(func(ctx context.Context, _ *bridge.Job) (context.Context, bridge.Trace, func(error)) {
		return ctx, bridge.Trace{}, func(err error) { ended = err }
	})
	trial, err := bridge.Try(t.Context(), bridge.Config{
		Use:    []bridge.Middleware{spans},
		Topics: []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error { panic("at the disco") })}},
	}, bridge.Job{Record: bridge.Record{Topic: "orders", Timestamp: time.Now()}})
	if err != nil {
		t.Fatal(err)
	}
	if ended == nil || !errors.As(trial.Err, new(*bridge.PanicError)) {
		t.Errorf("the span ended with %v, the run with %v", ended, trial.Err)
	}
}
