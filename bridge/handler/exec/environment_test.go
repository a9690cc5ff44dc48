package exec

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// seen is the environment of jobEnvironment without the prefix.
func seen(t testing.TB, job *bridge.Job) map[string]string {
	t.Helper()
	vars := make(map[string]string)
	size := 0
	for _, entry := range jobEnvironment(job) {
		size += len(entry) + 1 + 8
		name, value, ok := strings.Cut(entry, "=")
		bare, own := strings.CutPrefix(name, "HOLDFAST_JOB_")
		if _, twice := vars[bare]; !ok || !own || twice {
			t.Errorf("entry %.80q", entry)
		}
		if strings.IndexByte(entry, 0) >= 0 {
			t.Errorf("NUL byte in %.80q", name)
		}
		vars[bare] = value
	}
	if size > maxJobBytes {
		t.Errorf("%d bytes for one job", size)
	}
	return vars
}

func TestJobIsDescribed(t *testing.T) {
	t.Parallel()
	job := &bridge.Job{
		Record: bridge.Record{
			Topic: "orders", Partition: 3, Offset: 1042, Key: []byte("cust-1"), Value: []byte{},
			Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600)),
			Headers: []bridge.Header{
				{Key: "trace-id", Value: []byte("old")},
				{Key: "trace.ID", Value: []byte("new")},
				{Key: "bin", Value: []byte{0xff, 0}},
				{Key: "empty", Value: []byte{}},
				{Key: "null"},
			},
		},
		Lane: "cust-1", Attempt: 2,
	}
	want := map[string]string{
		"TOPIC": "orders", "PARTITION": "3", "OFFSET": "1042", "ID": job.ID(), "ATTEMPT": "2",
		"TIMESTAMP": "2026-01-02T02:04:05.678Z", "KEY": "cust-1", "LANE": "cust-1",
		"HEADER_TRACE_ID": "new", "HEADER_BIN_BASE64": "/wA=", "HEADER_EMPTY": "",
	}
	if diff := cmp.Diff(want, seen(t, job)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		key  []byte
		want map[string]string
	}{
		"null":        {nil, map[string]string{}},
		"empty":       {[]byte{}, map[string]string{"KEY": ""}},
		"text":        {[]byte("ä=b\n"), map[string]string{"KEY": "ä=b\n"}},
		"NUL":         {[]byte("a\x00b"), map[string]string{"KEY_BASE64": "YQBi"}},
		"not UTF-8":   {[]byte{0xc3}, map[string]string{"KEY_BASE64": "ww=="}},
		"too long":    {make([]byte, 200_000), map[string]string{"TRUNCATED": "KEY_BASE64"}},
		"NUL at 50kB": {make([]byte, 50_000), map[string]string{"TRUNCATED": "KEY_BASE64"}},
	}
	for name, tt := range tests {
		got := seen(t, &bridge.Job{Record: bridge.Record{Key: tt.key}})
		for _, other := range []string{"TOPIC", "PARTITION", "OFFSET", "ID", "ATTEMPT", "LANE", "TOMBSTONE"} {
			delete(got, other)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatDoesNotFitIsListed(t *testing.T) {
	t.Parallel()
	job := &bridge.Job{Record: bridge.Record{Key: []byte("k"), Headers: []bridge.Header{
		{Key: "small", Value: []byte("s")},
		{Key: "large", Value: []byte(strings.Repeat("x", 200_000))},
		{Key: strings.Repeat("n", 300), Value: []byte("v")},
	}}}
	got := seen(t, job)
	if got["KEY"] != "k" || got["HEADER_SMALL"] != "s" {
		t.Errorf("what fits is missing: %v", got)
	}
	if names := strings.Split(got["TRUNCATED"], ","); len(names) != 2 || names[1] != "HEADER_LARGE" || !strings.HasPrefix(names[0], "HEADER_NNN") {
		t.Errorf("TRUNCATED is %q", got["TRUNCATED"])
	}
}

func TestManyHeadersStayBounded(t *testing.T) {
	t.Parallel()
	var headers []bridge.Header
	for i := range 20_000 {
		headers = append(headers, bridge.Header{Key: "h" + strconv.Itoa(i), Value: []byte("value")})
	}
	got := seen(t, &bridge.Job{Record: bridge.Record{Headers: headers}})
	list := strings.Split(got["TRUNCATED"], ",")
	more, err := strconv.Atoi(strings.TrimPrefix(list[len(list)-1], "+"))
	fixed := 7 // TOPIC, PARTITION, OFFSET, ID, ATTEMPT, TOMBSTONE, LANE
	if kept := len(got) - 1 - fixed; err != nil || kept+len(list)-1+more != len(headers) {
		t.Errorf("%d kept, %d listed, %d more (%v), of %d headers", kept, len(list)-1, more, err, len(headers))
	}
}

func FuzzEnvironment(f *testing.F) {
	f.Add([]byte("k"), "lane", "header", []byte("v"), "other", []byte{0})
	f.Add([]byte(nil), "\xff", "", []byte(nil), "=", []byte("="))
	f.Fuzz(func(t *testing.T, key []byte, lane, h1 string, v1 []byte, h2 string, v2 []byte) {
		job := &bridge.Job{Lane: lane, Record: bridge.Record{Key: key, Headers: []bridge.Header{{Key: h1, Value: v1}, {Key: h2, Value: v2}}}}
		got := seen(t, job)
		if encoded, ok := got["KEY_BASE64"]; ok {
			if back, err := base64.StdEncoding.DecodeString(encoded); err != nil || string(back) != string(key) {
				t.Errorf("key %q became %q", key, encoded)
			}
		}
		for name := range got {
			if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
				t.Errorf("variable %q", name)
			}
		}
	})
}

func TestBaseEnvironmentIsAnAllowList(t *testing.T) {
	t.Parallel()
	own := []string{"PATH=/bin", "HOME=/h", "LC_ALL=C", "TZ=UTC", "HOLDFAST_CONFIG=/etc/x", "HOLDFAST_JOB_KEY=outer",
		"KAFKA_PASSWORD=secret", "NOTIFY_SOCKET=/run/x", "GOMEMLIMIT=1GiB", "TOKEN=t", "PATHOLOGY=x", "LANG=de"}
	got := baseEnvironment(own, []string{"TOKEN", "LANG=C", "MODE=a=b", "ABSENT"})
	want := []string{"PATH=/bin", "HOME=/h", "LC_ALL=C", "TZ=UTC", "TOKEN=t", "LANG=C", "MODE=a=b"}
	less := func(env []string) map[string]bool {
		set := make(map[string]bool)
		for _, e := range env {
			set[e] = true
		}
		return set
	}
	if diff := cmp.Diff(less(want), less(got)); diff != "" || len(got) != len(want) {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

// The whole environment as a child really has it.
func TestChildSeesNothingOfTheBridge(t *testing.T) {
	t.Setenv("HOLDFAST_CONFIG", "/etc/holdfast.yaml")
	t.Setenv("HOLDFAST_KAFKA_SASL_PASSWORD", "hunter2")
	t.Setenv("DATABASE_PASSWORD", "hunter2")
	t.Setenv("LC_TIME", "C")
	out := filepath.Join(t.TempDir(), "out")
	job := &bridge.Job{Record: bridge.Record{Topic: "orders", Key: []byte("a\x00b"), Headers: []bridge.Header{
		{Key: "large", Value: []byte(strings.Repeat("x", 200_000))}, {Key: "medium", Value: []byte(strings.Repeat("y", 30_000))}}}}
	if err := shell(t, `tr '\0' '\n' </proc/$$/environ >"$1"`, out).Handle(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "HOLDFAST_CONFIG", "HOLDFAST_KAFKA", "DATABASE"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the child sees %s", secret)
		}
	}
	for _, line := range []string{"HOLDFAST_JOB_TOPIC=orders\n", "HOLDFAST_JOB_KEY_BASE64=YQBi\n", "HOLDFAST_JOB_TRUNCATED=HEADER_LARGE\n", "LC_TIME=C\n", "HOLDFAST_JOB_HEADER_MEDIUM=yyy", "PATH=/"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("the child misses %q", line)
		}
	}
}
