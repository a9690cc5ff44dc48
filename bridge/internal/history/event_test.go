package history

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogIsReadBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.ndjson")
	events := []Event{
		{Kind: Produced, Topic: "orders", Partition: 3, Offset: 1042, Lane: "cust-\n\"1\""},
		{Kind: Boot, Process: "a"},
		{Kind: Start, Process: "a", Topic: "orders", Partition: 3, Offset: 1042},
		{Kind: End, Process: "a", Topic: "orders", Partition: 3, Offset: 1042, Done: true},
		{Kind: Crash, Process: "a"},
	}
	// Two logs on one file, as two processes have them.
	for i := range events {
		log, err := OpenLog(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Append(events[i]); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Line = 0
	}
	if diff := cmp.Diff(events, got); diff != "" {
		t.Errorf("events (-written +read):\n%s", diff)
	}
}

func TestLinesCutShort(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want int // events, or -1 for an error
	}{
		"by a crash":             {"{\"event\":\"boot\"}\n{\"event\":\"sta\n{\"event\":\"crash\"}\n", 2},
		"beside another process": {"{\"event\":\"sta\n{\"event\":\"boot\"}\n{\"event\":\"crash\"}\n", 2},
		"in the middle":          {"{\"event\":\"boot\"}\n{\"event\":\"sta\n{\"event\":\"stop\"}\n", -1},
		"at the end":             {"{\"event\":\"boot\"}\n{\"event\":\"sta", -1},
		"two before a crash":     {"{\"ev\n{\"event\":\"sta\n{\"event\":\"crash\"}\n", -1},
		"an unknown kind":        {"{\"event\":\"nap\"}\n", -1},
		"an unknown field":       {"{\"event\":\"boot\",\"host\":\"x\"}\n", -1},
		"two events on a line":   {"{\"event\":\"boot\"}{\"event\":\"boot\"}\n", -1},
		"empty lines":            {"\n\n{\"event\":\"boot\"}\n\n", 1},
		"nothing":                {"", 0},
		"no newline at the end":  {"{\"event\":\"boot\"}", 1},
	} {
		events, err := Read(strings.NewReader(test.text))
		if got := len(events); (err != nil) != (test.want < 0) || err == nil && got != test.want {
			t.Errorf("%s: %d events, error %v, want %d events", name, got, err, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"event\":\"produced\",\"topic\":\"orders\",\"offset\":1}\n{\"event\":\"boot\",\"process\":\"a\"}\n{\"event\":\"start\",\"process\":\"a\",\"topic\":\"orders\",\"offset\":1}\n"))
	f.Add([]byte("{\"event\":\"crash\"}\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		report := Judge(events)
		if report.Done > report.Produced {
			t.Errorf("%d done of %d", report.Done, report.Produced)
		}
	})
}
