package bridge

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestDetachedRecordIsTheSame(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]queue.Record{
		"all":   {Key: []byte("k"), Value: []byte("value"), Headers: []queue.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}}, Lane: queue.Lane{Name: []byte("k")}},
		"null":  {},
		"empty": {Key: []byte{}, Value: []byte{}, Headers: []queue.Header{{Value: []byte{}}}},
	} {
		got := record
		detach(&got)
		if diff := cmp.Diff(record, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if len(record.Value) > 0 && (&got.Value[0] == &record.Value[0] || &got.Headers[0] == &record.Headers[0]) {
			t.Errorf("%s shares what it points to", name)
		}
	}
}

// What a broker sends comes as one piece of memory, of which a long run needs
// only its own record, and its worker nothing of the others that it had taken.
func TestLongRunKeepsNoMoreThanItsRecord(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	d := newDesk(t, 1, Topic{Handler: HandlerFunc(func(context.Context, *Job) error {
		<-release
		return nil
	})}, nil)
	const answers = 3
	var collected atomic.Int64
	for i := range answers {
		func() {
			answer := make([]byte, 1<<20)
			runtime.AddCleanup(&answer[0], func(n int64) { collected.Add(n) }, 1)
			err := d.stored.Append([]queue.Record{{
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
