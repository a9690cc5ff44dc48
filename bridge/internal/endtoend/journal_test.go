package endtoend

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// journal is what bridges did, one after the other or at once. Of a topic with
// several partitions, offsets alone name no job: use run.
type journal struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each entry
	started []bridge.Job
	done    []int64
	held    []error
	log     bytes.Buffer
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

func (j *journal) note(entry func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry()
	close(j.changed)
	j.changed = make(chan struct{})
}

// Write takes the bridges' log.
func (j *journal) Write(text []byte) (int, error) {
	j.note(func() { j.log.Write(text) })
	return len(text), nil
}

// handler notes the runs of handle; nil finishes every job.
func (j *journal) handler(handle bridge.HandlerFunc) bridge.Handler {
	return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		j.note(func() { j.started = append(j.started, copied(job)) })
		var err error
		if handle != nil {
			err = handle(ctx, job)
		}
		if err == nil {
			j.note(func() { j.done = append(j.done, job.Offset) })
		}
		return err
	})
}

// copied is the job with what it points to.
func copied(job *bridge.Job) bridge.Job {
	c := *job
	c.Key, c.Value = bytes.Clone(job.Key), bytes.Clone(job.Value)
	c.Headers = slices.Clone(job.Headers)
	for i, h := range c.Headers {
		c.Headers[i].Value = bytes.Clone(h.Value)
	}
	return c
}

// settings are those of a bridge on the topic that has the journal told.
func (j *journal) settings(t *testing.T, k *kafka, topic string, handle bridge.HandlerFunc) bridge.Config {
	t.Helper()
	cfg := k.settings(t, bridge.Topic{Name: topic, Handler: j.handler(handle)})
	cfg.InstanceID = bridge.Dynamic
	cfg.Hooks, cfg.Logger = j.hooks(), j.logger()
	return cfg
}

func (j *journal) hooks() *bridge.Hooks {
	return &bridge.Hooks{Held: func(h bridge.Held) { j.note(func() { j.held = append(j.held, h.Err) }) }}
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// until waits for the condition, which is asked after each entry and may read
// the journal's fields.
func (j *journal) until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		j.mu.Lock()
		fulfilled, changed := condition(), j.changed
		j.mu.Unlock()
		if fulfilled {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			j.mu.Lock()
			defer j.mu.Unlock()
			t.Fatalf("not within %v: %s\n%d runs, %d done, held %v\n%s", patience, what, len(j.started), len(j.done), j.held, j.logTail())
		}
	}
}

// untilDone waits until n jobs are done, and returns the offsets in order.
func (j *journal) untilDone(t *testing.T, n int) []int64 {
	t.Helper()
	j.until(t, "jobs done", func() bool { return len(j.done) >= n })
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Sorted(slices.Values(j.done))
}

// untilHeld waits until a partition is held, and returns why.
func (j *journal) untilHeld(t *testing.T) error {
	t.Helper()
	j.until(t, "a partition is held", func() bool { return len(j.held) > 0 })
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.held[len(j.held)-1]
}

// untilLogged waits until the log says text.
func (j *journal) untilLogged(t *testing.T, text string) {
	t.Helper()
	j.until(t, "log: "+text, func() bool { return bytes.Contains(j.log.Bytes(), []byte(text)) })
}

// logTail needs mu.
func (j *journal) logTail() []byte { return j.log.Bytes()[max(0, j.log.Len()-8<<10):] }
