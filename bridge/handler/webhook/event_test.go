package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestJobArrivesAsBinaryCloudEvent(t *testing.T) {
	t.Parallel()
	server, got := record(t)
	h := handler(t, Config{URL: server.URL + "/charge?tenant=a", ContentType: "application/json"})
	post(t, h, &bridge.Job{
		Record: bridge.Record{
			Topic: "orders", Partition: 3, Offset: 1042, Timestamp: time.UnixMilli(1767225600123),
			Key: []byte("Zoë 100%"), Value: []byte("{\"a\":1}\x00\xff"),
		},
		Lane: "Zoë 100%", Attempt: 2,
	})
	want := request{
		method: "POST", uri: "/charge?tenant=a", protocol: "HTTP/1.1", length: 9, body: "{\"a\":1}\x00\xff",
		header: http.Header{
			"Content-Type": {"application/json"}, "Content-Length": {"9"}, "User-Agent": {"holdfast"},
			"Ce-Specversion": {"1.0"}, "Ce-Id": {"orders/3@1042"}, "Ce-Source": {"/kafka/topics/orders"},
			"Ce-Type": {"holdfast.record"}, "Ce-Time": {"2026-01-01T00:00:00.123Z"}, "Ce-Subject": {"Zo%C3%AB%20100%25"},
			"Ce-Topic": {"orders"}, "Ce-Partition": {"3"}, "Ce-Offset": {"1042"}, "Ce-Lane": {"Zo%C3%AB%20100%25"}, "Ce-Attempt": {"2"},
		},
	}
	if diff := cmp.Diff(want, <-got, cmp.AllowUnexported(request{})); diff != "" {
		t.Error(diff)
	}
}

// Every attribute of unusual records, as the receiver gets it.
func TestAttributesOfUnusualRecords(t *testing.T) {
	t.Parallel()
	server, got := record(t)
	h := handler(t, Config{URL: server.URL, Source: "https://kafka.example/a%20b/{topic}", Type: "com.example.{topic}"})
	header := func(key, value string) bridge.Header { return bridge.Header{Key: key, Value: []byte(value)} }
	for name, tt := range map[string]struct {
		job     bridge.Job
		headers map[string]string
		absent  []string
	}{
		"nothing": {
			bridge.Job{Record: bridge.Record{Topic: "t"}},
			map[string]string{
				"ce-tombstone": "true", "content-type": "application/octet-stream", "content-length": "0",
				"ce-source": "https://kafka.example/a%2520b/t", "ce-type": "com.example.t",
			},
			[]string{"ce-subject", "ce-keybase64", "ce-lane", "ce-lanebase64", "ce-time"},
		},
		"empty key and value": {
			bridge.Job{Record: bridge.Record{Key: []byte{}, Value: []byte{}}},
			map[string]string{"ce-keybase64": "", "content-length": "0"},
			[]string{"ce-subject", "ce-tombstone"},
		},
		"binary key": {
			bridge.Job{Record: bridge.Record{Key: []byte{0, 0xff}}, Lane: "\x00\xff"},
			map[string]string{"ce-keybase64": "AP8=", "ce-lanebase64": "AP8="},
			[]string{"ce-subject", "ce-lane"},
		},
		"key with a line break": {
			bridge.Job{Record: bridge.Record{Key: []byte("a\r\nx: y")}},
			map[string]string{"ce-keybase64": "YQ0KeDogeQ=="},
			[]string{"ce-subject", "x"},
		},
		"noncharacter": {
			bridge.Job{Record: bridge.Record{Key: []byte("\uffff")}},
			map[string]string{"ce-keybase64": "77+/"},
			[]string{"ce-subject"},
		},
		"other planes": {
			bridge.Job{Record: bridge.Record{Key: []byte(`Euro € 😀"`)}},
			map[string]string{"ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80%22"},
			[]string{"ce-keybase64"},
		},
		"timestamp 0": {
			bridge.Job{Record: bridge.Record{Timestamp: time.UnixMilli(0)}},
			map[string]string{"ce-time": "1970-01-01T00:00:00Z"}, nil,
		},
		"last timestamp": {
			bridge.Job{Record: bridge.Record{Timestamp: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}},
			map[string]string{"ce-time": "9999-12-31T23:59:59Z"}, nil,
		},
		"far future": {
			bridge.Job{Record: bridge.Record{Timestamp: time.UnixMilli(1 << 62)}},
			nil, []string{"ce-time"},
		},
		"offset beyond 32 bits": {
			bridge.Job{Record: bridge.Record{Offset: 1 << 62}},
			map[string]string{"ce-offset": "4611686018427387904"}, nil,
		},
		"content type of the record": {
			bridge.Job{Record: bridge.Record{Headers: []bridge.Header{
				header("content-type", "text/plain"), header("Content-Type", " application/json; charset=utf-8 "),
			}}},
			map[string]string{"content-type": "application/json; charset=utf-8"}, nil,
		},
		"content type that is none": {
			bridge.Job{Record: bridge.Record{Headers: []bridge.Header{header("content-type", "json\r\nx: y")}}},
			map[string]string{"content-type": "application/octet-stream"}, []string{"x"},
		},
		"headers of the record": {
			bridge.Job{Record: bridge.Record{Headers: []bridge.Header{
				header("traceparent", "00-1"), header("authorization", "Basic eA=="), header("ce_id", "7"), header("Connection", "close"),
			}}},
			nil, []string{"traceparent", "authorization", "ce_id", "connection"},
		},
	} {
		post(t, h, &tt.job)
		sent := <-got
		for key, want := range tt.headers {
			if values := sent.header.Values(key); len(values) != 1 || values[0] != want {
				t.Errorf("%s: %s is %q, want %q", name, key, values, want)
			}
		}
		for _, key := range tt.absent {
			if values, ok := sent.header[http.CanonicalHeaderKey(key)]; ok {
				t.Errorf("%s: %s is %q, want none", name, key, values)
			}
		}
	}
}

func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	server, got := record(t)
	h := handler(t, Config{
		URL: server.URL, Headers: map[string]string{"x-env": "prod", "User-Agent": "billing"},
		ForwardHeaders: []string{"traceparent", "X-Tenant", "x-null", "x-empty", "x-broken"},
	})
	post(t, h, &bridge.Job{Record: bridge.Record{Headers: []bridge.Header{
		{Key: "TraceParent", Value: []byte("00-1")}, {Key: "traceparent", Value: []byte("00-2")},
		{Key: "x-tenant", Value: []byte(" zoë\t")}, {Key: "x-null"}, {Key: "x-empty", Value: []byte{}},
		{Key: "x-broken", Value: []byte("a\r\nx-env: test")},
	}}})
	sent := (<-got).header
	for _, name := range []string{"X-Null", "X-Empty", "X-Broken"} {
		if values, ok := sent[name]; ok {
			t.Errorf("%s is %q", name, values)
		}
	}
	want := map[string]string{"Traceparent": "00-2", "X-Tenant": "zoë", "X-Env": "prod", "User-Agent": "billing"}
	for name, value := range want {
		if diff := cmp.Diff([]string{value}, sent[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// decode is the decoding that the HTTP binding of CloudEvents demands.
func decode(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		var c byte
		if len(s) < i+3 {
			return "", errors.New("cut short")
		}
		if _, err := fmt.Sscanf(s[i+1:i+3], "%02X", &c); err != nil {
			return "", err
		}
		b.WriteByte(c)
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		return "", errors.New("invalid UTF-8")
	}
	return b.String(), nil
}

// Whatever a record holds, its headers can be sent and tell its key.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte("cust-17"), "cust-17", "content-type", []byte("application/json"))
	f.Add([]byte("Euro € 😀 %41\""), "a\nb", "TraceParent", []byte("00-1"))
	f.Add([]byte{0xc0, 0xa0}, "\ufdd0", "x", []byte{0})
	h := newHeaders(Config{ForwardHeaders: []string{"traceparent"}}.filled())
	f.Fuzz(func(t *testing.T, key []byte, lane, name string, value []byte) {
		job := &bridge.Job{
			Record: bridge.Record{Topic: "orders", Key: key, Headers: []bridge.Header{{Key: name, Value: value}}},
			Lane:   lane,
		}
		header, _, err := h.of(job)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			if !httpguts.ValidHeaderFieldName(name) {
				t.Errorf("%q is no name", name)
			}
			for _, v := range values {
				if strings.Trim(v, " \t") != v || !httpguts.ValidHeaderFieldValue(v) {
					t.Errorf("%s: %q cannot be sent", name, v)
				}
				if strings.HasPrefix(name, "Ce-") && strings.IndexFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) >= 0 {
					t.Errorf("%s: %q is not encoded", name, v)
				}
			}
		}
		for names, want := range map[[2]string]string{
			{"Ce-Subject", "Ce-Keybase64"}: string(key), {"Ce-Lane", "Ce-Lanebase64"}: lane,
		} {
			got, err := textOf(header, names[0], names[1])
			if err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", names[0], got, err, want)
			}
		}
	})
}

// textOf is what a receiver makes of the two attributes.
func textOf(header http.Header, name, inBase64 string) (string, error) {
	plain, isPlain := header[name]
	binary, isBinary := header[inBase64]
	switch {
	case isPlain && isBinary:
		return "", errors.New("both are there")
	case isPlain:
		return decode(plain[0])
	case isBinary:
		b, err := base64.StdEncoding.DecodeString(binary[0])
		return string(b), err
	}
	return "", nil
}
