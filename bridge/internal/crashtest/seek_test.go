package crashtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// An operator moves all partitions back to their beginnings, and the bridge is
// killed on the way: each partition is then where it was or where it was wanted,
// and what runs again of it is all or nothing.
func TestASeekOutlivesKills(t *testing.T) {
	t.Parallel()
	const perPartition = 150
	w := newQuietWorld(t)
	w.produce(t, bridgetest.Record{Key: []byte(stuckKey)}) // what is behind it is done ahead of the offset
	records := make([]bridgetest.Record, partitions*perPartition)
	for i := range records {
		records[i] = bridgetest.Record{Partition: int32(i % partitions), Key: fmt.Appendf(nil, "key-%d", i%keys), Value: []byte("1")}
	}
	w.produce(t, records...)
	w.finishAll(t)

	back := inspect.Command{
		Verb: inspect.Seek, Select: inspect.Query{Topic: topic, Partitions: []int32{0, 1, 2, 3}}, To: &inspect.Position{Oldest: true},
	}
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	moved := 0
	for round := range 6 {
		before := len(w.events(t))
		started, commanded := w.count(t, history.Start), w.count(t, history.Commanded)
		taken := w.taken(t)
		w.commands = []inspect.Command{back}
		c := w.boot(t)
		defer c.end()
		switch round {
		case 0:
			w.waitFor(t, history.Commanded, commanded+1)
		case 1, 2:
			w.waitFor(t, history.Start, started+1+random.IntN(partitions*perPartition/2))
		default:
			w.awaitTaken(t, taken+partitions)
			time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond) // somewhere between the first partition and the last
		}
		w.kill(t, c)
		w.commands = nil
		w.finishAll(t)
		n := w.checkSeek(t, round, w.events(t)[before:], perPartition)
		t.Logf("round %d: %d partitions were moved", round, n)
		moved += n
	}
	if moved < partitions { // at least those of the round in which the command has returned
		t.Errorf("%d partitions were moved", moved)
	}
	if w.races() {
		t.Errorf("a data race\n%s", w.tail())
	}
}

// taken counts how often a partition has begun to be worked on.
func (w *world) taken(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(w.childLog())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("partition taken"))
}

func (w *world) count(t *testing.T, kind history.Kind) (n int) {
	t.Helper()
	for _, e := range w.events(t) {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// finishAll lives until everything is finished: what Kafka has may be of before a
// wish, so that the store tells.
func (w *world) finishAll(t *testing.T) {
	t.Helper()
	for finished := false; !finished; finished = w.finished(t) {
		taken := w.taken(t)
		c := w.boot(t)
		defer c.end()
		c.release(t)
		w.awaitTaken(t, taken+partitions)
		w.settle(t, c)
		w.stop(t, c)
	}
}

func (w *world) awaitTaken(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); w.taken(t) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not all partitions are taken within %v\n%s", patience, w.tail())
		}
	}
}

func (w *world) finished(t *testing.T) bool {
	t.Helper()
	offline, err := inspect.Open(t.Context(), w.dataDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer offline.Close()
	parts, err := offline.Partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends := w.broker.EndOffsets(topic)
	for _, p := range parts {
		if p.Frontier == ends[p.Partition] && p.Open == 0 {
			delete(ends, p.Partition)
		}
	}
	return len(ends) == 0
}

// checkSeek counts the partitions of which jobs have run again: then all have.
func (w *world) checkSeek(t *testing.T, round int, events []history.Event, perPartition int) (moved int) {
	t.Helper()
	again := map[int32]map[int64]bool{}
	for _, e := range events {
		if e.Kind == history.Start {
			if again[e.Partition] == nil {
				again[e.Partition] = map[int64]bool{}
			}
			again[e.Partition][e.Offset] = true
		}
	}
	for p, offsets := range again {
		want := perPartition
		if p == 0 {
			want++ // the stuck one
		}
		if len(offsets) != want {
			t.Errorf("round %d: of partition %d %d jobs ran again, want none or all %d", round, p, len(offsets), want)
		}
		moved++
	}
	return moved
}
