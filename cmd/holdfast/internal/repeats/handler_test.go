package repeats

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type journal struct {
	out strings.Builder
	*Handler
}

func newJournal() *journal {
	j := new(journal)
	j.Handler = New(slog.NewTextHandler(&j.out, nil), Options{Every: time.Second, Lines: 2})
	return j
}

func (j *journal) write(t *testing.T, h slog.Handler, at time.Duration, level slog.Level, message string, args ...any) {
	t.Helper()
	r := slog.NewRecord(start.Add(at), level, message, 0)
	r.Add(args...)
	if err := h.Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
}

func (j *journal) lines() []string {
	text := strings.TrimSpace(j.out.String())
	j.out.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestOfOneKindTheFirstFewAreWritten(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for i := range 5 {
		j.write(t, j, time.Duration(i)*time.Millisecond, slog.LevelWarn, "failed", "job", i)
	}
	if got := j.lines(); len(got) != 2 || !strings.Contains(got[1], "job=1") {
		t.Fatalf("written: %q", got)
	}
	j.write(t, j, time.Second, slog.LevelWarn, "failed", "job", 9)
	if got := j.lines(); len(got) != 1 || !strings.HasSuffix(got[0], "job=9 not_shown_before=3") {
		t.Errorf("the next interval begins with %q", got)
	}
}

func TestKindsDoNotHideEachOther(t *testing.T) {
	t.Parallel()
	j := newJournal()
	ofPartition := j.WithAttrs([]slog.Attr{slog.String("topic", "orders"), slog.Int("partition", 3)})
	for range 4 {
		j.write(t, j, 0, slog.LevelWarn, "failed")
		j.write(t, j, 0, slog.LevelError, "failed")
		j.write(t, j, 0, slog.LevelWarn, "failed", "partition", 2)
		j.write(t, ofPartition, 0, slog.LevelWarn, "failed")
		j.write(t, j, 0, slog.LevelInfo, "worked")
	}
	if got := j.lines(); len(got) != 4*2+4 {
		t.Errorf("%d lines: %q", len(got), got)
	}
}

func TestFlushSaysWhatWasCounted(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for range 7 {
		j.write(t, j.WithGroup("g"), 0, slog.LevelError, "failed")
	}
	j.lines()
	j.Flush(start.Add(time.Millisecond))
	if got := j.lines(); got != nil {
		t.Fatalf("within the interval it says %q", got)
	}
	j.Flush(start.Add(time.Second))
	if got := j.lines(); len(got) != 1 || !strings.HasSuffix(got[0], "level=ERROR msg=failed g.not_shown_before=5") {
		t.Errorf("it says %q", got)
	}
	j.Flush(start.Add(time.Hour))
	j.Flush(time.Time{})
	if got := j.lines(); got != nil {
		t.Errorf("it says again %q", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for i := range maxKinds + 50 {
		j.write(t, j, 0, slog.LevelWarn, fmt.Sprint("failed ", i))
	}
	if len(j.lines()) != maxKinds+50 || len(j.shared.kinds) != maxKinds {
		t.Errorf("%d kinds are kept", len(j.shared.kinds))
	}
}
