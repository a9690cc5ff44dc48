package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// open connects to Kafka and opens the store.
func (b *Bridge) open(ctx context.Context) (*kafka.Cluster, *recovery.Opened, error) {
	cluster, err := kafka.Dial(ctx, b.kafkaConfig(b.cfg.InstanceID))
	if err != nil {
		return nil, nil, translate(err)
	}
	opened, err := b.openStore(ctx, cluster)
	if err != nil {
		return nil, nil, errors.Join(translate(err), cluster.Close())
	}
	if b.cfg.InstanceID != "" {
		return cluster, opened, nil
	}
	// The store belongs to a cluster, so Kafka was asked first; but it also
	// names the static member, so the connection to work with is another one.
	if err := cluster.Close(); err != nil {
		return nil, nil, errors.Join(err, opened.Close())
	}
	cluster, err = kafka.Dial(ctx, b.kafkaConfig("holdfast-"+opened.Store.Identity().StoreID))
	if err != nil {
		return nil, nil, errors.Join(translate(err), opened.Close())
	}
	return cluster, opened, nil
}

func (b *Bridge) openStore(ctx context.Context, cluster *kafka.Cluster) (*recovery.Opened, error) {
	if err := b.refuseAmbiguous(ctx, cluster); err != nil {
		return nil, err
	}
	return recovery.Open(ctx, recovery.Options{
		Dir:     b.cfg.DataDir,
		Cluster: cluster.ID(),
		Group:   b.cfg.Group,
		Queue:   b.queueOptions(),
		Verify:  b.cfg.Verify,
		Logger:  b.cfg.Logger,
	})
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

func (b *Bridge) kafkaConfig(instance string) kafka.Config {
	if instance == Dynamic {
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
		Flush:   b.cfg.Flush,
		Memory:  b.cfg.Budget.Memory,
		Disk:    b.cfg.Budget.Disk,
		MinFree: b.cfg.Budget.MinFree,
		Durable: b.hooks.durable(),
		Clock:   b.cfg.Clock,
		Logger:  b.cfg.Logger,
	}
}

// translate gives an error of the rooms below the sentinel of this package.
func translate(err error) error {
	var setting *kafka.ConfigError
	if errors.As(err, &setting) {
		return &ConfigError{Problems: []Problem{{Field: "Sarama", Reason: setting.Error()}}}
	}
	var foreign *kafka.ForeignMembersError
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
