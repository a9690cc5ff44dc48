package recovery

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

// machine is a store that is opened, used, killed, copied and compacted in any
// order, beside what it must hold: every offset from 100 to next, some open.
type machine struct {
	t      *rapid.T
	root   string
	dirs   int
	dir    string
	opened *Opened
	part   *queue.Partition

	next, durableNext int64
	open, durableOpen map[int64]bool
}

func TestStoreSurvivesEverything(t *testing.T) {
	t.Parallel()
	root := memoryDir(t)
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		m := &machine{t: t, root: filepath.Join(root, fmt.Sprint(runs)), next: 100, open: map[int64]bool{}}
		m.dir = m.newDir()
		m.start()
		m.must(m.part.SetStart(100))
		m.sync()
		defer func() {
			m.must(m.opened.Close())
			m.must(os.RemoveAll(m.root))
		}()
		t.Repeat(map[string]func(*rapid.T){
			"append":           func(t *rapid.T) { m.append(rapid.IntRange(1, 20).Draw(t, "records")) },
			"run":              func(*rapid.T) { m.run() },
			"sync":             func(*rapid.T) { m.sync() },
			"stop":             func(*rapid.T) { m.stop(); m.start() },
			"kill":             func(*rapid.T) { m.kill(); m.start() },
			"kill while fsync": func(*rapid.T) { m.must(m.opened.NoteFailure(syscall.EIO)); m.kill(); m.start() },
			"compact":          func(*rapid.T) { m.stop(); m.compact(""); m.start() },
			"move":             func(*rapid.T) { m.stop(); to := m.newDir(); m.compact(to); m.dir = to; m.start() },
			"drained":          func(*rapid.T) { m.stop(); m.must(os.Truncate(m.path(), 2*drainedFile)); m.start() },
			"left-over":        func(*rapid.T) { m.stop(); m.leftOver(); m.start() },
			"":                 func(*rapid.T) { m.compare() },
		})
	})
}

// memoryDir is a directory without a disk behind it where there is one: this
// test is not about fsync, and makes thousands.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "holdfast")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) newDir() string {
	m.dirs++
	return filepath.Join(m.root, fmt.Sprint(m.dirs))
}

func (m *machine) path() string { return filepath.Join(m.dir, queue.FileName) }

// start opens the store. Nothing is flushed unless sync asks for it, so that
// what a kill leaves is known.
func (m *machine) start() {
	opt := options(m.dir)
	opt.Queue.Flush = time.Hour
	opt.Verify = func(ctx context.Context, path string) error {
		report, err := Verify(ctx, path, true)
		if err == nil && len(report.Damaged) > 0 {
			err = report.Damaged[0]
		}
		return err
	}
	opened, err := Open(context.Background(), opt)
	m.must(err)
	m.opened = opened
	m.part, err = m.opened.Store.Attach(orders)
	m.must(err)
	m.part.Lease(queue.Forever)
}

func (m *machine) append(n int) {
	records := make([]queue.Record, n)
	for i := range records {
		records[i] = queue.Record{Offset: m.next, Value: make([]byte, 2000), Lane: queue.Lane{ID: uint64(m.next % 7)}}
		m.open[m.next] = true
		m.next++
	}
	m.must(errOf(m.part.Append(records)))
}

func (m *machine) run() {
	if len(m.open) == 0 {
		return
	}
	jobs := make([]queue.Job, 1)
	if _, err := m.opened.Store.Take(context.Background(), jobs); err != nil {
		m.t.Fatal(err)
	}
	if !m.open[jobs[0].Offset] {
		m.t.Fatalf("%d runs and is not open", jobs[0].Offset)
	}
	m.must(m.opened.Store.Finish(queue.Finished{Job: &jobs[0], Outcome: queue.Outcome{Kind: queue.Done}}))
	delete(m.open, jobs[0].Offset)
}

func (m *machine) sync() {
	m.must(m.opened.Store.Sync(context.Background()))
	m.saved()
}

func (m *machine) saved() {
	m.durableNext, m.durableOpen = m.next, map[int64]bool{}
	for o := range m.open {
		m.durableOpen[o] = true
	}
}

func (m *machine) stop() {
	m.must(m.opened.Close())
	m.saved()
}

// kill goes back to what the files held at this moment.
func (m *machine) kill() {
	files := map[string][]byte{}
	for _, name := range []string{queue.FileName, slotsName} {
		b, err := os.ReadFile(filepath.Join(m.dir, name))
		m.must(err)
		files[name] = b
	}
	m.must(m.opened.Close())
	for name, b := range files {
		path := filepath.Join(m.dir, name)
		m.must(os.WriteFile(path, used(b), 0o600))
		m.must(os.Truncate(path, int64(len(b))))
	}
	m.next, m.open = m.durableNext, map[int64]bool{}
	for o := range m.durableOpen {
		m.open[o] = true
	}
}

// used is a file without its empty end, for speed.
func used(file []byte) []byte {
	zeros := make([]byte, 64<<10)
	for len(file) > 0 {
		last := file[max(0, len(file)-len(zeros)):]
		if !bytes.Equal(last, zeros[:len(last)]) {
			break
		}
		file = file[:len(file)-len(last)]
	}
	return file
}

func (m *machine) compact(to string) {
	_, err := Compact(context.Background(), m.dir, CompactOptions{To: to})
	m.must(err)
}

func (m *machine) leftOver() {
	b, err := os.ReadFile(m.path())
	m.must(err)
	m.must(os.WriteFile(m.path()+queue.TempSuffix, b[:len(b)/2], 0o600))
}

func (m *machine) compare() {
	frontier := m.next
	for o := range m.open {
		frontier = min(frontier, o)
	}
	if got := m.part.State(); got.Frontier != frontier || got.Next != m.next || got.Open != len(m.open) {
		m.t.Fatalf("got %+v, want frontier %d, next %d, %d open", got, frontier, m.next, len(m.open))
	}
}
