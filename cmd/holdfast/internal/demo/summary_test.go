package demo

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

func perfect() (Options, findings, []Partition) {
	o := Options{Records: 5000, Keys: 10, Partitions: 2, Latency: 10 * time.Millisecond, Workers: 8}
	f := findings{handled: 5000, distinct: 5000, finished: 5000, durable: 5000, work: []time.Duration{50 * time.Second, 20 * time.Second}, elapsed: 8 * time.Second}
	return o, f, []Partition{{0, 3000, 3000}, {1, 2000, 2000}}
}

func TestPerfectRunPasses(t *testing.T) {
	t.Parallel()
	o, f, p := perfect()
	if err := summarize(o, 9, f, 0, p).Failures(); err != nil {
		t.Error(err)
	}
}

func TestEveryBrokenPromiseFails(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*findings, []Partition, *int){
		"never finished":            func(f *findings, _ []Partition, _ *int) { f.finished-- },
		"earlier one of their key":  func(f *findings, _ []Partition, _ *int) { f.breaks++ },
		"durably finished":          func(f *findings, _ []Partition, crashes *int) { f.rerunDurable++; f.handled++; *crashes = 1 },
		"never produced":            func(f *findings, _ []Partition, _ *int) { f.strange++ },
		"without a crash":           func(f *findings, _ []Partition, _ *int) { f.handled++ },
		"demo/1 is committed up to": func(_ *findings, p []Partition, _ *int) { p[1].Committed-- },
		"demo/0 is committed up to": func(_ *findings, p []Partition, _ *int) { p[0].Committed = -1 },
	}
	for text, breakIt := range tests {
		o, f, p := perfect()
		crashes := 0
		breakIt(&f, p, &crashes)
		err := summarize(o, 9, f, crashes, p).Failures()
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one failure with %q, got %v", text, err)
		}
	}
}

func TestRerunsAfterACrashAreNoFailure(t *testing.T) {
	t.Parallel()
	o, f, p := perfect()
	f.handled, f.rerunRunning, f.rerunFinished = f.handled+9, 8, 1
	if err := summarize(o, 9, f, 1, p).Failures(); err != nil {
		t.Error(err)
	}
}

func TestJSONHasTheseFields(t *testing.T) {
	t.Parallel()
	o, f, p := perfect()
	o.Output, f.handled = listing.JSON, 5009
	var b bytes.Buffer
	if err := summarize(o, 9, f, 1, p).write(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	partition := func(p, end, committed float64) any {
		return map[string]any{"partition": p, "end": end, "committed": committed}
	}
	want := map[string]any{
		"records": 5000.0, "handled": 5009.0, "distinct": 5000.0, "duplicates": 9.0, "order_breaks": 0.0,
		"elapsed_seconds": 8.0, "rate": 625.0, "serial_rate": 100.0, "crashes": 1.0, "durable_reruns": 0.0,
		"partitions": []any{partition(0, 3000, 3000), partition(1, 2000, 2000)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestTableSaysWhatHappened(t *testing.T) {
	t.Parallel()
	o, f, p := perfect()
	o.Crash = true
	f.handled, f.rerunRunning, f.rerunFinished = f.handled+9, 8, 1
	var b bytes.Buffer
	if err := summarize(o, 9, f, 1, p).write(&b); err != nil {
		t.Fatal(err)
	}
	want := `records         5,000 of 9 keys in 2 partitions, 10ms of work each
rate            625/s in 8.0 s with 8 workers
one at a time   100/s, by the time measured in the handler, with one job at a time in each partition: this was 6.2 times as fast
handled         5,009 times, 5,000 distinct: none lost, 9 ran again
order per key   kept: each of 5,009 runs started after every earlier job of its key had finished
crash           SIGKILL with 50% done, started again on the same directory
ran again       8 had been running, 1 finished but not yet on disk
                0 durably finished

PARTITION   END     COMMITTED
demo/0      3,000   3,000
demo/1      2,000   2,000
`
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), lines); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	var got []string
	for _, n := range []int{0, 999, 1000, 1234567, -1, -1000} {
		got = append(got, count(n))
	}
	if want := []string{"0", "999", "1,000", "1,234,567", "-1", "-1,000"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOptionsReportAllProblems(t *testing.T) {
	t.Parallel()
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	err := Options{Latency: -1}.Validate()
	for _, flag := range []string{"--records", "--keys", "--partitions", "--workers", "--latency"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is missing in: %v", flag, err)
		}
	}
}
