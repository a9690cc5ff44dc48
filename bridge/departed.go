package bridge

import (
	"context"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// departedFor is how long a partition has to be with others before what is left
// of it here is dropped, and departedCheck how often that is looked at.
const (
	departedFor   = time.Hour
	departedCheck = time.Minute
)

// dropDeparted drops the jobs and completions of partitions that other stores
// have owned for long, at once and then periodically, until ctx ends. The next
// time that such a partition is assigned to us, it begins at the committed
// offset.
func (r *run) dropDeparted(ctx context.Context) error {
	r.checkDeparted(ctx)
	return every(ctx, departedCheck, func() { r.checkDeparted(ctx) })
}

func (r *run) checkDeparted(ctx context.Context) {
	away, err := r.store.Away()
	if err != nil {
		r.log.Warn("cannot tell of each stored partition whether others own it", "error", err)
	}
	now := r.cfg.Clock.Now()
	for _, a := range away {
		if now.Sub(a.Since) < departedFor {
			continue
		}
		if err := r.dropIfDeparted(ctx, a); err != nil && ctx.Err() == nil {
			r.log.Warn("what is left of a partition is kept", "topic", a.Topic, "partition", a.Partition, "error", err)
		}
	}
}

// dropIfDeparted asks Kafka who has committed last: only the stamp of another
// store proves that the partition went on there, and only what Kafka still holds
// can go on. Nothing is dropped when it has been assigned to us meanwhile.
func (r *run) dropIfDeparted(ctx context.Context, a queue.Away) error {
	// The offset first: the log start only grows, and is not to be older.
	offset, metadata, err := r.cluster.Committed(ctx, a.Topic, a.Partition)
	if err != nil || offset < 0 {
		return err
	}
	start, err := r.cluster.LogStart(ctx, a.Topic, a.Partition)
	if err != nil {
		return err
	}
	facts := recovery.Facts{Committed: offset, Metadata: metadata, LogStart: start}
	if !recovery.MovedOn(a.State, r.store.Identity(), facts) {
		return nil
	}
	if dropped, err := r.store.Forget(a); !dropped {
		return err // looked at again soon
	}
	r.log.Info("dropped what was left of a partition that another store owns",
		"topic", a.Topic, "partition", a.Partition, "frontier", a.State.Frontier, "next", a.State.Next, "since", a.Since, "committed", offset)
	return nil
}
