package bridge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// lively are vitals of a bridge that runs.
func lively(now time.Time) *vitals {
	v := newVitals()
	v.state, v.watched = inspect.StateRunning, now
	v.committer.look(now, 1, true)
	v.scheduler.look(now, 1, true)
	v.leases.look(now, 1, true)
	v.heartbeat = func() time.Time { return now }
	v.lease = func() time.Time { return now.Add(time.Hour) }
	return v
}

// TestAPartThatStandsStillIsNamed: each in turn has something to do and takes no
// step; the others go on.
func TestAPartThatStandsStillIsNamed(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for _, stuck := range []string{"", "committer", "scheduler", "leases", "heartbeat", "watch"} {
		v := lively(began)
		now := began
		for n := uint64(2); now.Sub(began) <= standsStill; n++ {
			now = now.Add(time.Second)
			steps := func(part string) uint64 {
				if part == stuck {
					return 1
				}
				return n
			}
			v.committer.look(now, steps("committer"), true)
			v.scheduler.look(now, steps("scheduler"), true)
			v.leases.look(now, steps("leases"), true)
			if stuck != "watch" {
				v.watched = now
			}
			if last := now; stuck != "heartbeat" {
				v.heartbeat = func() time.Time { return last }
			}
		}
		h := v.health(now)
		named := slices.ContainsFunc(h.Problems, func(s string) bool { return strings.Contains(s, "the "+stuck+" stands still") })
		if h.Alive != (stuck == "") || h.Ready != h.Alive || named == h.Alive {
			t.Errorf("with the %s standing still: %+v", stuck, h)
		}
		if len(h.Parts) != 5 {
			t.Errorf("parts %+v", h.Parts)
		}
	}
}

func TestAPartWithNothingToDoIsHealthy(t *testing.T) {
	t.Parallel()
	began := time.Now()
	v := lively(began)
	for i := range 600 {
		v.committer.look(began.Add(time.Duration(i)*time.Second), 1, false)
	}
	later := began.Add(600 * time.Second)
	if silent := later.Sub(v.committer.last); silent > 2*time.Second {
		t.Errorf("an idle committer counts as silent for %v", silent)
	}
	v.committer.look(later, 1, true) // something comes
	if silent := later.Sub(v.committer.last); silent > 2*time.Second {
		t.Errorf("a committer that was idle is late at once, by %v", silent)
	}
}

// TestOnlyReadinessDependsOnKafka: a restart brings no broker back.
func TestOnlyReadinessDependsOnKafka(t *testing.T) {
	t.Parallel()
	now := time.Now()
	v := lively(now)
	v.lease = func() time.Time { return now.Add(-time.Second) }
	if h := v.health(now); !h.Alive || h.Ready || len(h.Problems) != 1 {
		t.Errorf("without a lease: %+v", h)
	}
}

func TestHealthFollowsTheLifeOfABridge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	v := newVitals()
	if h := v.health(now); !h.Alive || h.Ready || h.State != inspect.StateStarting {
		t.Errorf("before Run: %+v", h)
	}
	v = lively(now)
	if h := v.health(now); !h.Alive || !h.Ready || len(h.Problems) > 0 {
		t.Errorf("running: %+v", h)
	}
	v.enter(inspect.StateStopping)
	if h := v.health(now); !h.Alive || h.Ready {
		t.Errorf("stopping: %+v", h)
	}
	v.failed = true
	if h := v.health(now); h.Alive {
		t.Errorf("with a failed store: %+v", h)
	}
	v.failed = false
	v.enter(inspect.StateEnded)
	if h := v.health(now); h.Alive || h.Ready {
		t.Errorf("ended: %+v", h)
	}
}
