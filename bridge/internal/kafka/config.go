package kafka

import (
	"log/slog"
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
