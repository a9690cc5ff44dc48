package show

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC // times are shown in the zone of the machine
	os.Exit(m.Run())
}

func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	file, got := filepath.Join("testdata", name+".txt"), strings.Join(lines, "\n")+"\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestScreens(t *testing.T) {
	t.Parallel()
	all := Value{Form: ValueAuto, Limit: 4096}
	for name, lines := range map[string][]string{
		"status":         Status(night(), 80, 0),
		"status-low":     Status(night(), 80, 24),
		"status-wide":    Status(night(), 140, 0),
		"status-calm":    Status(calm(), 80, 24),
		"status-dynamic": Status(dynamic(), 80, 24),
		"status-offline": Status(offline(), 80, 24),
		"status-crowd":   Status(crowd(), 80, 40),
		"screen":         Screen(night(), 80, 24),
		"screen-crowd":   Screen(crowd(), 80, 24),
		"screen-calm":    Screen(calm(), 80, 24),
		"disk":           Disk(full(), 0),
		"job":            Job(stuckJob(), now, 80, all),
		"job-dead":       Job(deadJob(), now, 80, all),
		"explain":        Explanation(stuck(), 0),
		"explain-narrow": Explanation(stuck(), 60),
		"lanes":          Lanes(busyLanes(), now, 80),
		"lanes-wide":     Lanes(busyLanes(), now, 0),
		"workers":        Workers(SortWorkers(busyWorkers(), false), now, 80),
		"workers-wide":   Workers(SortWorkers(busyWorkers(), true), now, 0),
	} {
		golden(t, name, lines)
	}
}

func TestScreenFits(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]inspect.Status{"night": night(), "calm": calm(), "offline": offline(), "crowd": crowd()} {
		for height := 18; height < 60; height++ {
			if n := len(Screen(s, 80, height)); n > height {
				t.Errorf("%s has %d lines of %d", name, n, height)
			}
		}
	}
}

// People copy a command that is offered; a screen that stays must not scroll.
func TestAStatusKeepsItsCommandsWhole(t *testing.T) {
	t.Parallel()
	s := night()
	s.Problems = s.Problems[:1]
	s.Problems[0].Command = "holdfast explain --topic orders --partition 3 --config /etc/holdfast/of-the-second-bridge.yaml"
	if lines := Status(s, 80, 60); !slices.Contains(lines, "          "+s.Problems[0].Command) {
		t.Errorf("the command is not whole:\n%s", strings.Join(lines, "\n"))
	}
	for _, l := range Screen(s, 80, 60) {
		if n := utf8.RuneCountInString(l); n > 80 {
			t.Errorf("a line of %d columns: %s", n, l)
		}
	}
}

// Whatever the width, no line but a command of a status is wider, and nothing that a producer or a receiver
// has written steers the terminal.
func TestScreensKeepWithinTheTerminal(t *testing.T) {
	t.Parallel()
	evil := "\x1b[2J\r\n\a" + strings.Repeat("x", 300)
	status, lanes, workers, job := night(), busyLanes(), busyWorkers(), stuckJob()
	status.Problems[0].Text, status.Group = evil, evil
	lanes[0].Error, workers[0].Lane = evil, evil
	job.Error, job.Key, job.Value, job.History[0].Error, job.Headers[0] = evil, []byte(evil), []byte(evil), evil, inspect.Header{Key: evil, Value: []byte(evil)}
	explained := stuck()
	explained.Summary, explained.Facts[1].Text, explained.Actions = evil, evil, nil
	for _, width := range []int{1, 10, 40, 80, 200} {
		for name, lines := range map[string][]string{
			"status": Status(status, width, 24), "screen": Screen(status, width, 24), "lanes": Lanes(lanes, now, width), "workers": Workers(workers, now, width),
			"explanation": Explanation(explained, width),
			"job":         Job(job, now, width, Value{Form: ValueNone}), "value": Value{Form: ValueText, Limit: 100}.lines([]byte(evil), 10, width),
		} {
			for _, l := range lines {
				if n := utf8.RuneCountInString(l); n > width && name != "value" && (name != "status" || !strings.HasPrefix(l, "          holdfast ")) {
					t.Errorf("%s has a line of %d columns of %d: %q", name, n, width, l)
				}
				if strings.ContainsFunc(l, unicode.IsControl) {
					t.Errorf("%s steers the terminal: %q", name, l)
				}
			}
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value Value
		bytes []byte
		size  int
		want  []string
	}{
		"null":               {Value{ValueAuto, 10}, nil, -1, []string{"Value: null"}},
		"empty":              {Value{ValueAuto, 10}, []byte{}, 0, []string{"Value, 0 B as text"}},
		"not wanted":         {Value{ValueNone, 10}, []byte("abc"), 3, nil},
		"text":               {Value{ValueAuto, 10}, []byte("a\nb"), 3, []string{"Value, 3 B as text", "  a", "  b"}},
		"JSON":               {Value{ValueAuto, 10}, []byte(`{"a":[]}`), 8, []string{"Value, 8 B as json", "  {", `    "a": []`, "  }"}},
		"JSON as it is":      {Value{ValueText, 10}, []byte(`{"a":1}`), 7, []string{"Value, 7 B as text", `  {"a":1}`}},
		"no JSON":            {Value{ValueJSON, 10}, []byte("abc"), 3, []string{"Value, 3 B as text", "  abc"}},
		"cut":                {Value{ValueAuto, 2}, []byte("größe"), 7, []string{"Value, 7 B as text, the first 2 B of it", "  gr"}},
		"cut in a character": {Value{ValueAuto, 3}, []byte("größe"), 7, []string{"Value, 7 B as text, the first 2 B of it", "  gr"}},
		"bytes":              {Value{ValueAuto, 10}, []byte{0, 255}, 2, []string{"Value, 2 B as hex", "  00000000  00 ff                                             |..|"}},
		"steering":           {Value{ValueText, 10}, []byte("a\x1b[m"), 4, []string{"Value, 4 B as text", `  a\x1b[m`}},
		"more than is known": {Value{ValueAuto, 10}, []byte("abc"), 5000, []string{"Value, 4.9 KiB as text, the first 3 B of it", "  abc"}},
	} {
		if diff := cmp.Diff(tt.want, tt.value.lines(tt.bytes, tt.size, 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSortPartitions(t *testing.T) {
	t.Parallel()
	for order, want := range map[Order]string{
		ByName:    "orders/0 orders/1 orders/3 payments-eu/11",
		ByTrouble: "orders/3 orders/1 payments-eu/11 orders/0",
		ByOldest:  "orders/3 payments-eu/11 orders/0 orders/1",
		ByLag:     "payments-eu/11 orders/3 orders/0 orders/1",
		ByRate:    "orders/3 payments-eu/11 orders/0 orders/1",
	} {
		var names []string
		for _, p := range SortPartitions(night(), order) {
			names = append(names, partitionName(p))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("by %s: %s, want %s", order, got, want)
		}
	}
}

// Of halted jobs a status tells by topic; they are of some of its partitions.
func TestAHaltedPartitionIsInTrouble(t *testing.T) {
	t.Parallel()
	s := night()
	s.Problems = []inspect.Problem{
		{Severity: inspect.Warning, Code: "halted", Topic: "orders", Text: "1 job given up"},
		{Severity: inspect.Notice, Code: "throttled", Topic: "payments-eu", Partition: ptr[int32](11)},
	}
	s.Partitions = []inspect.PartitionStatus{
		{Topic: "orders", Partition: 0, Lag: inspect.Lag{Delayed: 5}, OldestAt: ago(20 * time.Hour)},
		{Topic: "orders", Partition: 1, Lag: inspect.Lag{Halted: 1}, OldestAt: ago(time.Minute)},
		{Topic: "payments-eu", Partition: 11, OldestAt: ago(time.Hour)},
	}
	var names []string
	for _, p := range SortPartitions(s, ByTrouble) {
		names = append(names, partitionName(p))
	}
	if got, want := strings.Join(names, " "), "orders/1 payments-eu/11 orders/0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWorkersAreNeverMoreBusyThanThereAre(t *testing.T) {
	t.Parallel()
	for want, pool := range map[string]inspect.Pool{
		"workers 3 of 64 busy":     {Workers: 64, Busy: 3},
		"workers 5 busy, soon 2":   {Workers: 2, Busy: 5},
		"workers stopping, 1 busy": {Busy: 1, Stopping: true},
	} {
		if got := workers(pool); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
