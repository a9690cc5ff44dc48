package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Worker is a run under way: of a worker, or of a job that its handler has
// deferred. Idle workers are counted in [Status.Workers]. Jobs of a batch have a
// line each.
type Worker struct {
	Name
	ID       string        `json:"id"`
	Key      []byte        `json:"key"` // nil is Kafka's null
	Lane     string        `json:"lane"`
	Attempt  int           `json:"attempt"` // this run, counted from 1
	Started  time.Time     `json:"started_at"`
	Running  time.Duration `json:"running_seconds"`
	Deferred bool          `json:"deferred"` // no worker waits for it any more
	Batch    int           `json:"batch"`    // jobs that run together; 1: it runs by itself
	// Silent is the time since the last heartbeat, and Stuck that it is longer
	// than the topic allows; nil and false without a heartbeat.
	Silent *time.Duration `json:"silent_seconds"`
	Stuck  bool           `json:"stuck"`
	// Timeout is when its context ends; zero: it has no such time.
	Timeout time.Time `json:"timeout_at"`
	// Cancelled: an operator has told its handler to end.
	Cancelled bool `json:"cancelled"`
}

// Workers lists the runs under way, those that last longest first.
func (i *inspector) Workers(context.Context) ([]Worker, error) {
	if i.opt.Live == nil {
		return nil, fmt.Errorf("%w: nobody works on this data directory, and holdfast inspect jobs shows what waits; holdfast run works on it", ErrNoBridge)
	}
	return i.runs(), nil
}

// runs are those under way, where a bridge runs.
func (i *inspector) runs() []Worker {
	list := i.opt.Live.Workers()
	slices.SortFunc(list, func(a, b Worker) int {
		return cmp.Or(a.Started.Compare(b.Started), compareNames(a.Name, b.Name))
	})
	return list
}
