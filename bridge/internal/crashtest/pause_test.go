package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// command does what an operator asks for at the beginning of a life, once the
// partitions are here.
func (w *worker) command(ctx context.Context, inspector inspect.Inspector, commands []inspect.Command) error {
	if len(commands) > 0 && !awaitPartitions(ctx, inspector) {
		return nil
	}
	for _, c := range commands {
		plan, err := inspector.Plan(ctx, c)
		if err != nil {
			return err
		}
		if _, err := inspector.Execute(ctx, plan); err != nil {
			return err
		}
	}
	if len(commands) > 0 {
		w.append(history.Event{Kind: history.Commanded, Process: process})
	}
	return nil
}

// awaitPartitions reports whether all of them have come before ctx has ended.
func awaitPartitions(ctx context.Context, inspector inspect.Inspector) bool {
	for {
		parts, err := inspector.Partitions(ctx)
		if err == nil && len(parts) == partitions {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Pauses that were answered outlive a kill -9 right behind the answer: neither
// the key, which has no job by then, nor the partition starts in the next life.
func TestPausesOutliveAKill(t *testing.T) {
	t.Parallel()
	w := newQuietWorld(t)
	const key, partition = "key-1", 2 // the key's jobs are in partition 1
	w.commands = []inspect.Command{
		{Verb: inspect.Pause, Select: inspect.Query{Topic: topic, Key: []byte(key)}},
		{Verb: inspect.Pause, Select: inspect.Query{Topic: topic, Partitions: []int32{partition}}},
	}
	first := w.boot(t)
	defer first.end()
	w.waitFor(t, history.Commanded, 1)
	w.kill(t, first)

	var records []bridgetest.Record
	paused := 0
	for i := range 400 {
		r := bridgetest.Record{Partition: int32(i % partitions), Key: fmt.Appendf(nil, "key-%d", i%40), Value: []byte("1")}
		if r.Partition == partition || string(r.Key) == key {
			paused++
		}
		records = append(records, r)
	}
	w.produce(t, records...)
	w.commands = nil
	second := w.boot(t)
	defer second.end()
	w.waitFor(t, history.Durable, len(records)-paused)
	w.kill(t, second)

	offline, err := inspect.Open(t.Context(), w.dataDir(), inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pauses, err := offline.Pauses(t.Context())
	if err != nil || len(pauses) != partitions+1 { // the key on each of them, and one of them
		t.Errorf("pauses %+v, %v", pauses, err)
	}
	for _, c := range []inspect.Query{{Topic: topic, Key: []byte(key)}, {Topic: topic, Partitions: []int32{partition}}} {
		plan, err := offline.Plan(t.Context(), inspect.Command{Verb: inspect.Resume, Select: c})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := offline.Execute(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
	}
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	third := w.boot(t)
	defer third.end()
	w.settle(t, third)
	w.stop(t, third)
	w.close()
	life := 0
	for _, e := range w.events(t) {
		switch e.Kind {
		case history.Boot:
			life++
		case history.Start:
			r := records[e.Offset*partitions+int64(e.Partition)]
			if life == 2 && (e.Partition == partition || bytes.Equal(r.Key, []byte(key))) {
				t.Errorf("%v in a pause", e)
			}
		}
	}
	if w.races() {
		t.Errorf("a data race\n%s", w.tail())
	}
}
