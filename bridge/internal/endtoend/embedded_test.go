package endtoend

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// settings are those of a bridge with a store of its own and quick timers.
func (k *kafka) settings(t *testing.T, topics ...bridge.Topic) bridge.Config {
	t.Helper()
	return bridge.Config{
		Brokers:          []string{k.Addr()},
		Group:            topicOf(t),
		DataDir:          t.TempDir(),
		Topics:           topics,
		Workers:          16,
		CommitEvery:      50 * time.Millisecond,
		SessionTimeout:   6 * time.Second,
		RebalanceTimeout: 10 * time.Second,
		Logger:           slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// embedded is a bridge in this process.
type embedded struct {
	*bridge.Bridge
	stop func() error // a planned stop; waits, and tells what Run returned
}

// embed runs a bridge until it is stopped or the test ends.
func embed(t *testing.T, cfg bridge.Config) *embedded {
	t.Helper()
	b, err := bridge.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	e := &embedded{Bridge: b, stop: sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("Run does not return")
		}
	})}
	t.Cleanup(func() {
		b.Abort()
		if err := e.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	return e
}

// mustStop stops the bridge as planned.
func (e *embedded) mustStop(t *testing.T) {
	t.Helper()
	if err := e.stop(); err != nil {
		t.Fatalf("Run returned %v", err)
	}
}

// listen returns a channel that is closed once the bridge has logged text.
func listen(t *testing.T, cfg *bridge.Config, text string) <-chan struct{} {
	t.Helper()
	heard := make(chan struct{})
	once := sync.OnceFunc(func() { close(heard) })
	to := t.Output()
	cfg.Logger = slog.New(slog.NewTextHandler(writer(func(line []byte) (int, error) {
		if bytes.Contains(line, []byte(text)) {
			once()
		}
		return to.Write(line)
	}), nil))
	return heard
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// diary is a handler that notes which jobs it ended, and how often.
type diary struct {
	mu   sync.Mutex
	runs map[string]int // by the job's name; guarded by mu
}

func newDiary() *diary { return &diary{runs: make(map[string]int)} }

func (d *diary) Handle(_ context.Context, job *bridge.Job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs[job.String()]++
	return nil
}

// checkOnce wants n jobs, each ended once.
func (d *diary) checkOnce(t *testing.T, n int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.runs) != n {
		t.Errorf("%d jobs ended, want %d", len(d.runs), n)
	}
	for job, runs := range d.runs {
		if runs != 1 {
			t.Errorf("%s ended %d times", job, runs)
		}
	}
}
