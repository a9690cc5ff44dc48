package bench

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

func TestRatiosCompareWithinARepetition(t *testing.T) {
	t.Parallel()
	// The machine halves its speed from one repetition to the next; the ratio does not change.
	bare := []Drain{{Repetition: 0, Rate: 1000}, {Repetition: 1, Rate: 500}, {Repetition: 2, Rate: 250}}
	ours := []Drain{{Repetition: 2, Rate: 200}, {Repetition: 0, Rate: 800}, {Repetition: 1, Rate: 400}}
	if got := ratio(ours, bare); got != "0.80" {
		t.Errorf("ratio %s, want 0.80", got)
	}
	if got := ratio(ours, nil); got != "-" {
		t.Errorf("ratio %s to nothing, want -", got)
	}
}

func TestTableShowsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	report := Report{
		Machine: Machine{Processor: "abacus", Cores: 2, Go: "go1", Load: "0 0 0"}, Repetitions: 1,
		Date: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		Drains: []Drain{
			{Case: "no-op", System: Bare, Rate: 1000, Records: 5000, Window: 5 * time.Second},
			{Case: "no-op", System: Holdfast, Rate: 900, Records: 4500, Window: 5 * time.Second, Processor: 1500, PeakAnonymous: 64 << 20, WrittenPerItem: 1.5, SyncsPerSecond: 200},
			{Case: "no-op", System: Parallel, Rate: 100, Records: 500, Window: 5 * time.Second},
			{Case: "10ms", System: Holdfast, Rate: 900, Busy: 0.99},
		},
		Latencies: []Latency{{Case: "slow", System: Holdfast, Records: 7, P50: 2 * time.Millisecond, P99: 6 * time.Millisecond, P999: 9 * time.Millisecond}},
		Survivals: []Survival{{Case: "stuck", System: Parallel, Finishable: 10, BeforeKill: 3, Again: 2, Finished: 4}},
	}
	var text strings.Builder
	if err := report.Table(&text); err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]bool)
	for line := range strings.Lines(text.String()) {
		lines[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, want := range []string{
		"abacus, 2 cores, go1, load 0 0 0, 2020-01-02; repetitions: 1",
		"holdfast 900 0.90 9.00 - 1.50 µs 64 MiB 1.5 B 200 4500 5.0 s",
		"holdfast 900 - - 99.0% 0.00 µs 0 MiB 0.0 B 0 0 0.0 s",
		"holdfast 2.00 ms 6.00 ms 9.00 ms 7",
		"Parallel Consumer 10 3 2 4",
	} {
		if !lines[want] {
			t.Errorf("no line %q in\n%s", want, &text)
		}
	}
}

func TestChartShowsEachSystemOfACase(t *testing.T) {
	t.Parallel()
	report := Report{
		Machine: Machine{Processor: "<abacus>", Cores: 2, Go: "go1"}, Repetitions: 1,
		Date: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		Drains: []Drain{
			{Case: "no-op", System: Bare, Rate: 1000},
			{Case: "no-op", System: Holdfast, Rate: 500},
			{Case: "no-op", System: Parallel, Rate: 100},
			{Case: "10ms", System: Holdfast, Rate: 900},
		},
	}
	var drawn strings.Builder
	if err := report.Chart(&drawn); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte(drawn.String()), new(struct{})); err != nil {
		t.Errorf("not XML: %v", err)
	}
	for _, want := range []string{
		`<rect class="bare" x="140" y="86" width="430"`,
		`<rect class="holdfast" x="140" y="68" width="215"`,
		`<rect class="parallel" x="140" y="104" width="43"`,
		">500/s, 5.00 x Parallel Consumer<",
		">900/s<",
		"&lt;abacus&gt;, 2 cores, go1; a real Kafka broker on the same machine; 2020-01-02; median of 1",
	} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("no %q in\n%s", want, &drawn)
		}
	}
}

func TestTurnsLetEachSystemBegin(t *testing.T) {
	t.Parallel()
	var order []string
	err := turns([]System{"a", "b", "c"}, 2, func(_ int, s System) error {
		order = append(order, string(s))
		return nil
	})
	if got := strings.Join(order, ""); err != nil || got != "abcbca" {
		t.Errorf("order %s, %v", got, err)
	}
}

func TestFinishableRecordsAreThoseThatAreLoaded(t *testing.T) {
	t.Parallel()
	shape := Topic{Partitions: 1, Keys: 10, Records: 1000}
	if all, none := shape.above(0), shape.above(10); all != 1000 || none != 0 {
		t.Errorf("%d records from key 0 on and %d from key 10, want 1000 and 0", all, none)
	}
	if some := shape.above(4); some < 500 || some > 700 {
		t.Errorf("%d of 1000 records have 6 of 10 keys", some)
	}
}
