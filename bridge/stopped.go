package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Stopped is the inspector of a bridge that does not run, with its configuration
// and its Kafka.
type Stopped struct {
	*inspect.Offline
	kafka *late
}

// Inspect opens the data directory of a stopped bridge, as [inspect.Open] does,
// for verbs that need to know more than that: the configuration, and Kafka, to
// which it connects when it is asked. Until Close the directory belongs to this
// process.
func Inspect(ctx context.Context, cfg Config) (*Stopped, error) {
	b, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s := &Stopped{kafka: &late{bridge: b}}
	s.Offline, err = inspect.Open(ctx, cfg.DataDir, inspect.Options{
		Logger: b.cfg.Logger, Clock: b.cfg.Clock, Verify: b.cfg.Verify, LaneOf: b.routes.laneOf,
		Kafka: s.kafka, Entry: b.entryOf, Set: b.adopt, SettingOf: b.settingOf, Unfit: b.unfit,
	})
	if err != nil {
		return nil, translate(err)
	}
	s.kafka.store = s.Identity()
	return s, nil
}

// Close gives the directory back, and ends the connection to Kafka.
func (s *Stopped) Close() error {
	return errors.Join(s.kafka.close(), translate(s.Offline.Close()))
}

// late connects to Kafka when it is first asked something.
type late struct {
	bridge *Bridge
	store  queue.Identity

	mu      sync.Mutex
	cluster *kafka.Cluster // guarded by mu; nil: not connected
}

func (l *late) connect(ctx context.Context) (asked, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cluster == nil {
		cluster, err := kafka.Dial(ctx, l.bridge.kafkaConfig(l.store))
		if err != nil {
			return asked{}, translate(err)
		}
		if id := cluster.ID(); l.store.Cluster != "" && id != "" && id != l.store.Cluster {
			return asked{}, errors.Join(fmt.Errorf("%w: the store belongs to Kafka cluster %s, and the brokers are of cluster %s",
				ErrStoreForeign, l.store.Cluster, id), cluster.Close())
		}
		l.cluster = cluster
	}
	return asked{l.cluster, l.bridge.routes}, nil
}

func (l *late) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cluster == nil {
		return nil
	}
	return l.cluster.Close()
}

// Log implements [inspect.Kafka].
func (l *late) Log(ctx context.Context, topic string, partition int32) (inspect.Log, error) {
	a, err := l.connect(ctx)
	if err != nil {
		return inspect.Log{}, err
	}
	return a.Log(ctx, topic, partition)
}

// OffsetAt implements [inspect.Kafka].
func (l *late) OffsetAt(ctx context.Context, topic string, partition int32, t time.Time) (int64, error) {
	a, err := l.connect(ctx)
	if err != nil {
		return -1, err
	}
	return a.OffsetAt(ctx, topic, partition, t)
}

// Read implements [inspect.Kafka].
func (l *late) Read(ctx context.Context, topic string, partition int32, from, last int64) (inspect.Records, error) {
	a, err := l.connect(ctx)
	if err != nil {
		return inspect.Records{}, err
	}
	return a.Read(ctx, topic, partition, from, last)
}

// Leave implements [inspect.Kafka].
func (l *late) Leave(ctx context.Context) (bool, error) {
	a, err := l.connect(ctx)
	if err != nil {
		return false, err
	}
	return a.Leave(ctx)
}
