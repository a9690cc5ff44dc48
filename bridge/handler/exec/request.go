package exec

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// streamVersion tells a child which lines there are. It grows when answers of a new kind
// are understood.
const streamVersion = "HOLDFAST_STREAM_VERSION=2"

// request is a job as a child reads it. Of a pair of fields one is there: X with text or
// null, or X_base64 with bytes.
type request struct {
	ID          string   `json:"id"`
	Job         string   `json:"job"`
	Topic       string   `json:"topic"`
	Partition   int32    `json:"partition"`
	Offset      int64    `json:"offset"`
	Timestamp   string   `json:"timestamp,omitempty"`
	Attempt     int      `json:"attempt"`
	LastError   string   `json:"last_error,omitempty"`
	Reached     any      `json:"checkpoint,omitempty"`
	ReachedB64  any      `json:"checkpoint_base64,omitempty"`
	Key         any      `json:"key,omitempty"`
	KeyBase64   any      `json:"key_base64,omitempty"`
	Lane        any      `json:"lane,omitempty"`
	LaneBase64  any      `json:"lane_base64,omitempty"`
	TraceParent string   `json:"traceparent,omitempty"`
	TraceState  string   `json:"tracestate,omitempty"`
	Headers     []header `json:"headers"`
	Value       any      `json:"value,omitempty"`
	ValueBase64 any      `json:"value_base64,omitempty"`
}

type header struct {
	Name        string `json:"name"`
	Value       any    `json:"value,omitempty"`
	ValueBase64 any    `json:"value_base64,omitempty"`
}

// encodeJob writes job as a line, for a run with the id.
func encodeJob(id string, job *bridge.Job, base64 bool) ([]byte, error) {
	r := request{
		ID: id, Job: job.ID(), Topic: job.Topic, Partition: job.Partition, Offset: job.Offset,
		Attempt: job.Attempt, LastError: job.LastError, Headers: make([]header, len(job.Headers)),
	}
	trace := job.Trace()
	r.TraceParent, r.TraceState = trace.Parent, trace.State
	if !job.Timestamp.IsZero() {
		r.Timestamp = job.Timestamp.UTC().Format(time.RFC3339Nano)
	}
	if reached := job.LastCheckpoint(); reached != nil {
		r.Reached, r.ReachedB64 = textOrBytes(reached)
	}
	r.Key, r.KeyBase64 = textOrBytes(job.Key)
	r.Lane, r.LaneBase64 = textOrBytes([]byte(job.Lane))
	for i, h := range job.Headers {
		r.Headers[i].Name = h.Key
		r.Headers[i].Value, r.Headers[i].ValueBase64 = textOrBytes(h.Value)
	}
	if base64 {
		r.ValueBase64 = job.Value
	} else {
		r.Value, r.ValueBase64 = textOrBytes(job.Value)
	}
	return encodeLine(r)
}

// textOrBytes is the pair of fields of b. A field of nil is left out; null is a nil of a type.
func textOrBytes(b []byte) (text, bytes any) {
	switch {
	case b == nil:
		return (*string)(nil), nil
	case utf8.Valid(b):
		return string(b), nil
	default:
		return nil, b
	}
}

// encodeCancel is the line that tells a child to end a run. The ids are digits.
func encodeCancel(id string) []byte { return []byte(`{"cancel":"` + id + `"}` + "\n") }

// encodeSaved is the line that tells a child that the last checkpoint of a run is durable.
func encodeSaved(id string) []byte { return []byte(`{"saved":"` + id + `"}` + "\n") }

func encodeLine(v any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line) // which ends with a line break, and writes no other
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return line.Bytes(), err
}
