package bench

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

func TestBoardCountsForBothSides(t *testing.T) {
	t.Parallel()
	ours, theirs := boards(t, 3)
	work := Work{Sleep: time.Millisecond, Tally: true}
	for _, sequence := range []int64{0, 2, 2} {
		value := make([]byte, valueHeader)
		putValue(value, sequence, 1, time.Now().Add(-time.Second))
		work.perform(theirs, value)
	}
	if n := ours.finished(); n != 3 {
		t.Errorf("%d records finished, want 3", n)
	}
	if d := ours.busy(); d < 3*time.Millisecond {
		t.Errorf("%v in handlers of 3 x 1 ms", d)
	}
	if distinct, again := ours.tally(); distinct != 2 || again != 1 {
		t.Errorf("%d records finished and %d again, want 2 and 1", distinct, again)
	}
	if p50, n := ours.latency(0.5); n != 3 || p50 < time.Second || p50 > 4*time.Second {
		t.Errorf("p50 of %d records is %v, want 3 of about a second", n, p50)
	}
}

func TestLatencyIsTheUpperEndOfItsBucket(t *testing.T) {
	t.Parallel()
	b, _ := boards(t, 0)
	for i := range 100 {
		b.addLatency(time.Duration(i) * bucketWidth)
	}
	b.addLatency(-time.Second) // clocks differ
	b.addLatency(time.Hour)
	for _, c := range []struct {
		share float64
		want  time.Duration
	}{{0.01, bucketWidth}, {0.5, 50 * bucketWidth}, {0.98, 99 * bucketWidth}, {1, buckets * bucketWidth}} {
		if got, n := b.latency(c.share); got != c.want || n != 102 {
			t.Errorf("share %v of %d records: %v, want %v of 102", c.share, n, got, c.want)
		}
	}
}

// Two languages write the board: their layouts must be one.
func TestRunnerHasTheLayoutOfTheBoard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "bench", "Runner.java"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"FINISHED": slotFinished, "BUSY": slotBusy, "LATENCIES": slotLatencies, "BUCKETS": buckets,
		"BUCKET_NANOS": int(bucketWidth),
	} {
		found := regexp.MustCompile(` ` + name + ` = ([0-9_]+);`).FindSubmatch(text)
		if found == nil {
			t.Errorf("Runner.java has no %s", name)
			continue
		}
		got, err := strconv.ParseInt(string(found[1]), 0, 64) // 0: underscores as in Java
		if err != nil || int(got) != want {
			t.Errorf("Runner.java has %s = %d (%v), the board %d", name, got, err, want)
		}
	}
}

func boards(t *testing.T, records int) (ours, theirs *board) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "board")
	ours, err := createBoard(path, records)
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = openBoard(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, b := range []*board{ours, theirs} {
			if err := b.close(); err != nil {
				t.Error(err)
			}
		}
	})
	return ours, theirs
}
