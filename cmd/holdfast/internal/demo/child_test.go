package demo

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// script is a worker that reads its job, tells the two events of demo/1@0 and then does
// what rest says.
func script(t *testing.T, rest string) ([]string, *observer) {
	t.Helper()
	var told bytes.Buffer
	if err := writeTo(&told)(start(1, 0), end(1, 0)); err != nil {
		t.Fatal(err)
	}
	shell := `read -r job; printf '`
	for _, b := range told.Bytes() {
		shell += `\` + string([]byte{'0' + b>>6, '0' + b>>3&7, '0' + b&7})
	}
	return []string{"/bin/sh", "-c", shell + `'; ` + rest}, newObserver(twoLanes(), time.Now)
}

func TestEventsOutliveAKilledWorker(t *testing.T) {
	t.Parallel()
	self, o := script(t, `exec sleep 600`)
	w, err := workInChild(context.Background(), self, job{}, t.Output(), o)
	if err != nil {
		t.Fatal(err)
	}
	<-o.reached(1)
	w.kill()
	<-w.ended
	if !wasKilled(w.err) || o.findings().finished != 1 {
		t.Errorf("error %v, findings %+v", w.err, o.findings())
	}
}

func TestWorkerStopsWhenItsInputEnds(t *testing.T) {
	t.Parallel()
	self, o := script(t, `read -r more; exit 0`)
	w, err := workInChild(context.Background(), self, job{}, t.Output(), o)
	if err != nil {
		t.Fatal(err)
	}
	<-o.reached(1)
	w.stop()
	<-w.ended
	if w.err != nil {
		t.Error(w.err)
	}
}

func TestWorkerThatFailsIsNotTakenForKilled(t *testing.T) {
	t.Parallel()
	self, o := script(t, `exit 9`)
	w, err := workInChild(context.Background(), self, job{}, t.Output(), o)
	if err != nil {
		t.Fatal(err)
	}
	<-w.ended
	if w.err == nil || wasKilled(w.err) {
		t.Errorf("error %v", w.err)
	}
}

func TestHandlerTellsWhatItDoes(t *testing.T) {
	t.Parallel()
	var told []event
	tell := func(events ...event) error {
		told = append(told, events...)
		return nil
	}
	j := &bridge.Job{Record: bridge.Record{Topic: topic, Partition: 1, Offset: 7}}
	if err := handler(time.Millisecond, tell).Handle(context.Background(), j); err != nil {
		t.Fatal(err)
	}
	tellDurable([]bridge.Completion{{Topic: topic, Partition: 1, Offset: 6, Outcome: "retry"}, {Topic: topic, Partition: 1, Offset: 7, Outcome: "done"}}, tell)
	if len(told) != 3 || told[1].took < time.Millisecond {
		t.Fatalf("told %+v", told)
	}
	told[1].took = 0
	want := []event{start(1, 7), {kind: finished, partition: 1, offset: 7}, disk(1, 7)}
	if !slices.Equal(told, want) {
		t.Errorf("told %+v, want %+v", told, want)
	}
}

// A job that was interrupted has not finished.
func TestInterruptedHandlerHasNotFinished(t *testing.T) {
	t.Parallel()
	var told []event
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(bridge.ErrStopping)
	h := handler(time.Minute, func(events ...event) error {
		told = append(told, events...)
		return nil
	})
	err := h.Handle(ctx, &bridge.Job{})
	if !errors.Is(err, bridge.ErrStopping) || !slices.Equal(told, []event{start(0, 0)}) {
		t.Errorf("error %v, told %+v", err, told)
	}
}
