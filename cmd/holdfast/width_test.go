package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/ptytest"
	"github.com/seed-2837c37b/holdfast/queue"
)

// The lines of a list do not wrap on a terminal, whose last line says what is
// missing; what is no terminal gets everything.
func TestListsFitATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storeOfLongNames(t, dir)
	for _, args := range []string{
		"bury --topic customer-orders-of-europe --partition 0 --offset 2 --reason account-locked-for-good --execute",
		"park --topic customer-orders-of-europe --partition 0 --key customer-with-a-long-name-1 --reason account-locked-for-good --execute",
	} {
		if out, err := holdfast(t, append(strings.Fields(args), "--data-dir", dir)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	for _, list := range []string{"jobs", "lanes", "partitions", "dead", "parked", "audit"} {
		args := []string{"inspect", list, "--data-dir", dir}
		out, err := holdfast(t, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		if strings.Contains(string(out), "left out") || !strings.Contains(string(out), "customer-orders-of-europe") {
			t.Errorf("%s writes less to a file:\n%s", list, out)
		}
		screen := ptytest.New(t, 80, 24)
		tty, err := os.OpenFile(screen.Path, os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cmd := holdfast(t, args...)
		cmd.Stdout, cmd.Stderr = tty, os.Stderr
		err = cmd.Run()
		tty.Close()
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		screen.Await(t, 0, "json has all\x1b[0m")
		for line := range strings.Lines(strings.NewReplacer("\x1b[2m", "", "\x1b[0m", "", "\r", "").Replace(screen.Text())) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: a line of %d characters:\n%s", list, n, line)
			}
		}
	}
}

// storeOfLongNames has three lanes of two jobs each.
func storeOfLongNames(t *testing.T, dir string) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, queue.FileName)
	check(queue.Create(path, queue.Identity{StoreID: "s"}))
	s, err := queue.Open(path, queue.Options{})
	check(err)
	p, err := s.Attach(queue.TopicPartition{Topic: "customer-orders-of-europe"})
	check(err)
	check(p.Configure("topic-id", "scheme"))
	check(p.SetStart(0))
	var recs []queue.Record
	for i := range int64(6) {
		key := fmt.Appendf(nil, "customer-with-a-long-name-%d", i%3)
		recs = append(recs, queue.Record{Offset: i, Timestamp: 1000, Key: key, Value: []byte("v"), Lane: queue.Lane{ID: uint64(i % 3), Name: key}})
	}
	_, err = p.Append(recs)
	check(err)
	check(s.Sync(t.Context()))
	check(s.Close())
}
