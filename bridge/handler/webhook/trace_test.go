package webhook

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// The trace of a record goes on in the request, forwarded or not, unless the
// configuration sets another one.
func TestTraceIsPassedOn(t *testing.T) {
	t.Parallel()
	const parent, other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"
	of := func(parent, state string) bridge.Record {
		return bridge.Record{Headers: []bridge.Header{{Key: "traceparent", Value: []byte(parent)}, {Key: "tracestate", Value: []byte(state)}}}
	}
	server, got := record(t)
	for _, c := range []struct {
		config        Config
		record        bridge.Record
		parent, state []string
	}{
		{Config{}, of(parent, "a=1"), []string{parent}, []string{"a=1"}},
		{Config{}, of(parent, ""), []string{parent}, nil},
		{Config{}, of("nonsense", "a=1"), nil, nil},
		{Config{}, bridge.Record{}, nil, nil},
		{Config{ForwardHeaders: []string{"traceparent", "tracestate"}}, of(parent, "a=1"), []string{parent}, []string{"a=1"}},
		{Config{Headers: map[string]string{"traceparent": other}}, of(parent, "a=1"), []string{other}, nil},
	} {
		c.config.URL = server.URL
		post(t, handler(t, c.config), &bridge.Job{Record: c.record})
		header := (<-got).header
		if diff := cmp.Diff([][]string{c.parent, c.state}, [][]string{header["Traceparent"], header["Tracestate"]}); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}
