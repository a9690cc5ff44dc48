package inspect

import (
	"context"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Explain tells why the committed offset of a partition is where it is.
func (i *inspector) Explain(ctx context.Context, topic string, partition int32, offset *int64) (Explanation, error) {
	e := Explanation{At: i.now(), Live: i.opt.Live != nil, Topic: topic, Partition: partition, Asked: offset}
	views := i.views(ctx, func(tp queue.TopicPartition) bool { return tp.Topic == topic && tp.Partition == partition })
	for j := range views {
		e.Here, e.Committed, e.Frontier, e.Next = true, views[j].State.Acknowledged, views[j].Durable, views[j].State.Next
	}
	return e, i.store.Err()
}
