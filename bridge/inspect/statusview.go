package inspect

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// view is what is known of a partition at one moment: to the store and, where a
// bridge runs, to it and to Kafka.
type view struct {
	queue.Survey
	known  bool // to the store: it is attached
	part   *queue.Partition
	claim  *Claim     // nil: the bridge does not have it, or there is no bridge
	log    *LogBounds // nil: not known
	rates  Rates
	dead   queue.DeadCount
	oldest time.Time
}

// views views at the partitions that a query selects, by topic and number: those
// that are held, and those that are being taken over.
func (i *inspector) views(ctx context.Context, selects func(queue.TopicPartition) bool) []view {
	var list []view
	for _, p := range i.store.Attached() {
		if tp := p.TopicPartition(); selects(tp) {
			l := view{Survey: p.Survey(), known: true, part: p, dead: i.store.DeadCount(tp), oldest: p.Oldest()}
			list = append(list, l)
		}
	}
	if i.opt.Live != nil {
		list = i.addLive(ctx, list, selects)
	}
	return list
}

func (i *inspector) addLive(ctx context.Context, list []view, selects func(queue.TopicPartition) bool) []view {
	at := make(map[queue.TopicPartition]int, len(list))
	for j := range list {
		at[list[j].TopicPartition] = j
	}
	for _, c := range i.opt.Live.Claims() {
		tp := queue.TopicPartition(c.PartitionName)
		if !selects(tp) {
			continue
		}
		if _, known := at[tp]; !known {
			none := queue.Survey{TopicPartition: tp, State: queue.State{Frontier: -1, Next: -1, Acknowledged: -1}, Durable: -1}
			at[tp] = len(list)
			list = append(list, view{Survey: none, dead: i.store.DeadCount(tp)})
		}
		list[at[tp]].claim = &c
	}
	slices.SortFunc(list, func(a, b view) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	names := make([]PartitionName, len(list))
	for j := range list {
		names[j] = PartitionName(list[j].TopicPartition)
	}
	logs := i.opt.Live.Log(ctx, names)
	for j := range list {
		if bounds, ok := logs[names[j]]; ok {
			list[j].log = &bounds
		}
		list[j].rates = i.opt.Live.Rates(names[j].Topic, names[j].Partition)
	}
	return list
}

// lag splits what is not done.
func (l *view) lag() Lag {
	c := l.Counts
	lag := Lag{
		Ready: c.Ready, Running: c.Running, Deferred: c.Deferred, Retrying: c.Retrying, Blocked: c.Blocked,
		Halted: c.Halted, Delayed: c.Delayed, Paused: c.Paused, Parked: c.Parked, Dead: l.dead.Letters,
	}
	if l.log != nil && l.State.Next >= 0 {
		n := max(0, l.log.End-l.State.Next)
		lag.NotStored = &n
	}
	return lag
}

// commitLag is how far Kafka's offset is behind what may be committed.
func (l *view) commitLag() int64 {
	if l.Durable < 0 || l.State.Acknowledged < 0 {
		return 0
	}
	return max(0, l.Durable-l.State.Acknowledged)
}

// leased: jobs of the partition may start.
func (l *view) leased(now time.Time) bool { return now.Before(l.Until) }

var throttles = map[queue.Throttle]Throttle{
	queue.ThrottledByWindow: ThrottledByWindow, queue.ThrottledByMemory: ThrottledByMemory,
	queue.ThrottledByDisk: ThrottledByDisk, queue.ThrottledByMinFree: ThrottledByMinFree,
}

func (l *view) status() PartitionStatus {
	s := PartitionStatus{
		Topic: l.Topic, Partition: l.Partition,
		Committed: l.State.Acknowledged, Frontier: l.Durable, Next: l.State.Next,
		Lag: l.lag(), Rates: l.rates, CommitLag: l.commitLag(), Lanes: l.Counts.Lanes,
		OldestAt: l.oldest, MovedAt: l.Moved, WholePaused: l.State.Paused,
	}
	if l.log != nil {
		s.LogStart, s.LogEnd = &l.log.Start, &l.log.End
	}
	if c := l.claim; c != nil {
		s.Throttled, s.HeldError, s.CommitError = throttles[l.Throttle], c.Err, c.CommitErr
		if !c.Lease.IsZero() && !c.Fixed {
			s.LeaseUntil = c.Lease
		}
	}
	return s
}
