package bridge

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// within fails the test if the condition does not come true.
func within(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// idler is work that counts the workers at it.
type idler struct{ now atomic.Int32 }

func (i *idler) work(w *worker) {
	i.now.Add(1)
	defer i.now.Add(-1)
	<-w.ctx.Done()
}

func TestPoolFollowsTheWantedSize(t *testing.T) {
	t.Parallel()
	var at idler
	p := newPool(2)
	p.resize(3) // before start
	p.start(at.work)
	for _, n := range []int{3, 10, 1, 0, 4} {
		p.resize(n)
		within(t, "resize", func() bool { return at.now.Load() == int32(n) })
	}
	<-p.stop()
	if n := at.now.Load(); n != 0 {
		t.Errorf("%d workers after stop", n)
	}
	p.resize(5)
	if n := at.now.Load(); n != 0 {
		t.Errorf("%d workers after a resize of a stopped pool", n)
	}
}

func TestPoolStopsBeforeStart(t *testing.T) {
	t.Parallel()
	p := newPool(4)
	<-p.stop()
	p.start(func(*worker) { t.Error("a worker was started") })
	<-p.stop()
}

func TestWorkerThatEndsItsGoroutineIsReplaced(t *testing.T) {
	t.Parallel()
	var at idler
	var left atomic.Int32
	left.Store(3)
	p := newPool(1)
	p.start(func(w *worker) {
		if left.Add(-1) >= 0 {
			runtime.Goexit()
		}
		at.work(w)
	})
	within(t, "a fourth worker", func() bool { return at.now.Load() == 1 })
	<-p.stop()
}
