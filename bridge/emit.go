package bridge

import (
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/seed-2837c37b/holdfast/queue"
)

// hooks calls [Hooks]: absent ones are skipped, and the panic of one is
// contained, since an observer must not stop the work.
type hooks struct {
	to    *Hooks
	log   *slog.Logger
	ended atomic.Bool // Run returns: handlers left behind are not told of
}

// end lets no hook be called any more.
func (h *hooks) end() { h.ended.Store(true) }

func (h *hooks) assigned(e Assigned)             { emit(h, "Assigned", h.to.Assigned, e) }
func (h *hooks) revoked(e Revoked)               { emit(h, "Revoked", h.to.Revoked, e) }
func (h *hooks) held(e Held)                     { emit(h, "Held", h.to.Held, e) }
func (h *hooks) stored(e Stored)                 { emit(h, "Stored", h.to.Stored, e) }
func (h *hooks) started(j *Job)                  { emit(h, "Started", h.to.Started, j) }
func (h *hooks) stuck(e Stuck)                   { emit(h, "Stuck", h.to.Stuck, e) }
func (h *hooks) retried(e Retried)               { emit(h, "Retried", h.to.Retried, e) }
func (h *hooks) buried(e Buried)                 { emit(h, "Buried", h.to.Buried, e) }
func (h *hooks) parked(e Parked)                 { emit(h, "Parked", h.to.Parked, e) }
func (h *hooks) guarding(e Guarding)             { emit(h, "Guarding", h.to.Guarding, e) }
func (h *hooks) drained(e Drained)               { emit(h, "Drained", h.to.Drained, e) }
func (h *hooks) tick(e Tick)                     { emit(h, "Tick", h.to.Tick, e) }
func (h *hooks) endOfPartition(e EndOfPartition) { emit(h, "EndOfPartition", h.to.EndOfPartition, e) }
func (h *hooks) committed(e Committed)           { emit(h, "Committed", h.to.Committed, e) }
func (h *hooks) storeError(err error)            { emit(h, "StoreError", h.to.StoreError, err) }
func (h *hooks) dropped(e Dropped)               { emit(h, "Dropped", h.to.Dropped, e) }
func (h *hooks) throttled(e Throttled)           { emit(h, "Throttled", h.to.Throttled, e) }
func (h *hooks) paused(changes []queue.PauseChange) {
	for _, c := range changes {
		h.log.Info(map[bool]string{false: "jobs paused by an operator", true: "pause ended"}[c.Ended], "topic", c.Topic,
			"partition", c.Partition, "of_lane", c.OfLane, "until", c.Until, "reason", c.Reason)
		emit(h, "Paused", h.to.Paused, Paused{
			Topic: c.Topic, Partition: c.Partition, OfLane: c.OfLane, Lane: string(c.LaneName),
			Until: c.Until, Reason: c.Reason, Ended: c.Ended,
		})
	}
}
func (h *hooks) rateReached(topic string) {
	h.throttled(Throttled{Topic: topic, Partition: -1, By: byRate})
}
func (h *hooks) partitionerFailed(e PartitionerFailed) {
	emit(h, "PartitionerFailed", h.to.PartitionerFailed, e)
}

func (h *hooks) finished(j *Job, res Result) {
	if h.to.Finished != nil {
		emit(h, "Finished", func(j *Job) { h.to.Finished(j, res) }, j)
	}
}

// flushed is what the store calls after a flush; nil if nobody listens.
func (h *hooks) flushed() func(queue.Flushed) {
	if h.to.Flushed == nil {
		return nil
	}
	return func(f queue.Flushed) { emit(h, "Flushed", h.to.Flushed, Flushed(f)) }
}

// durable is what the store calls after an fsync; nil if nobody listens, so
// that the store need not collect.
func (h *hooks) durable() func([]queue.Durable) {
	if h.to.Durable == nil {
		return nil
	}
	return func(outcomes []queue.Durable) {
		list := make([]Completion, 0, len(outcomes))
		for _, o := range outcomes {
			if o.Kind == queue.Release { // nothing came of it
				continue
			}
			list = append(list, Completion{
				Topic:     o.Topic,
				Partition: o.Partition,
				Offset:    o.Offset,
				Outcome:   o.Kind.String(),
				Attempts:  o.Attempts,
			})
		}
		if len(list) == 0 {
			return
		}
		emit(h, "Durable", h.to.Durable, list)
	}
}

func emit[E any](h *hooks, name string, f func(E), event E) {
	if f == nil || h.ended.Load() {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("hook panicked", "hook", name, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	f(event)
}
