package exec

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	run := func(script string, grace time.Duration) error {
		h, err := New(Config{Command: []string{"sh", "-c", script}, Timeout: time.Second, Grace: grace})
		if err != nil {
			t.Fatal(err)
		}
		return h.Handle(context.Background(), &bridge.Job{})
	}
	var (
		limit *TimeoutError
		exit  *ExitError
	)
	err := run(`exec sleep 600`, patience)
	if !errors.As(err, &limit) || !errors.As(err, &exit) || exit.Signal != syscall.SIGTERM ||
		err.Error() != "time limit of 1s passed: ended by signal 15 (terminated)" {
		t.Errorf("a process that heeds SIGTERM: %v", err)
	}
	err = run(`trap "" TERM; echo working >&2; while :; do sleep 0.1; done`, 50*time.Millisecond)
	if !errors.As(err, &limit) || !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL || exit.Stderr != "working" {
		t.Errorf("a process that does not: %v", err)
	}
	if err := run(`trap "exit 0" TERM; while :; do sleep 0.01; done`, patience); err != nil {
		t.Errorf("a process that finishes all the same: %v", err)
	}
	if err := run(`exit 7`, patience); errors.As(err, &limit) {
		t.Errorf("a process that ends in time: %v", err)
	}
}

// A cancelled job ends with all of its group: here a grandchild that ignores SIGTERM.
func TestCancelKillsTheGroup(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	script := `trap "" TERM; sleep 600 & echo $! $$ >"$1.tmp"; mv "$1.tmp" "$1"; while :; do sleep 1; done`
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- shell(t, script, pids).Handle(ctx, &bridge.Job{}) }()
	list := waitFile(t, pids)
	cancel(bridge.ErrRevoked)
	err := <-done
	var exit *ExitError
	if !errors.Is(err, bridge.ErrRevoked) || !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL {
		t.Errorf("error %v", err)
	}
	for _, pid := range strings.Fields(list) {
		waitGone(t, pid)
	}
}

// A bridge that stops does not wait for a long grace, and what it has left behind would go
// on beside the next owner's run.
func TestLongGraceEndsWithTheJob(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"cancelled": 0, "cancelled within the grace of its time limit": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := filepath.Join(t.TempDir(), "told")
			script := `trap 'echo >"$1"' TERM; echo >"$1.ready"; while :; do sleep 0.01; done`
			h, err := New(Config{Command: []string{"sh", "-c", script, "sh", told}, Timeout: limit, Grace: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(context.Background())
			done := make(chan error, 1)
			go func() { done <- h.Handle(ctx, &bridge.Job{}) }()
			waitFile(t, told+".ready")
			if limit > 0 {
				waitFile(t, told)
			}
			cancel(bridge.ErrStopping)
			var exit *ExitError
			if err := wait(t, done); !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCancelledJobThatFinishesIsDone(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	script := `trap "exit 0" TERM; echo >"$1"; while :; do sleep 0.01; done`
	h, err := New(Config{Command: []string{"sh", "-c", script, "sh", ready}, Grace: patience})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Handle(ctx, &bridge.Job{}) }()
	waitFile(t, ready)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("error %v", err)
	}
}

func TestCancelledContextStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(bridge.ErrStopping)
	out := filepath.Join(t.TempDir(), "out")
	if err := shell(t, `echo >"$1"`, out).Handle(ctx, &bridge.Job{}); !errors.Is(err, bridge.ErrStopping) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the process ran")
	}
}

// What a job leaves in the background holds its pipes; it must neither outlive the job
// nor keep it from ending.
func TestLeftoversOfAFinishedJobAreKilled(t *testing.T) {
	t.Parallel()
	got, err := runFor(t, `sleep 600 & echo $! >"$1"`, &bridge.Job{Record: bridge.Record{Value: make([]byte, 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, strings.TrimSpace(got))
}
