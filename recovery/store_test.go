package recovery

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		holdLock(dir)
	}
	if dir := os.Getenv(openEnv); dir != "" {
		openAndClose(dir)
	}
	// Steps of the machine test are openings of a store; the command line may ask for more.
	if err := flag.Set("rapid.steps", "5"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

var orders = queue.TopicPartition{Topic: "orders", Partition: 3}

func options(dir string) Options { return Options{Dir: dir, Group: "billing", Cluster: "c1"} }

func mustOpen(t *testing.T, opt Options) *Opened {
	t.Helper()
	o, err := Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustClose(t *testing.T, o *Opened) {
	t.Helper()
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// newStore makes a closed store with n unfinished jobs of orders/3, from
// offset 100 on, and returns its directory and file.
func newStore(t *testing.T, n int) (dir, path string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	o := mustOpen(t, options(dir))
	p := attach(t, o)
	if err := p.SetStart(100); err != nil {
		t.Fatal(err)
	}
	records := make([]queue.Record, n)
	for i := range records {
		key := fmt.Appendf(nil, "key %d", i)
		records[i] = queue.Record{
			Offset: 100 + int64(i), Key: key, Value: fmt.Appendf(nil, "value of job %d", i),
			Lane: queue.Lane{ID: uint64(i), Name: key},
		}
	}
	if _, err := p.Append(records); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)
	return dir, filepath.Join(dir, queue.FileName)
}

func attach(t *testing.T, o *Opened) *queue.Partition {
	t.Helper()
	p, err := o.Store.Attach(orders)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantJobs opens the store, checks that it holds n jobs, and closes it.
func wantJobs(t *testing.T, dir string, n int) queue.Identity {
	t.Helper()
	o := mustOpen(t, options(dir))
	defer mustClose(t, o)
	if got := attach(t, o).State(); got.Open != n || got.Frontier != 100 || got.Next != 100+int64(n) {
		t.Errorf("%d jobs expected, got %+v", n, got)
	}
	return o.Store.Identity()
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// errOf is the error of an Append.
func errOf(_ int, err error) error { return err }
