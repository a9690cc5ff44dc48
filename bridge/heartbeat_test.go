package bridge

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestStuckRunIsReportedOnce, with the stack of its own goroutine, and one that
// gives signs of life is not.
func TestStuckRunIsReportedOnce(t *testing.T) {
	t.Parallel()
	reports := make(chan Stuck, 16)
	release := make(chan struct{})
	d := newDesk(t, 2, Topic{Heartbeat: 40 * time.Millisecond, Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		if job.Offset == 0 {
			sleepUntil(release)
			return nil
		}
		for {
			select {
			case <-release:
				return nil
			case <-time.After(time.Millisecond):
				job.Heartbeat()
			}
		}
	})}, &Hooks{Stuck: func(s Stuck) { reports <- s }})
	d.start(t)
	watching, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.watchRuns(watching) }()
	d.add(t, 2, func(offset int) int { return offset })
	var got Stuck
	for got.Job == nil || got.Job.Offset != 0 { // the other one may be starved by a busy machine
		got = <-reports
	}
	if got.Silent < 40*time.Millisecond {
		t.Errorf("silent for %v", got.Silent)
	}
	if !strings.Contains(got.Stack, "bridge.sleepUntil") {
		t.Errorf("the stack is not the handler's:\n%s", got.Stack)
	}
	if n := strings.Count(got.Stack, "goroutine "); n > 2 { // its own, and "created by ... in goroutine N"
		t.Errorf("the stack is of several goroutines:\n%s", got.Stack)
	}
	time.Sleep(100 * time.Millisecond) // many looks later
	close(release)
	stop()
	<-ended
	close(reports)
	for s := range reports {
		if s.Job.Offset == 0 {
			t.Error("reported again")
		}
	}
}

func sleepUntil(release chan struct{}) { <-release }

func TestHeartbeatOfAJobMadeByHand(t *testing.T) {
	t.Parallel()
	new(Job).Heartbeat()
}

func TestWatchIsAsQuickAsTheShortestHeartbeat(t *testing.T) {
	t.Parallel()
	cfg := smallest()
	cfg.Topics = []Topic{
		{Name: "a", Handler: doNothing, Heartbeat: time.Hour},
		{Match: "b.*", Handler: doNothing, Heartbeat: 200 * time.Millisecond},
		{Name: "c", Handler: doNothing},
	}
	routes, err := newRoutes(cfg.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	if d := routes.watchEvery(); d != 50*time.Millisecond {
		t.Errorf("every %v", d)
	}
}
