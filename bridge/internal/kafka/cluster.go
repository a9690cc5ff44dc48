package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// Cluster is a connection to Kafka as one group.
type Cluster struct {
	cfg Config
	log *slog.Logger
	id  string

	group  *groupClient
	fetch  *fetchClient
	commit *client
	offers *committer
	// producer is a client as well, but connects when something is produced.
	producer *Producer

	// calls counts what waits for an answer of Kafka that its caller may no
	// longer wait for, and streams until they have ended. Close waits for it.
	calls sync.WaitGroup
	// closing guards the start of a call against the beginning of that wait.
	closing sync.Mutex
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	consuming atomic.Bool
	opened    time.Time
	stepped   atomic.Int64                     // nanoseconds since opened: a clock that is set changes nothing
	lease     atomic.Pointer[func() time.Time] // of the membership; nil: nothing is consumed

	// For Membership.
	current     atomic.Pointer[member] // nil: Consume was not called
	sessions    atomic.Int64
	generations atomic.Int64
	generation  atomic.Int32 // the last one seen
	copySeen    atomic.Pointer[string]
	missing     atomic.Pointer[[]string] // nil: nobody has looked

	// blind: it was said that the group cannot be looked at.
	blind atomic.Bool
}

// client is a sarama client and the connections it dialled.
type client struct {
	sarama.Client
	connections *connections
}

func (cfg Config) open(name string, conf *sarama.Config) (*client, error) {
	conf, err := cfg.tuned(name, conf)
	if err != nil {
		return nil, err
	}
	connections := take(conf)
	c, err := sarama.NewClient(cfg.Brokers, conf) // dials nothing yet
	if err != nil {
		return nil, fmt.Errorf("open the %s client: %w", name, err)
	}
	return &client{c, connections}, nil
}

func (c *client) close() error {
	c.connections.end()
	return c.Client.Close()
}

// Dial connects to the brokers. It fails with ErrUnreachable where none
// answers, and with a *ConfigError where Config.Tune took away what holdfast
// relies on.
func Dial(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, log: cfg.Logger, opened: time.Now()}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if c.producer, err = NewProducer(cfg); err != nil {
		return nil, err
	}
	if c.commit, err = cfg.open("commit", cfg.commitConfig()); err != nil {
		return nil, err
	}
	if c.fetch, err = cfg.openFetch(); err != nil {
		return nil, errors.Join(err, c.commit.close())
	}
	if c.group, err = cfg.openGroup(); err != nil {
		return nil, errors.Join(err, c.commit.close(), c.fetch.close())
	}
	c.offers = newCommitter(c)
	c.step()

	// Any topic will do: the answer names the cluster.
	meta, err := c.metadata(ctx, []string{"__consumer_offsets"})
	if err != nil {
		return nil, errors.Join(unreachable(cfg.Brokers, err), c.Close())
	}
	if meta.ClusterID != nil {
		c.id = *meta.ClusterID
	}
	return c, nil
}

// ID is the id of the Kafka cluster, "" where the broker has none.
func (c *Cluster) ID() string { return c.id }

// Producer returns the cluster's producer, which Close closes.
func (c *Cluster) Producer() *Producer { return c.producer }

// Stepped is when the group's heartbeat, or its loop while there is no
// membership, or a commit last took a step: a process whose Stepped stays
// behind is stuck.
func (c *Cluster) Stepped() time.Time { return c.opened.Add(time.Duration(c.stepped.Load())) }

func (c *Cluster) step() { c.stepped.Store(int64(time.Since(c.opened))) }

// Lease is until when the group counts on this member, as far as it has said so:
// zero while it is none, and far in the future where no group is needed.
func (c *Cluster) Lease() time.Time {
	if lease := c.lease.Load(); lease != nil {
		return (*lease)()
	}
	return time.Time{}
}

// Close ends the clients. A dynamic member leaves the group, a static one does
// not. Consume must have returned.
func (c *Cluster) Close() error {
	if c.consuming.Load() {
		return errors.New("close Kafka clients: Consume has not returned")
	}
	if c.ctx.Err() != nil {
		return nil
	}
	c.closing.Lock()
	c.cancel()
	c.closing.Unlock()
	c.offers.close()
	err := errors.Join(c.producer.Close(), c.group.close(), c.fetch.close(), c.commit.close())
	c.offers.sender.Wait()
	c.calls.Wait()
	return err
}

// background runs f on a goroutine that Close waits for.
func (c *Cluster) background(f func()) error {
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	c.calls.Go(f)
	return nil
}

// call runs f, which only the network can interrupt, and stops waiting for it
// when ctx ends or the cluster is closed.
func call[T any](ctx context.Context, c *Cluster, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if err := context.Cause(ctx); err != nil {
		return none, err
	}
	answered := make(chan answer, 1)
	err := c.background(func() {
		value, err := f()
		answered <- answer{value, err}
	})
	if err != nil {
		return none, err
	}
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-c.ctx.Done():
		return none, ErrClosed
	}
}

// metadata asks any broker. names nil: all topics.
func (c *Cluster) metadata(ctx context.Context, names []string) (*sarama.MetadataResponse, error) {
	return call(ctx, c, func() (*sarama.MetadataResponse, error) {
		meta, err := c.askMetadata(names)
		if err == nil {
			return meta, nil
		}
		// sarama alone can put a broker aside, and does so while it refreshes.
		refreshed := c.commit.RefreshMetadata(names...)
		meta, err = c.askMetadata(names)
		// What a broker answered says more than that none was of use.
		var answer sarama.KError
		if err != nil && refreshed != nil && !errors.As(err, &answer) {
			return nil, refreshed
		}
		return meta, err
	})
}

func (c *Cluster) askMetadata(names []string) (*sarama.MetadataResponse, error) {
	broker := c.commit.LeastLoadedBroker()
	if broker == nil {
		return nil, sarama.ErrOutOfBrokers
	}
	meta, err := broker.GetMetadata(sarama.NewMetadataRequest(c.commit.Config().Version, slices.Clone(names)))
	if err != nil {
		_ = broker.Close() // it is dialled anew with the next request
		return nil, err
	}
	return meta, nil
}
