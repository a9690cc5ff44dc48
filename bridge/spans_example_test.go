package bridge_test

import (
	"context"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// A tracing library takes part through a middleware. With OpenTelemetry, begin is
//
//	func(ctx context.Context, job *bridge.Job) (context.Context, bridge.Trace, func(error)) {
//		t := job.Trace()
//		carrier := propagation.MapCarrier{"traceparent": t.Parent, "tracestate": t.State}
//		ctx = propagator.Extract(ctx, carrier)
//		ctx, span := tracer.Start(ctx, "process "+job.Topic, trace.WithSpanKind(trace.SpanKindConsumer))
//		propagator.Inject(ctx, carrier)
//		return ctx, bridge.Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}, func(err error) {
//			span.RecordError(err) // which leaves nil alone
//			span.End()
//		}
//	}
func ExampleSpans() {
	spans := bridge.Spans(func(ctx context.Context, job *bridge.Job) (context.Context, bridge.Trace, func(error)) {
		fmt.Println("begins after", job.Trace().Parent)
		span := bridge.Trace{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000b2-01"}
		return ctx, span, func(err error) { fmt.Println("ends with", err) }
	})
	charge := spans(bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		fmt.Println("charges", job)
		return nil
	}))
	_ = charge.Handle(context.Background(), &bridge.Job{Record: bridge.Record{
		Topic: "orders", Partition: 3, Offset: 1042,
		Headers: []bridge.Header{{Key: "traceparent", Value: []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000a1-01")}},
	}})
	// Output:
	// begins after 00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000a1-01
	// charges orders/3@1042
	// ends with <nil>
}
