package bridge

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestAttemptIsACopyOfTheRecord(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1234567)
	for name, c := range map[string]struct {
		stored queue.Record
		want   Record
	}{
		"all": {
			queue.Record{Offset: 7, Timestamp: 1234567, Key: []byte("k"), Value: []byte("value"), Headers: []queue.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}}},
			Record{Offset: 7, Timestamp: at, Key: []byte("k"), Value: []byte("value"), Headers: []Header{{Key: "a", Value: []byte("1")}, {Key: "b"}}},
		},
		"null":  {queue.Record{Timestamp: -1}, Record{}},
		"empty": {queue.Record{Timestamp: -1, Key: []byte{}, Value: []byte{}, Headers: []queue.Header{{Value: []byte{}}}}, Record{Key: []byte{}, Value: []byte{}, Headers: []Header{{Value: []byte{}}}}},
		"large": {queue.Record{Timestamp: -1, Value: make([]byte, 2*small)}, Record{Value: make([]byte, 2*small)}},
	} {
		var made attempts
		got := made.next(&queue.Job{Record: c.stored}, &view{route: new(route)}, 3)
		if diff := cmp.Diff(c.want, got.Record); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if len(c.stored.Value) > 0 && &got.Value[0] == &c.stored.Value[0] {
			t.Errorf("%s shares what it points to", name)
		}
		for _, b := range [][]byte{got.Key, got.Value} {
			if cap(b) != len(b) {
				t.Errorf("%s: appending would change another record", name)
			}
		}
	}
}

// What a broker sends comes as one piece of memory, of which a long run needs
// only its own record, and its worker nothing of the others that it had taken.
func TestLongRunKeepsNoMoreThanItsRecord(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}, 1), make(chan struct{})
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(context.Context, *Job) error {
		started <- struct{}{}
		<-release
		return nil
	})}, nil)
	const answers = 3
	var collected atomic.Int64
	for i := range answers {
		func() {
			answer := make([]byte, 1<<20)
			runtime.AddCleanup(&answer[0], func(n int64) { collected.Add(n) }, 1)
			_, err := d.stored.Append([]queue.Record{{
				Offset: int64(i), Key: answer[:1], Value: answer[10:20], Lane: queue.Lane{ID: uint64(i), Name: answer[:1]},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}()
	}
	took := make([]queue.Job, answers)
	if n, err := d.store.Take(t.Context(), took); err != nil || n != answers {
		t.Fatalf("took %d, %v", n, err)
	}
	h := &hand{store: d.store}
	h.relief = time.AfterFunc(time.Hour, func() { // set to its time by deal
		<-started // also where the machine is too busy to start it in time
		if err := h.settle(); err != nil {
			t.Error(err)
		}
	})
	h.deal(took)
	played := make(chan struct{})
	go func() {
		defer close(played)
		d.play(&worker{ctx: t.Context()}, h)
	}()
	defer func() { <-played }()
	defer close(release)
	within(t, "only one runs", func() bool { return d.stored.Running() == 1 })
	d.frontier(t) // flushed: the store has let go of what it was given
	within(t, "the answers are collected", func() bool {
		runtime.GC()
		return collected.Load() == answers
	})
}

func TestHandlerCannotChangeWhatIsStored(t *testing.T) {
	t.Parallel()
	var second atomic.Pointer[string]
	d := newDesk(t, 1, Topic{Retry: fixedDelay(0), Handler: HandlerFunc(func(_ context.Context, job *Job) error {
		if job.Attempt == 1 {
			job.Value[0] = 'x'
			return errors.New("again")
		}
		value := string(job.Value)
		second.Store(&value)
		return nil
	})}, nil)
	d.add(t, 1, func(int) int { return 0 })
	d.start(t)
	within(t, "it runs again", func() bool { return second.Load() != nil })
	if got := *second.Load(); got != "0" {
		t.Errorf("the second run got %q", got)
	}
}
