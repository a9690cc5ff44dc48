package bridge

import (
	"errors"
	"testing"
	"time"
)

func TestBackoffGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	b := Backoff{First: time.Second, Factor: 3, Max: 20 * time.Second, Jitter: -1}
	for attempt, want := range map[int]time.Duration{
		1:    time.Second,
		2:    3 * time.Second,
		3:    9 * time.Second,
		4:    20 * time.Second,
		5000: 20 * time.Second, // the power overflows
	} {
		if got := b.Next(attempt, nil).Delay; got != want {
			t.Errorf("attempt %d: %v, want %v", attempt, got, want)
		}
	}
}

func TestZeroBackoffHasDefaults(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{1: 200 * time.Millisecond, 100: time.Minute} {
		got := Backoff{}.Next(attempt, nil).Delay
		if got < want*8/10 || got > want*12/10 || got > time.Minute {
			t.Errorf("attempt %d: %v, want %v within the jitter", attempt, got, want)
		}
	}
}

func TestJitterSpreadsDelays(t *testing.T) {
	t.Parallel()
	b := Backoff{First: time.Second, Max: time.Minute, Jitter: 0.5}
	seen := make(map[time.Duration]bool)
	for range 100 {
		d := b.Next(1, nil).Delay
		if d < 500*time.Millisecond || d > 1500*time.Millisecond {
			t.Fatalf("%v is outside of 1s +-50%%", d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("only %d different delays of 100", len(seen))
	}
}

type panicking struct{}

func (panicking) Next(int, error) Decision { panic("policy") }

func TestPanickingPolicyFallsBackToTheDefault(t *testing.T) {
	t.Parallel()
	if d := next(panicking{}, 1, errors.New("x")).Delay; d < 100*time.Millisecond || d > 300*time.Millisecond {
		t.Errorf("delay %v, want about 200ms", d)
	}
}
