package bridge

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// The defaults of [Config].
const (
	defaultWorkers     = 64
	defaultFlush       = 10 * time.Millisecond
	defaultCommitEvery = time.Second
	defaultStopWithin  = 45 * time.Second
	defaultMaxCrashes  = 3
	defaultSession     = 60 * time.Second
	defaultRebalance   = 60 * time.Second
	defaultMemory      = 256 << 20
	defaultClientID    = "holdfast"
	defaultAssignor    = assignorSticky
)

// The names of the balancing strategies, as Kafka knows them.
const (
	assignorSticky = "cooperative-sticky"
	assignorRange  = "range"
)

// withDefaults returns a copy in which no field needs a zero check any more.
func (c Config) withDefaults() Config {
	c.ClientID = cmp.Or(c.ClientID, defaultClientID)
	c.SessionTimeout = cmp.Or(c.SessionTimeout, defaultSession)
	c.RebalanceTimeout = cmp.Or(c.RebalanceTimeout, defaultRebalance)
	c.Workers = cmp.Or(c.Workers, defaultWorkers)
	c.Flush = cmp.Or(c.Flush, defaultFlush)
	c.CommitEvery = cmp.Or(c.CommitEvery, defaultCommitEvery)
	c.StopWithin = max(0, cmp.Or(c.StopWithin, defaultStopWithin))
	c.MaxCrashes = cmp.Or(c.MaxCrashes, defaultMaxCrashes)
	c.Budget.Memory = cmp.Or(c.Budget.Memory, defaultMemory)
	if len(c.Assignors) == 0 {
		c.Assignors = []string{defaultAssignor}
	}
	if c.Hooks == nil {
		c.Hooks = &Hooks{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = queue.SystemClock{}
	}
	topics := make([]Topic, len(c.Topics))
	for i, t := range c.Topics {
		if t.Retry == nil {
			t.Retry = t.OnFailure.retry()
		}
		t.DeadLetter.Guard = t.DeadLetter.Guard.withDefaults()
		topics[i] = t
	}
	c.Topics = topics
	return c
}
