package admin

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// shortDir is a directory whose path is short enough for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "admin-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newStore has partitions of orders with n jobs each, in three lanes.
func newStore(t testing.TB, partitions int32, n int64) *queue.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), queue.FileName)
	must(t, queue.Create(path, queue.Identity{StoreID: "s"}))
	s, err := queue.Open(path, queue.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for number := range partitions {
		p, err := s.Attach(queue.TopicPartition{Topic: "orders", Partition: number})
		must(t, err)
		must(t, p.Configure("topic-id", "scheme"))
		must(t, p.SetStart(0))
		recs := make([]queue.Record, n)
		for i := range recs {
			key := fmt.Appendf(nil, "k%d\xff", i%3)
			recs[i] = queue.Record{Offset: int64(i), Timestamp: 1000, Key: key, Value: []byte("v"), Lane: queue.Lane{ID: uint64(i % 3), Name: key}}
		}
		_, err = p.Append(recs)
		must(t, err)
	}
	return s
}

// serve answers on a new socket until the test ends, and returns its path.
func serve(t testing.TB, cfg Config) string {
	t.Helper()
	path := filepath.Join(shortDir(t), SocketName)
	listener, err := Listen(path, ListenOptions{})
	must(t, err)
	serveOn(t, cfg, listener)
	return path
}

func serveOn(t testing.TB, cfg Config, listener net.Listener) (stop func() error) {
	t.Helper()
	server, err := NewServer(cfg)
	must(t, err)
	return run(t, server, listener)
}

// run serves until the test ends, or stop is called.
func run(t testing.TB, server *Server, listener net.Listener) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return fmt.Errorf("the server does not end")
		}
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return stop
}

func dial(t testing.TB, path string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// stub answers nothing: who asks it, panics.
type stub struct{ inspect.Inspector }

func matches(pattern, text string) bool {
	return regexp.MustCompile(pattern).MatchString(text)
}

func healthy() inspect.Health {
	return inspect.Health{State: inspect.StateRunning, Alive: true, Parts: []inspect.HealthPart{{Part: "committer", LimitSeconds: 120}}}
}
