package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// open opens the store and connects to Kafka. The store comes first because it
// names the static member; then it is told which cluster it belongs to.
func (b *Bridge) open(ctx context.Context) (*kafka.Cluster, *recovery.Opened, error) {
	opened, err := recovery.Open(ctx, recovery.Options{
		Dir:    b.cfg.DataDir,
		Group:  b.cfg.Group,
		Queue:  b.queueOptions(),
		Verify: b.cfg.Verify,
		Logger: b.cfg.Logger,
	})
	if err != nil {
		return nil, nil, translate(err)
	}
	cluster, err := b.connect(ctx, opened)
	if err != nil {
		return nil, nil, errors.Join(translate(err), opened.Abandon())
	}
	return cluster, opened, nil
}

// connect dials the cluster that the store belongs to.
func (b *Bridge) connect(ctx context.Context, opened *recovery.Opened) (*kafka.Cluster, error) {
	conf := b.kafkaConfig(opened.Store.Identity())
	conf.Opening = openingOf(opened)
	cluster, err := kafka.Dial(ctx, conf)
	if err != nil {
		return nil, err
	}
	if err := opened.ConfirmCluster(cluster.ID()); err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	if err := b.refuseAmbiguous(ctx, cluster); err != nil {
		return nil, errors.Join(err, cluster.Close())
	}
	b.nameMissing(ctx, cluster)
	return cluster, nil
}

// nameMissing names topics to produce to that are not there yet. They may come
// later, and most jobs do without.
func (b *Bridge) nameMissing(ctx context.Context, cluster *kafka.Cluster) {
	var names []string
	for _, t := range b.cfg.Topics {
		for _, name := range []string{t.Produce.Topic, t.DeadLetter.Topic} {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	topics, err := cluster.Topics(ctx, names, nil)
	if err != nil {
		b.cfg.Logger.Warn("cannot tell whether the topics to produce to are there", "topics", names, "error", err)
		return
	}
	for _, name := range names {
		if _, exists := topics[name]; !exists {
			b.cfg.Logger.Warn("topic to produce to does not exist; create it", "topic", name)
		}
	}
}

// refuseAmbiguous finds topics that two patterns match before work begins.
func (b *Bridge) refuseAmbiguous(ctx context.Context, cluster *kafka.Cluster) error {
	sub := b.routes.subscription(b.cfg.Topics)
	if len(sub.Patterns) < 2 {
		return nil
	}
	topics, err := cluster.Topics(ctx, nil, sub.Patterns)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	for name := range topics {
		if _, err := b.routes.find(name); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bridge) kafkaConfig(store queue.Identity) kafka.Config {
	instance := b.cfg.InstanceID
	switch instance {
	case "":
		instance = "holdfast-" + store.StoreID
	case Dynamic:
		instance = ""
	}
	return kafka.Config{
		Brokers:          b.cfg.Brokers,
		Group:            b.cfg.Group,
		InstanceID:       instance,
		ClientID:         b.cfg.ClientID,
		Assignors:        b.cfg.Assignors,
		ReadCommitted:    !b.cfg.ReadUncommitted,
		SessionTimeout:   b.cfg.SessionTimeout,
		RebalanceTimeout: b.cfg.RebalanceTimeout,
		Tune:             b.cfg.Sarama,
		Logger:           b.cfg.Logger,
	}
}

func (b *Bridge) queueOptions() queue.Options {
	return queue.Options{
		Flush:       b.cfg.Flush,
		Memory:      b.cfg.Budget.Memory,
		Disk:        b.cfg.Budget.Disk,
		MinFree:     b.cfg.Budget.MinFree,
		DeadLetters: b.deadPolicy,
		Durable:     b.hooks.durable(),
		Flushed:     b.hooks.flushed(),
		Paused:      b.hooks.paused,
		Throttled:   b.hooks.rateReached,
		Clock:       b.cfg.Clock,
		Logger:      b.cfg.Logger,
	}
}

// translate gives an error of the rooms below the sentinel of this package.
func translate(err error) error {
	var setting *kafka.ConfigError
	if errors.As(err, &setting) {
		return &ConfigError{Problems: []Problem{{Field: "Sarama", Reason: setting.Error()}}}
	}
	var foreign *kafka.ForeignMembersError
	var copied *kafka.CopyError
	for _, t := range []struct {
		is  bool
		err error
	}{
		{errors.Is(err, recovery.ErrInUse), ErrStoreInUse},
		{errors.Is(err, recovery.ErrDamaged), ErrStoreDamaged},
		{errors.Is(err, recovery.ErrForeign), ErrStoreForeign},
		{errors.Is(err, recovery.ErrNewer), ErrStoreNewer},
		{errors.Is(err, queue.ErrStoreFailed), ErrStoreFailed},
		{errors.Is(err, kafka.ErrUnreachable), ErrKafkaUnreachable},
		{errors.Is(err, kafka.ErrInstanceFenced), ErrRefused},
		{errors.As(err, &foreign), ErrRefused},
		{errors.As(err, &copied), ErrRefused},
	} {
		if t.is && !errors.Is(err, t.err) {
			return &translated{sentinel: t.err, err: err}
		}
	}
	return err
}

// translated says what err says, and is also the sentinel.
type translated struct{ sentinel, err error }

func (t *translated) Error() string   { return t.err.Error() }
func (t *translated) Unwrap() []error { return []error{t.sentinel, t.err} }
