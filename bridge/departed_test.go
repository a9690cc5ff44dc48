package bridge_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/queue"
)

// ahead is the machine's clock, set forward.
type ahead time.Duration

func (a ahead) Now() time.Time { return time.Now().Add(time.Duration(a)) }

func (a ahead) AfterFunc(d time.Duration, f func()) queue.Timer { return time.AfterFunc(d, f) }

// TestDepartedPartitionIsDropped an hour after another store has taken it over,
// and not before; nor where nobody has.
func TestDepartedPartitionIsDropped(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		taken   bool // by another store
		deleted bool // what is unfinished, by retention
		later   time.Duration
		dropped bool
	}{
		"an hour later":          {taken: true, later: time.Hour, dropped: true},
		"less than that":         {taken: true, later: 59 * time.Minute},
		"nobody has taken it":    {later: 48 * time.Hour},
		"Kafka has it no longer": {taken: true, deleted: true, later: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
			produce(t, broker, "orders", 20, 5, 1)
			b := newBook(func(job *bridge.Job) bool { return job.Offset == 3 })
			first := leaving(t, broker, b)
			x := start(t, first)
			b.waitDone(t, 20-4) // one of five keys waits
			x.mustStop(t)
			if test.taken {
				before := broker.Committed("billing", "orders")[0]
				start(t, leaving(t, broker, b))
				eventually(t, "another store commits", func() bool { return broker.Committed("billing", "orders")[0] != before })
			}
			if test.deleted {
				broker.DeleteRecords(t, "orders", 0, 10)
			}
			log := &lines{}
			first.Clock, first.Logger = ahead(test.later), slog.New(slog.NewTextHandler(log, nil))
			first.Topics[0].Name = "others" // the partition stays where it is
			x = start(t, first)
			if test.dropped {
				eventually(t, "it is dropped", func() bool { return log.contain("dropped what was left of a partition") })
			} else {
				eventually(t, "it is looked at", func() bool { return log.contain("no topic to subscribe to yet") })
			}
			x.mustStop(t)
			if held := holds(t, first.DataDir); held == test.dropped {
				t.Errorf("the store holds the partition: %v\n%s", held, log)
			}
			if _, again := b.count(); again > 0 {
				t.Errorf("%d ran again", again)
			}
		})
	}
}

// holds tells whether a store knows anything of a partition.
func holds(t *testing.T, dir string) bool {
	t.Helper()
	store, err := queue.Open(filepath.Join(dir, queue.FileName), queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tps, err := store.Partitions()
	if err != nil {
		t.Fatal(err)
	}
	return len(tps) > 0
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) contain(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
