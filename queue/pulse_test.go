package queue

import (
	"context"
	"testing"
)

// TestAPulseTellsWhatIsToBeDone: whoever waits for work, or for a flush, shows.
func TestAPulseTellsWhatIsToBeDone(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, Options{}, standardLayout())
	r.manual = true
	r.open()
	p := r.attach(orders)
	r.flush()
	idle := r.Pulse()
	if idle.Unflushed || idle.Unattended {
		t.Fatalf("with nothing to do: %+v", idle)
	}
	r.append(p, "a")
	jobs := r.take(1)
	if now := r.Pulse(); !now.Unflushed || now.Flushes != idle.Flushes || now.Looks == idle.Looks {
		t.Errorf("a job was taken in and out: %+v, before %+v", now, idle)
	}
	r.finish(Outcome{Kind: Done}, jobs...)
	r.flush()
	if now := r.Pulse(); now.Unflushed || now.Flushes == idle.Flushes {
		t.Errorf("after a flush: %+v, before %+v", now, idle)
	}
}

// TestASchedulerThatIsStuckShows: a job may start, a worker waits, and nobody
// brings them together.
func TestASchedulerThatIsStuckShows(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	ctx, cancel := context.WithCancel(context.Background())
	waits := make(chan error, 1)
	go func() {
		_, err := r.Take(ctx, make([]Job, 1))
		waits <- err
	}()
	eventually(t, "a worker waits", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.idle.waiting) > 0
	})
	r.mu.Lock()
	woken := r.idle // nobody is told of the job
	r.idle = idlers{}
	r.mu.Unlock()
	r.append(p, "a")
	r.mu.Lock()
	r.idle = woken
	r.mu.Unlock()
	first := r.Pulse()
	if second := r.Pulse(); !first.Unattended || !second.Unattended || first.Looks != second.Looks {
		t.Errorf("%+v, then %+v", first, second)
	}
	cancel()
	<-waits
}
