package exec

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// ofTrace are headers of a record that belongs to a trace.
var ofTrace = []bridge.Header{{Key: "traceparent", Value: []byte(traceParent)}, {Key: "tracestate", Value: []byte("a=1")}}

func TestAProcessGetsTheTraceOfItsJob(t *testing.T) {
	t.Parallel()
	env := jobEnvironment(&bridge.Job{Record: bridge.Record{Headers: ofTrace}})
	for _, want := range []string{"TRACEPARENT=" + traceParent, "TRACESTATE=a=1"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not in %q", want, env)
		}
	}
	if env := traceEnvironment(&bridge.Job{}); len(env) > 0 {
		t.Errorf("a job of no trace adds %q", env)
	}
}

func TestAStreamGetsTheTraceOfEachJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		headers       []bridge.Header
		parent, state any
	}{
		{ofTrace, traceParent, "a=1"},
		{nil, nil, nil},
	} {
		line, err := encodeJob("7", &bridge.Job{Record: bridge.Record{Headers: c.headers}}, false)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if got["traceparent"] != c.parent || got["tracestate"] != c.state {
			t.Errorf("%s", line)
		}
	}
}
