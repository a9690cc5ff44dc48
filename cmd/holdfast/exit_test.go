package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/produce"
	"github.com/seed-2837c37b/holdfast/recovery"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want exitCode
	}{
		{nil, 0},
		{errors.New("anything"), 1},
		{usagef("wrong"), 2},
		{&config.Error{}, 2},
		{&bridge.ConfigError{}, 2},
		{errNothingMatched, 3},
		{inspect.ErrNoBridge, 3},
		{inspect.ErrNotRunning, 1}, // it ended meanwhile: something may have been changed
		{inspect.ErrNoKafka, 2},
		{bridge.ErrStoreInUse, 4},
		{recovery.ErrInUse, 4},
		{bridge.ErrStoreDamaged, 5},
		{bridge.ErrStoreForeign, 5},
		{bridge.ErrStoreNewer, 5},
		{recovery.ErrDamaged, 5},
		{recovery.ErrForeign, 5},
		{recovery.ErrNewer, 5},
		{bridge.ErrKafkaUnreachable, 6},
		{produce.ErrUnreachable, 6},
		{bridge.ErrRefused, 7},
		{recovery.ErrNoRoom, 7},
		{bridge.ErrStoreFailed, 8},
		{errNotDone, 9},
	} {
		if got := codeOf(tt.err); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.want)
		}
		if tt.err == nil {
			continue
		}
		if got := codeOf(fmt.Errorf("while running: %w", tt.err)); got != tt.want {
			t.Errorf("%v, wrapped: exit code %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestMeaningsAreInOrder(t *testing.T) {
	t.Parallel()
	for i, m := range meanings {
		if int(m.code) != i {
			t.Errorf("%q has code %d in place %d", m.text, m.code, i)
		}
	}
}

// A store that fails while Kafka is away is a failed store.
func TestWorseCodeOfSeveral(t *testing.T) {
	t.Parallel()
	joined := errors.Join(bridge.ErrKafkaUnreachable, bridge.ErrStoreFailed)
	if got := codeOf(joined); got != exitStoreFailed {
		t.Errorf("exit code %d, want %d", got, exitStoreFailed)
	}
}

func TestChildErrors(t *testing.T) {
	t.Parallel()
	// Codes that this binary did not choose: a Go program that crashes ends with 2.
	err := childError(t.Context(), "x/holdfast.db", exitStatus(t, 2), "fatal error: fault\ngoroutine 1")
	if codeOf(err) != exitStoreUnusable || !strings.Contains(err.Error(), "x/holdfast.db: reading it killed the process that checked it (exit status 2: fatal error: fault)") {
		t.Errorf("a crash of the child is %v", err)
	}
	err = childError(t.Context(), "x/holdfast.db", exitStatus(t, 5), "holdfast: store damaged: page 3\n")
	if codeOf(err) != exitStoreUnusable || err.Error() != "store damaged: page 3" {
		t.Errorf("damage that the child found is %v", err)
	}
	err = childError(t.Context(), "x/holdfast.db", exitStatus(t, 1), "holdfast: no permission\n")
	if codeOf(err) != exitFailure || err.Error() != "no permission" {
		t.Errorf("another failure of the child is %v", err)
	}
}

// exitStatus is the error of a command that ended with code.
func exitStatus(t *testing.T, code int) error {
	t.Helper()
	err := exec.Command("sh", "-c", fmt.Sprintf("exit %d", code)).Run()
	if err == nil {
		t.Fatal("the command did not fail")
	}
	return err
}
