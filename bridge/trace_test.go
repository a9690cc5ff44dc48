package bridge

import (
	"strings"
	"testing"
)

const (
	parentText = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	otherText  = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"
)

// TestTraceOfHeaders follows the W3C recommendation of what is a traceparent.
func TestTraceOfHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		headers []Header
		want    Trace
	}{
		{"none", nil, Trace{}},
		{"both", []Header{{"traceparent", []byte(parentText)}, {"tracestate", []byte("a=1,b=2")}}, Trace{parentText, "a=1,b=2"}},
		{"the last of several counts", []Header{{"traceparent", []byte(otherText)}, {"traceparent", []byte(parentText)}}, Trace{Parent: parentText}},
		{"a state alone is of no trace", []Header{{"tracestate", []byte("a=1")}}, Trace{}},
		{"null", []Header{{"traceparent", nil}}, Trace{}},
		{"upper case", []Header{{"traceparent", []byte(strings.ToUpper(parentText))}}, Trace{}},
		{"no trace id", []Header{{"traceparent", []byte("00-00000000000000000000000000000000-00f067aa0ba902b7-01")}}, Trace{}},
		{"no span id", []Header{{"traceparent", []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")}}, Trace{}},
		{"the forbidden version", []Header{{"traceparent", []byte("ff" + parentText[2:])}}, Trace{}},
		{"more than version 00 has", []Header{{"traceparent", []byte(parentText + "-more")}}, Trace{}},
		{"more in a later version", []Header{{"traceparent", []byte("01" + parentText[2:] + "-more")}}, Trace{Parent: "01" + parentText[2:] + "-more"}},
		{"endless", []Header{{"traceparent", []byte("01" + parentText[2:] + "-" + strings.Repeat("x", 1000))}}, Trace{}},
		{"a line break", []Header{{"traceparent", []byte("01" + parentText[2:] + "-a\r\nb: c")}}, Trace{}},
		{"a state that no header can carry", []Header{{"traceparent", []byte(parentText)}, {"tracestate", []byte("a=1\r\nb: c")}}, Trace{Parent: parentText}},
		{"a state that is too long", []Header{{"traceparent", []byte(parentText)}, {"tracestate", []byte(strings.Repeat("x", 513))}}, Trace{Parent: parentText}},
	} {
		if got := traceIn(c.headers); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func FuzzTraceOfHeaders(f *testing.F) {
	f.Add(parentText, "a=1")
	f.Add("01"+parentText[2:]+"-x", "")
	f.Fuzz(func(t *testing.T, parent, state string) {
		got := traceIn([]Header{{"traceparent", []byte(parent)}, {"tracestate", []byte(state)}})
		if got.Parent != "" && got.Parent != parent || got.State != "" && got.State != state {
			t.Fatalf("%q and %q became %+v", parent, state, got)
		}
		if !isTraceState(got.Parent) || !isTraceState(got.State) {
			t.Fatalf("no header can carry %+v", got)
		}
	})
}
