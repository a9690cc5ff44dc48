package exec

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestStreamCancel(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: patience}})
	ctx, cancel := context.WithCancelCause(context.Background())
	obeys, finishes := s.begin(t, ctx, "obey"), s.begin(t, ctx, "finish")
	pid := s.pid(t)
	cancel(bridge.ErrRevoked)
	if err := wait(t, obeys); !errors.Is(err, bridge.ErrRevoked) || !strings.HasSuffix(err.Error(), ": cancelled") {
		t.Errorf("the job that obeys: %v", err)
	}
	if err := wait(t, finishes); err != nil {
		t.Errorf("the job that finishes all the same: %v", err)
	}
	if s.pid(t) != pid {
		t.Error("the child was killed")
	}
}

// A run is not left alone in a child that does not heed its cancel.
func TestStreamCancelUnheeded(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: 50 * time.Millisecond}})
	ctx, cancel := context.WithCancelCause(context.Background())
	pid := s.pid(t)
	other := s.begin(t, context.Background(), "deaf")
	deaf := s.begin(t, ctx, "deaf")
	cancel(bridge.ErrRevoked)
	err := wait(t, deaf)
	if alive(pid) {
		t.Error("the child is alive")
	}
	const why = "was killed: orders/3@17 was not answered within 50ms of its cancel"
	if !errors.Is(err, bridge.ErrRevoked) || !strings.HasSuffix(err.Error(), why) {
		t.Errorf("the job: %v", err)
	}
	if err := wait(t, other); errors.Is(err, bridge.ErrRevoked) || !strings.HasSuffix(err.Error(), why) {
		t.Errorf("the other job: %v", err)
	}
	if s.pid(t) == pid {
		t.Error("the same process")
	}
}

// See TestLongGraceEndsWithTheJob.
func TestStreamLongGraceEndsWithTheJob(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: time.Hour}})
	ctx, cancel := context.WithCancelCause(context.Background())
	pid := s.pid(t)
	deaf := s.begin(t, ctx, "deaf")
	cancel(bridge.ErrStopping)
	if err := wait(t, deaf); err == nil || !strings.HasSuffix(err.Error(), "was killed: orders/3@17 was not answered within 3s of its cancel") {
		t.Errorf("error %v", err)
	}
	if alive(pid) {
		t.Error("the child is alive")
	}
}

func TestStreamTimeLimit(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Timeout: 2 * time.Second, Grace: patience}})
	eventually(t, func() bool { return s.do("ok") == nil }) // the child reads
	err := s.do("obey")
	var limit *TimeoutError
	if !errors.As(err, &limit) || gaveUp(err) || err.Error() != "time limit of 2s passed: cancelled" {
		t.Errorf("error %v", err)
	}
	if err := s.do("finish"); err != nil {
		t.Errorf("a job that finishes all the same: %v", err)
	}
}

// A child that reads nothing for long blocks nobody: what waits in front of its pipe can be
// taken back, and the rest goes on when it does.
func TestStreamSlowReader(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: patience}, InFlight: 12})
	file := filepath.Join(t.TempDir(), "go on")
	first := s.begin(t, context.Background(), "file:"+file)
	large := "ok:" + strings.Repeat("x", 1<<20)
	rest := make(chan error, 9)
	for range cap(rest) {
		go func() { rest <- s.do(large) }()
	}
	c := s.slots[0].child
	queued := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queue)
	}
	eventually(t, func() bool { return queued() >= 8 })
	ctx, cancel := context.WithCancelCause(context.Background())
	last := make(chan error, 1)
	go func() { last <- s.Handle(ctx, valued("exit:seen")) }()
	eventually(t, func() bool { return queued() >= 9 })
	cancel(bridge.ErrStopping)
	if err := wait(t, last); err != bridge.ErrStopping {
		t.Errorf("the job that was taken back: %v", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range cap(rest) {
		if err := wait(t, rest); err != nil {
			t.Error(err)
		}
	}
	if err := wait(t, first); err != nil {
		t.Error(err)
	}
}
