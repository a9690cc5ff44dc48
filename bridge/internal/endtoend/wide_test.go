package endtoend

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
)

// What a thousand partitions may cost at most: several times what they do.
const (
	wideStart  = 2 * time.Minute
	wideMemory = 384 << 20
)

// A thousand partitions on one bridge: what start and memory come to is told.
// The broker has its own part in it, and is nobody else's; a busy machine must
// not make it believe that it is dead.
func TestThousandPartitions(t *testing.T) {
	t.Parallel()
	const partitions, each = 1000, 10
	k := startKafka(t, apache.Property("broker.session.timeout.ms", "60000"))
	k.create(t, topic, partitions)
	s := newSite(t)
	s.write(t, "holdfast.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: %s}
data_dir: ./data
topics: {%s: }
handler: {log: {}}
`, k.Addr(), group, topic))

	b, first := s.take(t, partitions)
	idle := anonymous(t, b)
	begin := time.Now()
	k.produce(t, numbered(topic, partitions, each)...)
	k.waitCommitted(t, group, topic)
	committed := milliseconds(time.Since(begin))
	busy := anonymous(t, b)
	s.stop(t, b)
	b, again := s.take(t, partitions)
	s.stop(t, b)

	t.Logf("%d partitions: taken %v after the start of a new store and %v after that of a known one; RssAnon %d MiB, and %d MiB after %d records, which were handled and committed %v after the first was written",
		partitions, first, again, idle>>20, busy>>20, partitions*each, committed)
	if slowest := max(first, again); slowest > wideStart {
		t.Errorf("the start took %v", slowest)
	}
	if busy > wideMemory {
		t.Errorf("%d MiB", busy>>20)
	}
}

// take starts holdfast and waits until it has taken so many partitions.
func (s *site) take(t *testing.T, partitions int) (*life, time.Duration) {
	t.Helper()
	taken := func() int {
		text, err := os.ReadFile(s.path("bridge.log"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(text), "partition taken")
	}
	before, begin := taken(), time.Now()
	b := s.run(t)
	until(t, func() (bool, any) {
		now := taken() - before
		return now >= partitions, now
	}, "%d partitions are taken", partitions)
	return b, milliseconds(time.Since(begin))
}

// anonymous is the memory of a process that no file backs, in bytes.
func anonymous(t *testing.T, b *life) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
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
