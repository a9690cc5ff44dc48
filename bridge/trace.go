package bridge

import (
	"context"
	"strings"
)

// Trace is a W3C trace context: which trace something belongs to, and which span
// of it comes before. The zero value belongs to none.
type Trace struct {
	// Parent is the traceparent: version, trace id, span id and flags.
	Parent string
	// State is the tracestate, what vendors add; empty: nothing.
	State string
}

// The headers that carry a trace, of records and of requests.
const (
	HeaderTraceParent = "traceparent"
	HeaderTraceState  = "tracestate"
)

// Trace returns the trace that the run belongs to: what [Job.SetTrace] has set,
// else that of the record's headers. A header that is no traceparent counts as
// none.
//
// The bridge has no spans of its own. It passes the trace on as it is: in the
// requests of package webhook, to the processes of package exec, and in the
// records that the job produces, unless they bring their own. Copies of dead
// letters have the headers of their record.
func (j *Job) Trace() Trace {
	if j.run != nil {
		if extra := j.run.extra.Load(); extra != nil && extra.trace != nil {
			return *extra.trace
		}
	}
	return traceIn(j.Headers)
}

// SetTrace says which span the run is, so that what it causes is passed that
// one on. It is for a [Middleware], before it calls the handler; see [Spans]. On
// a Job that neither a bridge has made nor [Try] it does nothing.
func (j *Job) SetTrace(t Trace) {
	if j.run != nil {
		j.run.more().trace = &t
	}
}

// TraceOf returns the trace of the run that the context of a handler is of, of a
// batch that of its first job.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

type traceKey struct{}

// Spans returns a middleware that makes a span of each run, for a tracing
// library to be attached with. begin is given the context of the run and its
// job, whose [Job.Trace] is the parent. It returns the handler's context, the
// span as what the run causes is to know it, and, if not nil, what to call with
// the handler's error when it has returned.
func Spans(begin func(context.Context, *Job) (context.Context, Trace, func(error))) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, job *Job) (err error) {
			ctx, span, end := begin(ctx, job)
			if span != (Trace{}) {
				job.SetTrace(span)
			}
			if end != nil {
				err = errGoexit // or a panic, which is to go on
				defer func() { end(err) }()
			}
			err = next.Handle(ctx, job)
			return err
		})
	}
}

// traceIn finds the trace of a record. Of several headers of a name the last
// one counts, as for other headers.
func traceIn(headers []Header) (t Trace) {
	for _, h := range headers {
		switch h.Key {
		case HeaderTraceParent:
			t.Parent = string(h.Value)
		case HeaderTraceState:
			t.State = string(h.Value)
		}
	}
	if !isTraceParent(t.Parent) {
		return Trace{}
	}
	if !isTraceState(t.State) {
		t.State = ""
	}
	return t
}

// isTraceParent follows the recommendation: a later version may add fields.
func isTraceParent(s string) bool {
	const version, trace, span, flags = 2, 32, 16, 2
	fields := strings.Split(s, "-")
	if !isTraceState(s) || len(fields) < 4 || !isHex(fields[0], version) || fields[0] == "ff" || fields[0] == "00" && len(fields) > 4 {
		return false
	}
	return isHex(fields[1], trace) && !isZero(fields[1]) && isHex(fields[2], span) && !isZero(fields[2]) && isHex(fields[3], flags)
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

func isZero(s string) bool { return strings.Trim(s, "0") == "" }

// maxTraceState is as much as everybody has to pass on.
const maxTraceState = 512

// isTraceState: printable ASCII, so that any header can carry it.
func isTraceState(s string) bool {
	if len(s) > maxTraceState {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// headers are what a record carries the trace in.
func (t Trace) headers() []Header {
	if t.Parent == "" {
		return nil
	}
	list := []Header{{HeaderTraceParent, []byte(t.Parent)}}
	if t.State != "" {
		list = append(list, Header{HeaderTraceState, []byte(t.State)})
	}
	return list
}

// traced is what a job produces, with the job's trace where a record has none.
func (t Trace) traced(headers []Header) []Header {
	for _, h := range headers {
		if h.Key == HeaderTraceParent {
			return headers
		}
	}
	return append(headers, t.headers()...)
}
