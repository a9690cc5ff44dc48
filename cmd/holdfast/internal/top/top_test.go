package top

import (
	"context"
	"errors"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/ptytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC // times are shown in the zone of the machine
	goleak.VerifyTestMain(m)
}

var now = time.Date(2026, 3, 4, 2, 58, 14, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// fake is a bridge for the screen.
type fake struct {
	mu     sync.Mutex
	status inspect.Status // guarded by mu
	err    error          // guarded by mu; of the next answers
	asked  int            // guarded by mu
}

func (f *fake) Status(context.Context) (inspect.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.status, f.err
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Lanes(_ context.Context, q inspect.LaneQuery) iter.Seq2[inspect.Lane, error] {
	return func(yield func(inspect.Lane, error) bool) {
		if q.Sort == inspect.ByAge {
			yield(inspect.Lane{}, errors.New("no lanes by age today"))
			return
		}
		for _, l := range lanes() {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func (f *fake) Workers(context.Context) ([]inspect.Worker, error) {
	return []inspect.Worker{
		{Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 131100}, Lane: "cust-1", Attempt: 1, Running: 40 * time.Second, Batch: 1},
		{Name: inspect.Name{Topic: "payments", Partition: 1, Offset: 77}, Lane: "acct-7", Attempt: 2, Running: 7 * time.Second, Silent: ptr(6 * time.Second), Stuck: true, Batch: 1},
	}, nil
}

func (f *fake) Explain(_ context.Context, topic string, partition int32, offset *int64) (inspect.Explanation, error) {
	return inspect.Explanation{
		At: now, Live: true, Topic: topic, Partition: partition, Asked: offset, Here: true,
		Committed: 118204, Frontier: 118204, Next: 131990, Summary: "orders/3@118204, key cust-8812, is unfinished.",
		NextStep: "nothing, until you act.",
	}, nil
}

func lanes() []inspect.Lane {
	return []inspect.Lane{
		{Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 118204}, Lane: "cust-8812", State: inspect.Halted, Jobs: 42, Attempts: 10, Error: `http 409 from https://billing/charge "account locked"`, Timestamp: now.Add(-time.Hour), Holds: true},
		{Name: inspect.Name{Topic: "payments", Partition: 1, Offset: 77}, Lane: "acct-7", State: inspect.Running, Jobs: 7, Attempts: 1, Started: now.Add(-7 * time.Second)},
	}
}

// busy is a bridge with so many partitions.
func busy(partitions int) inspect.Status {
	s := inspect.Status{
		At: now, Live: true, Group: "billing", Workers: &inspect.Pool{Workers: 64, Busy: 41},
		Problems: []inspect.Problem{
			{Severity: inspect.Critical, Topic: "orders", Partition: ptr[int32](3), Text: "1 job is halted and holds its lane"},
			{Severity: inspect.Warning, Text: "fetching throttles in about 14 minutes, since the store's file comes near to its budget"},
		},
		Lag:      inspect.Lag{NotStored: ptr[int64](0), Halted: 1, Blocked: 41, Running: 41, Ready: 120},
		Rates:    inspect.Rates{StoredPerSecond: ptr(310.2), DonePerSecond: ptr(308.7)},
		OldestAt: now.Add(-3 * time.Hour), Disk: inspect.DiskSummary{FileBytes: 1 << 30, FreeBytes: 1 << 32},
	}
	for i := range partitions {
		p := inspect.PartitionStatus{Topic: "orders", Partition: int32(i), Committed: 118204, Frontier: 118204, Next: 131990, LogEnd: ptr[int64](131990), Rates: inspect.Rates{DonePerSecond: ptr(float64(i))}}
		if i == 3 {
			p.Lag, p.OldestAt = s.Lag, s.OldestAt
		}
		s.Partitions = append(s.Partitions, p)
	}
	return s
}

// at is a screen after some keys, each of which was answered.
func at(t *testing.T, s inspect.Status, keys string) *model {
	t.Helper()
	b, m := &fake{status: s}, new(model)
	look := func() {
		p, err := take(t.Context(), b, m.wants())
		m.got(p, err)
	}
	look()
	m.frame(80, 24)
	for _, k := range keysOf([]byte(keys)) {
		if m.press(k) {
			t.Fatalf("%q quits", keys)
		}
		if !m.current() {
			look()
		}
		m.frame(80, 24)
	}
	return m
}

func text(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status        inspect.Status
		keys          string
		width, height int
	}{
		"partitions": {busy(4), "", 80, 24},
		"scrolled":   {busy(100), "ssss" + strings.Repeat("\x1b[B", 50), 80, 24},
		"end":        {busy(100), "G", 80, 24},
		"lanes":      {busy(4), "2", 80, 24},
		"workers":    {busy(4), "\t\ts", 80, 24},
		"explained":  {busy(4), "\r", 80, 24},
		"failed":     {busy(4), "2s", 80, 24},
		"small":      {busy(100), "", 40, 10},
		"wide":       {busy(4), "", 160, 20},
		"nothing":    {inspect.Status{At: now, Live: true, Healthy: true, Group: "billing"}, "", 80, 24},
	} {
		m := at(t, tt.status, tt.keys)
		lines := m.frame(tt.width, tt.height)
		if len(lines) != tt.height {
			t.Errorf("%s has %d lines of %d", name, len(lines), tt.height)
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l.text); n > tt.width {
				t.Errorf("%s has a line of %d columns of %d: %q", name, n, tt.width, l.text)
			}
		}
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(text(lines)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text(lines)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string][]key{
		"q":                   {'q'},
		"j\x1b[A\x1bOBk":      {'j', keyUp, keyDown, 'k'},
		"\x1b[5~\x1b[6~":      {keyPageUp, keyPageDown},
		"\x1b":                {keyEscape},
		"\x1b[1;5Cq":          {'q'}, // with modifiers: nothing here
		"\x1b[200":            nil,   // half of one
		"\x03":                {ctrlC},
		"\x1b[H\x1b[F\x1b[Zq": {keyHome, keyEnd, 'q'},
	} {
		if diff := cmp.Diff(want, keysOf([]byte(sent))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", sent, diff)
		}
	}
}

// What is known of an explanation or a view that has been left is not shown as
// what is looked at now.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	b, m := &fake{status: busy(4)}, new(model)
	partitions, err := take(t.Context(), b, m.wants())
	if err != nil {
		t.Fatal(err)
	}
	m.press('2')
	m.got(partitions, nil)
	if m.current() || !strings.Contains(text(m.frame(80, 24)), "asking") {
		t.Error("the partitions pass for lanes")
	}
	if len(m.picture.status.Partitions) != 4 {
		t.Error("the head is not renewed")
	}
}

// The whole of it on a terminal: drawn, renewed, steered, and given back.
func TestRun(t *testing.T) {
	t.Parallel()
	tty, b := ptytest.New(t, 80, 24), &fake{status: busy(4)}
	ended := make(chan error, 1)
	go func() { ended <- Run(t.Context(), b, tty.Path, 20*time.Millisecond) }()
	tty.Await(t, 0, "orders/3")
	mark := len(tty.Text())
	b.set(func() { b.err = errors.New("connection refused") })
	tty.Await(t, mark, "NO ANSWER  connection refused")
	b.set(func() { b.err, b.status.Group = nil, "renamed" })
	tty.Await(t, mark, "group renamed")
	tty.Press(t, "2")
	tty.Await(t, mark, "cust-8812")
	tty.Press(t, "e")
	tty.Await(t, mark, "explain orders/3@118204")
	tty.Press(t, "\x1b")
	tty.Press(t, "q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	tty.Await(t, mark, leave)
	if drawn := tty.Text(); !strings.HasPrefix(drawn, enter) || !strings.HasSuffix(drawn, leave) {
		t.Error("the terminal is not given back as it was")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tty, b := ptytest.New(t, 80, 24), &fake{status: busy(1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, b, tty.Path, time.Hour) }()
	tty.Await(t, 0, "orders/0")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	tty.Await(t, 0, leave)
}

// A bridge that does not answer at all leaves the terminal alone.
func TestRunWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	tty, broken := ptytest.New(t, 80, 24), errors.New("broken")
	if err := Run(t.Context(), &fake{err: broken}, tty.Path, time.Hour); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if drawn := tty.Text(); drawn != "" {
		t.Errorf("drawn %q", drawn)
	}
}

func TestRunWithoutATerminal(t *testing.T) {
	t.Parallel()
	if err := Run(t.Context(), &fake{}, os.DevNull, time.Hour); err == nil {
		t.Error("it runs without a terminal")
	}
}

// A line that fills the screen keeps its last character.
func TestFullLines(t *testing.T) {
	t.Parallel()
	tty := ptytest.New(t, 10, 2)
	drawn, err := openTerminal(tty.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := drawn.draw([]line{{text: "0123456789"}, {"full", true}}, 10); err != nil {
		t.Fatal(err)
	}
	if err := drawn.close(); err != nil {
		t.Fatal(err)
	}
	tty.Await(t, 0, leave)
	if want := enter + home + clear + "0123456789\r\n" + clear + inverse + "full      " + ordinary + leave; tty.Text() != want {
		t.Errorf("drawn %q, want %q", tty.Text(), want)
	}
}
