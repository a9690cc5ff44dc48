package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestJobLines(t *testing.T) {
	t.Parallel()
	full := &bridge.Job{
		Record: bridge.Record{
			Topic: "orders", Partition: 3, Offset: 1042, Key: []byte("cust-1"), Value: []byte("<a>\n\x00ä"),
			Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600)),
			Headers:   []bridge.Header{{Key: "trace", Value: []byte("x")}, {Key: "trace", Value: []byte{0xff}}, {Key: "null"}},
		},
		Lane: "\xc3", Attempt: 2, LastError: `said "no"`,
	}
	for _, tt := range []struct {
		name   string
		job    *bridge.Job
		base64 bool
		want   string
	}{
		{"full", full, false, `{"id":"7","job":"orders/3@1042","topic":"orders","partition":3,"offset":1042,"timestamp":"2026-01-02T02:04:05.678Z",` +
			`"attempt":2,"last_error":"said \"no\"","key":"cust-1","lane_base64":"ww==",` +
			`"headers":[{"name":"trace","value":"x"},{"name":"trace","value_base64":"/w=="},{"name":"null","value":null}],"value":"<a>\n\u0000ä"}`},
		{"null", &bridge.Job{}, false, `{"id":"7","job":"/0@0","topic":"","partition":0,"offset":0,"attempt":0,"key":null,"lane":"","headers":[],"value":null}`},
		{"bytes", &bridge.Job{Record: bridge.Record{Key: []byte{}, Value: []byte{0xff}}}, false,
			`{"id":"7","job":"/0@0","topic":"","partition":0,"offset":0,"attempt":0,"key":"","lane":"","headers":[],"value_base64":"/w=="}`},
		{"null in base64", &bridge.Job{}, true, `{"id":"7","job":"/0@0","topic":"","partition":0,"offset":0,"attempt":0,"key":null,"lane":"","headers":[],"value_base64":null}`},
		{"text in base64", &bridge.Job{Record: bridge.Record{Value: []byte("text")}}, true,
			`{"id":"7","job":"/0@0","topic":"","partition":0,"offset":0,"attempt":0,"key":null,"lane":"","headers":[],"value_base64":"dGV4dA=="}`},
	} {
		got, err := encodeJob("7", tt.job, tt.base64)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want+"\n", string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := string(encodeCancel("7")); got != `{"cancel":"7"}`+"\n" {
		t.Errorf("cancel is %s", got)
	}
}

// A line is one line, whatever the record holds, and the record can be read back from it.
func FuzzJobLine(f *testing.F) {
	f.Add("orders", []byte("key"), "lane", []byte("value"), "header", []byte{0xff}, "error", false)
	f.Add("", []byte(nil), "\xff\n", []byte("\n\u2028"), "\n", []byte(nil), "\x00", true)
	f.Fuzz(func(t *testing.T, topic string, key []byte, lane string, value []byte, name string, header []byte, last string, base64 bool) {
		job := &bridge.Job{Record: bridge.Record{Topic: topic, Key: key, Value: value, Headers: []bridge.Header{{Key: name, Value: header}}}, Lane: lane, LastError: last}
		line, err := encodeJob("7", job, base64)
		if err != nil || bytes.IndexByte(line, '\n') != len(line)-1 || !utf8.Valid(line) || !bytes.HasPrefix(line, []byte(`{"id":"7",`)) {
			t.Fatalf("line %q, error %v", line, err)
		}
		var back struct {
			Key, Value  *string
			KeyBase64   []byte `json:"key_base64"`
			ValueBase64 []byte `json:"value_base64"`
		}
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatal(err)
		}
		same := func(text *string, encoded, want []byte) bool {
			if text != nil {
				return want != nil && *text == string(want)
			}
			return bytes.Equal(encoded, want) && (encoded == nil) == (want == nil)
		}
		if !same(back.Key, back.KeyBase64, key) || !same(back.Value, back.ValueBase64, value) {
			t.Errorf("key %q, value %q became %s", key, value, line)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, line := range []string{
		`{"id":"1","ok":true}`, `{"id":"1","error":"x","give_up":true}`, `{"id":"1","error":"x","retry_after":"30s"}`,
		`{"id":"1","heartbeat":1}`, `{"id":"1","snooze":"5m"}`, `{"id":"1","skip":"twice"}`, `{"id":"1","snooze":"1s","skip":""}`,
		`{"id":"1","heartbeat":true}`, `{"id":"1","checkpoint":"17"}`, `{"id":"1","checkpoint_base64":"/w=="}`, `{"id":"1","error":"x","checkpoint":""}`,
		`{"id":null,"ok":null}`, `[]`, `null`, "", "{", `{"id":"\ud800","ok":false}`, `{"id":"","error":"","retry_after":""}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		const limit = 10
		a, err := decodeAnswer(line, limit)
		if err != nil {
			if !cmp.Equal(a, answer{}, cmp.AllowUnexported(answer{})) {
				t.Errorf("%q: %+v beside the error %v", line, a, err)
			}
			return
		}
		// Only an object that says so itself completes a job.
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil || fields["id"] != a.id {
			t.Errorf("%q is an answer to %q", line, a.id)
		}
		if done := a.final && a.err == nil; done != (fields["ok"] == true) {
			t.Errorf("%q: done %v", line, done)
		}
		if news := fields["heartbeat"] != nil || a.checkpoint != nil; a.unknown != (!news && !a.final) {
			t.Errorf("%q: unknown %v", line, a.unknown)
		}
		if len(a.checkpoint) > bridge.MaxCheckpoint {
			t.Errorf("a checkpoint of %d bytes", len(a.checkpoint))
		}
		if a.err != nil && fields["snooze"] == nil && (!a.final || len(a.err.Error()) > max(len("skipped: ")+limit+len("..."), len("the child gives no reason"))) {
			t.Errorf("%q: %+v", line, a)
		}
	})
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	type line struct {
		text string
		cut  bool
	}
	text := "one\n\ntwo\nexactlyten\nelevenchars\n" + strings.Repeat("x", 35) + "\nlast"
	want := []line{{"one", false}, {"", false}, {"two", false}, {"exactlyten", false}, {"elevenchar", true}, {"xxxxxxxxxx", true}}
	for size := 1; size <= len(text); size++ {
		var got []line
		s := &splitter{limit: 10, emit: func(b []byte, cut bool) error {
			got = append(got, line{string(b), cut})
			return nil
		}}
		for part := range slices.Chunk([]byte(text), size) {
			if n, err := s.Write(part); n != len(part) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(part), err)
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
			t.Fatalf("in parts of %d (-want +got):\n%s", size, diff)
		}
		if err := s.end(); err != nil || got[len(got)-1] != (line{"last", false}) {
			t.Fatalf("at the end %v, error %v", got[len(got)-1], err)
		}
	}
	refused := errors.New("refused")
	s := &splitter{limit: 10, emit: func([]byte, bool) error { return refused }}
	if _, err := fmt.Fprint(s, "a\nb\n"); err != refused {
		t.Errorf("error %v", err)
	}
}
