package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestOneLinePerJob(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := New(slog.New(slog.NewJSONHandler(&out, nil)))
	job := &bridge.Job{
		Record:  bridge.Record{Topic: "orders", Partition: 3, Offset: 1042, Key: []byte("cust-1"), Value: []byte("two\nlines")},
		Lane:    "cust-1",
		Attempt: 2,
	}
	if err := h.Handle(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	delete(line, "time")
	want := map[string]any{"level": "INFO", "msg": "job", "topic": "orders", "partition": 3.0, "offset": 1042.0,
		"key": "cust-1", "lane": "cust-1", "attempt": 2.0, "size": 9.0, "value": "two\nlines"}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   []byte
		want string
	}{
		"null":      {nil, "<null>"},
		"empty":     {[]byte{}, ""},
		"text":      {[]byte("zwölf"), "zwölf"},
		"binary":    {[]byte{0, 0xff, 'a'}, `"\x00\xffa"`},
		"escape":    {[]byte("\x1b[2J"), `"\x1b[2J"`},
		"long":      {bytes.Repeat([]byte("x"), 5000), strings.Repeat("x", maxPreview) + "..."},
		"character": {[]byte(strings.Repeat("x", maxPreview-1) + "ä and more"), strings.Repeat("x", maxPreview-1) + "..."},
	}
	for name, tt := range tests {
		if got := preview(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzPreview(f *testing.F) {
	f.Add([]byte("text"))
	f.Add(bytes.Repeat([]byte{0x80}, 500))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := preview(b)
		if !utf8.ValidString(got) || len(got) > 4*maxPreview+len(`""...`) {
			t.Errorf("preview of %q is %q", b, got)
		}
	})
}
