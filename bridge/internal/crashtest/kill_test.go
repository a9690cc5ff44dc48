package crashtest

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// round bounds how much history is judged at a time.
const round = 2 * time.Minute

// TestKillAtAnyMoment kills a bridge under load until the time is over.
func TestKillAtAnyMoment(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	if testing.Short() {
		*soak = min(*soak, 2*time.Second)
	}
	end := time.Now().Add(*soak)
	for i := first; i == first || time.Now().Before(end) && !t.Failed(); i++ {
		killFor(t, i, min(round, time.Until(end)))
	}
}

// killFor is one round: many lives on one data directory, the last of which
// finishes all that is left.
func killFor(t *testing.T, seed uint64, d time.Duration) {
	t.Logf("repeat with -seed %d", seed)
	w := newWorld(t)
	defer w.close()
	random := rand.New(rand.NewPCG(seed, 1))
	stopFeeding := w.feed(t, rand.New(rand.NewPCG(seed, 2)))
	defer stopFeeding()

	for end := time.Now().Add(d); time.Now().Before(end); {
		w.live(t, random)
	}
	stopFeeding()
	last := w.boot(t)
	defer last.end()
	last.release(t)
	w.settle(t, last)
	w.stop(t, last)
	w.tell(t, history.Event{Kind: history.Drained})
	w.close()

	report := w.judge(t)
	t.Log(report)
	for _, v := range report.Violations[:min(len(report.Violations), 20)] {
		t.Error(v)
	}
	if w.races() {
		t.Error("the race detector spoke up in the bridge")
	}
	if t.Failed() {
		t.Logf("end of the bridge's log:\n%s", w.tail())
		return
	}
	if d >= 10*time.Second && (report.Crashes < 3 || report.Interrupt == 0 || report.Done < 1000 || report.Skipped == 0 || report.Retried == 0) {
		t.Errorf("the test did not test much: %v", report)
	}
}

// live is one life: mostly killed under load, sometimes while it still starts,
// sometimes stopped as planned.
func (w *world) live(t *testing.T, random *rand.Rand) {
	t.Helper()
	c := w.boot(t)
	defer c.end()
	longest := 3 * time.Second
	if random.IntN(3) == 0 {
		longest = 200 * time.Millisecond
	}
	if c.endsWithin(time.Duration(random.Int64N(int64(longest)))) {
		t.Fatalf("the bridge ended by itself: %v\n%s", c.err, w.tail())
	}
	if longest > time.Second && random.IntN(4) == 0 {
		w.stop(t, c)
		return
	}
	w.kill(t, c)
}

// TestKillAndForget is the negative control: a bridge that loses its data
// directory in a crash runs durable completions again, and the judge must see
// that.
func TestKillAndForget(t *testing.T) {
	w := newWorld(t)
	var records []bridgetest.Record
	for range 200 {
		records = append(records, bridgetest.Record{Key: []byte("key"), Value: []byte("0")})
	}
	w.produce(t, records...)

	first := w.boot(t)
	defer first.end()
	w.waitFor(t, history.Durable, 200)
	w.kill(t, first)
	if err := os.RemoveAll(w.dataDir()); err != nil {
		t.Fatal(err)
	}
	second := w.boot(t)
	defer second.end()
	w.waitFor(t, history.Start, 250)
	w.kill(t, second)
	w.close()

	report := w.judge(t)
	for _, v := range report.Violations {
		if v.Rule != history.DurableRan {
			t.Errorf("not what was done: %v", v)
		}
	}
	if len(report.Violations) == 0 {
		t.Errorf("durable completions were forgotten and nobody saw it: %v", report)
	}
}
