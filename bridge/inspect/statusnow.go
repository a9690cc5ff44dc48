package inspect

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Status views at everything.
func (i *inspector) Status(ctx context.Context) (Status, error) {
	failed := i.store.Err()
	if failed != nil && !errors.Is(failed, queue.ErrStoreFailed) {
		return Status{}, failed
	}
	id := i.store.Identity()
	s := Status{At: i.now(), Live: i.opt.Live != nil, Group: id.Group, Cluster: id.Cluster, Store: id.StoreID, Epoch: id.Epoch}
	views := i.views(ctx, func(queue.TopicPartition) bool { return true })
	for j := range views {
		l := &views[j]
		one := l.status()
		s.Partitions = append(s.Partitions, one)
		s.CommitLag += one.CommitLag
		s.Lag.add(one.Lag)
		s.Rates.add(one.Rates)
		if !l.oldest.IsZero() && (s.OldestAt.IsZero() || l.oldest.Before(s.OldestAt)) {
			s.OldestAt = l.oldest
		}
	}
	s.Disk = i.diskSummary()
	s.Topics = i.topics(views)
	var err error
	if s.Away, err = i.away(views); err != nil {
		return Status{}, err
	}
	for _, a := range s.Away { // letters are kept whoever holds their partitions
		s.Dead += a.Dead
	}
	if live := i.opt.Live; live != nil {
		member, pool := live.Member(), live.Pool()
		s.Member, s.Workers = &member, &pool
	}
	s.Drain = i.draining(views)
	s.Problems = i.problems(&s, views, failed)
	s.Healthy = !slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Severity != Notice })
	return s, nil
}

// away lists what is kept of partitions that are not held.
func (i *inspector) away(views []view) (list []PartitionAway, err error) {
	told := make(map[queue.TopicPartition]bool, len(views)) // here or among others
	for j := range views {
		if views[j].known {
			told[views[j].TopicPartition] = true
		}
	}
	away, err := i.store.Away()
	if err != nil && !errors.As(err, new(*queue.DamageError)) {
		return nil, err
	}
	for _, a := range away {
		if told[a.TopicPartition] {
			continue
		}
		told[a.TopicPartition] = true
		list = append(list, PartitionAway{
			Topic: a.Topic, Partition: a.Partition, Frontier: a.State.Frontier, Next: a.State.Next, Since: a.Since,
			Dead: i.store.DeadCount(a.TopicPartition).Letters, Parked: a.State.Parked,
		})
	}
	for _, d := range i.store.DeadCounts() {
		if !told[d.TopicPartition] && d.Letters > 0 {
			list = append(list, PartitionAway{Topic: d.Topic, Partition: d.Partition, Frontier: -1, Next: -1, Dead: d.Letters})
		}
	}
	slices.SortFunc(list, func(a, b PartitionAway) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return list, nil
}

// topics tells how the topics are worked on of which partitions are held.
func (i *inspector) topics(views []view) (list []TopicStatus) {
	at := map[string]int{}
	for j := range views {
		l := &views[j]
		if _, known := at[l.Topic]; !known {
			at[l.Topic] = len(list)
			list = append(list, i.topic(l.Topic))
		}
		list[at[l.Topic]].Partitions++
	}
	for _, d := range i.store.DeadCounts() {
		if j, known := at[d.Topic]; known && d.Letters > 0 {
			list[j].addDead(d)
		}
	}
	return list
}

func (t *TopicStatus) addDead(d queue.DeadCount) {
	t.Dead += d.Letters
	t.Unsent += d.Unsent
	if t.OldestDead.IsZero() || d.Oldest.Before(t.OldestDead) {
		t.OldestDead = d.Oldest
	}
}

func (i *inspector) topic(name string) TopicStatus {
	state := i.store.TopicState(name)
	t := TopicStatus{Topic: name, Paused: state.Paused, Running: state.Running, Concurrency: state.Limit}
	if i.opt.Live == nil {
		return t
	}
	if set, ok := i.opt.Live.Topic(name); ok {
		t.Rate, t.OnFailure, t.Guard = set.Rate, set.OnFailure, set.Guard
		t.CopyError, t.CopySince = set.CopyErr, set.CopySince
	}
	return t
}
