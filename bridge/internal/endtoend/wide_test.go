package endtoend

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// What a thousand partitions may cost at most: several times what they do.
const (
	wideStart  = time.Minute
	wideMemory = 384 << 20
)

// A thousand partitions on one bridge: what start and memory come to is told.
// The broker has its own part in it, and is nobody else's.
func TestThousandPartitions(t *testing.T) {
	t.Parallel()
	const partitions, each = 1000, 10
	f := startKafka(t).fleet(t, partitions, "cooperative-sticky", true)
	start := func() time.Duration {
		begin := time.Now()
		f.boot(t, "a")
		f.waitShared(t, "alone")
		return milliseconds(time.Since(begin))
	}
	first := start()
	idle := f.anonymous(t, "a")

	messages := numbered(f.topic, partitions, each)
	begin := time.Now()
	f.produce(t, messages...)
	for _, m := range messages {
		f.tell(t, history.Event{Kind: history.Produced, Topic: f.topic, Partition: m.Partition, Offset: m.Offset})
	}
	f.waitCommitted(t, f.topic, f.topic)
	committed := milliseconds(time.Since(begin))
	busy := f.anonymous(t, "a")

	f.stop(t, "a")
	again := start()
	f.finish(t)
	t.Logf("%d partitions: taken %v after the start of a new store and %v after that of a known one; RssAnon %d MiB, and %d MiB after %d records, which were handled and committed %v after the first was written",
		partitions, first, again, idle>>20, busy>>20, len(messages), committed)
	if slowest := max(first, again); slowest > wideStart {
		t.Errorf("the start took %v", slowest)
	}
	if busy > wideMemory {
		t.Errorf("%d MiB", busy>>20)
	}
}

// anonymous is the memory of a member that no file backs, in bytes.
func (f *fleet) anonymous(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.members[name].Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte("RssAnon:"))
	var kilobytes int64
	if _, err := fmt.Sscan(string(rest), &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
