package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// fixed takes partitions that the group does not balance.
type fixed struct {
	cluster    *Cluster
	owner      Owner
	partitions map[string][]int32
	member     func() *membership
	// alone: there are no group topics and so no membership. Commits then carry
	// no generation, which the group accepts only while it has no members.
	alone bool
}

// run holds the partitions until ctx ends. Partitions that do not exist yet are
// waited for; a topic that was created anew is taken anew.
func (f *fixed) run(ctx context.Context) error {
	if len(f.partitions) == 0 {
		return nil
	}
	pause := backoff{}
	for ctx.Err() == nil {
		topics, err := f.existing(ctx)
		if err == nil {
			err = f.check(ctx)
		}
		var foreign *ForeignMembersError
		switch {
		case ctx.Err() != nil:
		case errors.As(err, &foreign):
			return err
		case err != nil:
			f.cluster.log.Warn("cannot take the fixed partitions", "error", err)
			wait(ctx, pause.next())
		default:
			pause = backoff{}
			if err := f.hold(ctx, topics); err != nil {
				return err
			}
		}
	}
	return nil
}

// existing are the topics with those of the fixed partitions that exist.
func (f *fixed) existing(ctx context.Context) (map[string]Topic, error) {
	topics, err := f.cluster.Topics(ctx, slices.Sorted(maps.Keys(f.partitions)), nil)
	if err != nil {
		return nil, err
	}
	for name, topic := range topics {
		topic.Partitions = slices.DeleteFunc(slices.Clone(topic.Partitions), func(p int32) bool {
			return !slices.Contains(f.partitions[name], p)
		})
		topics[name] = topic
	}
	return topics, nil
}

// hold owns the partitions of topics until ctx ends, which is no error, or
// until they change or foreign members appear.
func (f *fixed) hold(ctx context.Context, topics map[string]Topic) error {
	for name, partitions := range f.partitions {
		for _, p := range partitions {
			if !slices.Contains(topics[name].Partitions, p) {
				f.cluster.log.Warn("fixed partition does not exist yet", "partition", fmt.Sprintf("%s/%d", name, p))
			}
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var holding sync.WaitGroup
	for name, topic := range topics {
		for _, p := range topic.Partitions {
			c := f.cluster.newClaim(name, p, topic.ID, f.member)
			c.Fixed = true
			c.alone = f.alone
			holding.Go(func() {
				c.hold(f.owner, func() error {
					<-ctx.Done()
					return context.Cause(ctx)
				})
			})
		}
	}
	err := f.cluster.watch(ctx, topics, f.existing, f.check)
	switch {
	case ctx.Err() != nil:
		err = nil // its cause is known to the claims
	case err != nil:
		cancel(fmt.Errorf("%w: %w", ErrStopping, err))
	default:
		cancel(fmt.Errorf("%w: %w", ErrLost, errChanged))
	}
	holding.Wait()
	return err
}

// check refuses foreign members where commits are not fenced by a generation.
func (f *fixed) check(ctx context.Context) error {
	if !f.alone {
		return nil
	}
	group, err := f.cluster.describe(ctx)
	if err != nil {
		return err
	}
	var foreign []string
	for _, m := range group.Members {
		if m.GroupInstanceId == nil {
			foreign = append(foreign, shown(m))
			continue
		}
		if *m.GroupInstanceId != f.cluster.cfg.InstanceID {
			foreign = append(foreign, *m.GroupInstanceId)
			continue
		}
		// We ourselves, from a run with group topics.
		if err := f.cluster.Leave(ctx); err != nil {
			return err
		}
	}
	if len(foreign) > 0 {
		slices.Sort(foreign)
		return &ForeignMembersError{Group: f.cluster.cfg.Group, Members: foreign}
	}
	return nil
}
