package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Names of the assignors of Config.Assignors.
const (
	CooperativeSticky = "cooperative-sticky"
	Range             = "range"
)

// Config says which cluster and which group, and how to be a member of it.
type Config struct {
	Brokers []string
	Group   string
	// InstanceID makes the member static: a restart within SessionTimeout moves
	// no partition. Empty: a dynamic member, which leaves the group at Close.
	InstanceID string
	ClientID   string // zero: "holdfast"
	// Opening is what the group client adds to its client id, so that processes
	// with copies of one data directory find each other.
	Opening Opening
	// Assignors in order of preference. Zero: cooperative-sticky. Both during a
	// migration from one to the other.
	Assignors        []string
	ReadCommitted    bool
	SessionTimeout   time.Duration // zero: 10 s
	RebalanceTimeout time.Duration // zero: 60 s
	// WatchInterval is how often topics and partitions are counted. Zero: 30 s.
	WatchInterval time.Duration
	// Tune may change sarama's configuration (TLS, SASL, network). It is called
	// once per client. What holdfast relies on is checked afterwards.
	Tune   func(*sarama.Config)
	Logger *slog.Logger // zero: discard
}

func (c Config) withDefaults() (Config, error) {
	if c.ClientID == "" {
		c.ClientID = "holdfast"
	}
	if len(c.Assignors) == 0 {
		c.Assignors = []string{CooperativeSticky}
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = 10 * time.Second
	}
	if c.RebalanceTimeout == 0 {
		c.RebalanceTimeout = 60 * time.Second
	}
	if c.WatchInterval == 0 {
		c.WatchInterval = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var problems []error
	if len(c.Brokers) == 0 {
		problems = append(problems, errors.New("no brokers given: name at least one host:port"))
	}
	if c.Group == "" {
		problems = append(problems, errors.New("no group given: name the consumer group"))
	}
	for _, name := range c.Assignors {
		if assignor(name) == nil {
			problems = append(problems, fmt.Errorf("assignor %q is not known: use %q or %q", name, CooperativeSticky, Range))
		}
	}
	return c, errors.Join(problems...)
}

func assignor(name string) sarama.BalanceStrategy {
	switch name {
	case CooperativeSticky:
		return sarama.NewBalanceStrategyCooperativeSticky()
	case Range:
		return sarama.NewBalanceStrategyRange()
	}
	return nil
}

// base is what the three clients have in common.
func (c Config) base() *sarama.Config {
	conf := sarama.NewConfig()
	conf.ClientID = c.ClientID
	// From 2.8 on there are topic ids, from 3.2 on members tell the generation
	// of what they own, so that a zombie's claim does not confuse the assignor.
	// Requests are downgraded to what an older broker offers.
	conf.Version = sarama.V3_2_0_0
	conf.MetricRegistry = noMetrics{}
	conf.Net.DialTimeout = 10 * time.Second      // sarama looks at no other broker while it dials
	conf.Metadata.Full = false                   // only our own topics
	conf.Metadata.AllowAutoTopicCreation = false // subscribing must not create what was misspelt
	conf.Consumer.Offsets.AutoCommit.Enable = false
	conf.Consumer.Return.Errors = true // unread errors only go to sarama's logger
	return conf
}

// groupConfig is for membership alone: what little is fetched before a claim is
// paused is kept tiny.
func (c Config) groupConfig() *sarama.Config {
	conf := c.base()
	conf.Consumer.Fetch.Default = 1
	conf.Consumer.Fetch.MaxBytes = 1024
	conf.Consumer.MaxWaitTime = 100 * time.Millisecond // a fetch holds back the heartbeat on the same connection
	conf.ChannelBufferSize = 16
	// Only the fetch client's offsets count. With it off, one partition out of
	// range would restart the session of all of them again and again.
	conf.Consumer.Group.ResetInvalidOffsets = true
	conf.Consumer.Offsets.Initial = sarama.OffsetOldest
	conf.Consumer.Group.InstanceId = c.InstanceID
	conf.Consumer.Group.Session.Timeout = c.SessionTimeout
	conf.Consumer.Group.Heartbeat.Interval = min(3*time.Second, c.SessionTimeout/3, c.RebalanceTimeout/10)
	conf.Consumer.Group.Rebalance.Timeout = c.RebalanceTimeout
	conf.Consumer.Group.Rebalance.GroupStrategies = nil
	for _, name := range c.Assignors {
		conf.Consumer.Group.Rebalance.GroupStrategies = append(conf.Consumer.Group.Rebalance.GroupStrategies, assignor(name))
	}
	// Members that join and leave interrupt each other's joins: retry often and
	// for long before giving up the session and with it every claim.
	conf.Consumer.Group.Rebalance.Retry.Backoff = 250 * time.Millisecond
	conf.Consumer.Group.Rebalance.Retry.Max = 40
	// The answer to a join comes when the slowest member has drained.
	conf.Net.ReadTimeout = c.RebalanceTimeout + 10*time.Second
	return conf
}

// fetchConfig bounds the memory of what was fetched and not yet taken: one
// answer per broker of at most 16 MiB, of which a partition has 1 MiB (or one
// batch, where that is larger), and up to 512 records per partition in its
// channel, which keep the answer before that alive.
func (c Config) fetchConfig() *sarama.Config {
	conf := c.base()
	conf.Consumer.Fetch.Default = 1 << 20
	conf.Consumer.Fetch.MaxBytes = 16 << 20
	conf.ChannelBufferSize = 512
	// Opening, resuming and closing a stream wait for the fetch under way.
	conf.Consumer.MaxWaitTime = 250 * time.Millisecond
	conf.Consumer.Retry.Backoff = 250 * time.Millisecond // after a change of leader
	if c.ReadCommitted {
		conf.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	return conf
}

// commitConfig: all its requests are short, so that a broker that hangs is
// noticed before the time to drain is over.
func (c Config) commitConfig() *sarama.Config {
	conf := c.base()
	conf.Net.ReadTimeout = max(commitWithin(c.RebalanceTimeout), time.Second)
	if c.ReadCommitted {
		conf.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	return conf
}

// commitWithin is the part of the rebalance timeout that is kept for the last commit.
func commitWithin(rebalance time.Duration) time.Duration {
	return min(rebalance/10, 5*time.Second)
}

// drainWithin is how long a revoked partition may take to let go: the others
// wait for the rebalance timeout, which begins up to a heartbeat before we know.
func drainWithin(conf *sarama.Config) time.Duration {
	rebalance := conf.Consumer.Group.Rebalance.Timeout
	return rebalance - 2*conf.Consumer.Group.Heartbeat.Interval - commitWithin(rebalance)
}

// tuned applies the caller's changes and checks what holdfast relies on.
func (c Config) tuned(client string, conf *sarama.Config) (*sarama.Config, error) {
	isolation := conf.Consumer.IsolationLevel
	if c.Tune != nil {
		c.Tune(conf)
	}
	if conf.MetricRegistry == nil {
		conf.MetricRegistry = noMetrics{}
	}
	if client == "group" {
		conf.ClientID = c.Opening.mark(conf.ClientID, conf.Consumer.Group.Session.Timeout)
	}
	group := &conf.Consumer.Group
	kept := []struct {
		client, field, want string
		ok                  bool
	}{
		{"", "Version", "at least 2.8, for topic ids", conf.Version.IsAtLeast(sarama.V2_8_0_0)},
		{"", "Metadata.AllowAutoTopicCreation", "false", !conf.Metadata.AllowAutoTopicCreation},
		{"", "Consumer.Offsets.AutoCommit.Enable", "false: it commits by itself", !conf.Consumer.Offsets.AutoCommit.Enable},
		{"", "Consumer.Return.Errors", "true", conf.Consumer.Return.Errors},
		{"", "Consumer.IsolationLevel", "the bridge's own setting", conf.Consumer.IsolationLevel == isolation},
		{"", "Consumer.Retry.Max", "0: reading goes on", conf.Consumer.Retry.Max == 0},
		{"fetch", "Consumer.Fetch.Max", "0: larger records would be skipped", conf.Consumer.Fetch.Max == 0},
		{"group", "Consumer.Group.ResetInvalidOffsets", "true", group.ResetInvalidOffsets},
		{"group", "Consumer.Offsets.Initial", "OffsetOldest", conf.Consumer.Offsets.Initial == sarama.OffsetOldest},
		{"group", "Consumer.Group.InstanceId", "the bridge's own setting", group.InstanceId == c.InstanceID},
		{"group", "Consumer.Group.Rebalance.Strategy", "nil", group.Rebalance.Strategy == nil},
		{"group", "Consumer.Group.Rebalance.GroupStrategies", "the bridge's own setting", slices.Equal(strategies(conf), c.Assignors)},
		{"group", "Consumer.Group.Heartbeat.Interval", "at most a third of Session.Timeout", group.Heartbeat.Interval <= group.Session.Timeout/3},
		{"group", "Net.ReadTimeout", "more than Rebalance.Timeout: joining takes as long", conf.Net.ReadTimeout > group.Rebalance.Timeout},
		{"group", "Consumer.Group.Rebalance.Timeout", "time to drain besides two heartbeats and a commit", drainWithin(conf) > 0},
	}
	for _, k := range kept {
		if !k.ok && (k.client == "" || k.client == client) {
			return nil, &ConfigError{Client: client, Field: k.field, Want: k.want}
		}
	}
	if err := conf.Validate(); err != nil {
		return nil, fmt.Errorf("sarama configuration of the %s client: %w", client, err)
	}
	return conf, nil
}

func strategies(conf *sarama.Config) []string {
	var names []string
	for _, s := range conf.Consumer.Group.Rebalance.GroupStrategies {
		names = append(names, s.Name())
	}
	return names
}
