package progress

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// run runs one job that keeps checkpoints, without a store.
func run(t *testing.T, handle func(context.Context, *bridge.Job) error) error {
	t.Helper()
	cfg := bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(handle)}}}
	trial, err := bridge.Try(t.Context(), cfg, bridge.Job{Record: bridge.Record{Topic: "orders"}})
	if err != nil {
		t.Fatal(err)
	}
	return trial.Err
}

func TestWaitReturnsWhenAllIsKept(t *testing.T) {
	t.Parallel()
	if err := run(t, func(ctx context.Context, job *bridge.Job) error {
		saved := 0 // Wait comes after all calls
		p := New(ctx, job, func() { saved++ })
		for range 100 {
			p.Save([]byte("x"))
		}
		err := p.Wait()
		if saved < 1 || saved > 100 {
			t.Errorf("told %d times", saved)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// The last checkpoint counts: one before it that was refused does not matter.
func TestLastCheckpointCounts(t *testing.T) {
	t.Parallel()
	large := make([]byte, bridge.MaxCheckpoint+1)
	err := run(t, func(ctx context.Context, job *bridge.Job) error {
		p := New(ctx, job, func() { t.Error("told of a checkpoint that was refused") })
		p.Save(large)
		return p.Wait()
	})
	if !errors.Is(err, bridge.ErrCheckpointTooLarge) || !strings.Contains(err.Error(), "orders/0@0") {
		t.Errorf("too large: %v", err)
	}
	if err := run(t, func(ctx context.Context, job *bridge.Job) error {
		p := New(ctx, job, nil)
		p.Save(large)
		_ = p.Wait()
		p.Save([]byte{})
		return p.Wait()
	}); err != nil {
		t.Errorf("then an empty one: %v", err)
	}
}

func TestNothingToKeep(t *testing.T) {
	t.Parallel()
	if err := run(t, func(ctx context.Context, job *bridge.Job) error { return New(ctx, job, nil).Wait() }); err != nil {
		t.Error(err)
	}
}

// What reads the answers may be one too late to know that the run is over.
func TestSaveBesideWait(t *testing.T) {
	t.Parallel()
	if err := run(t, func(ctx context.Context, job *bridge.Job) error {
		p := New(ctx, job, nil)
		var late sync.WaitGroup
		late.Go(func() {
			for range 10_000 {
				p.Save([]byte("x"))
			}
		})
		for range 10_000 {
			if err := p.Wait(); err != nil {
				return err
			}
		}
		late.Wait()
		return p.Wait()
	}); err != nil {
		t.Error(err)
	}
}
