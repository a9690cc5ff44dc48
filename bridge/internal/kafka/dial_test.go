package kafka_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func TestUnreachableBrokersAreToldInOneSentence(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	closed := broker.Addrs()[0]
	broker.Stop(t)
	_, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{closed}, Group: "billing"})
	if !errors.Is(err, kafka.ErrUnreachable) {
		t.Fatalf("%v", err)
	}
	for _, part := range []string{closed, "connection refused", "start the brokers"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q has more than one line", err)
	}
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	// It accepts and never answers.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err = kafka.Dial(ctx, kafka.Config{Brokers: []string{silent.Addr().String()}, Group: "billing"})
	if !errors.Is(err, kafka.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAnUntrustedCertificateIsToldAsSuch(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, err := kafka.Dial(t.Context(), kafka.Config{
		Brokers: []string{server.Listener.Addr().String()}, Group: "billing",
		Tune: func(conf *sarama.Config) { conf.Net.TLS.Enable = true },
	})
	if !errors.Is(err, kafka.ErrUnreachable) || !strings.Contains(err.Error(), "x509") || !strings.HasSuffix(err.Error(), "check the certificates and the server name") {
		t.Errorf("%v", err)
	}
}

func TestTuneMayNotTakeAwayWhatHoldfastReliesOn(t *testing.T) {
	t.Parallel()
	for field, tune := range map[string]func(*sarama.Config){
		"Version":                            func(c *sarama.Config) { c.Version = sarama.V2_4_0_0 },
		"Consumer.Offsets.AutoCommit.Enable": func(c *sarama.Config) { c.Consumer.Offsets.AutoCommit.Enable = true },
		"Consumer.Return.Errors":             func(c *sarama.Config) { c.Consumer.Return.Errors = false },
		"Consumer.IsolationLevel":            func(c *sarama.Config) { c.Consumer.IsolationLevel = sarama.ReadCommitted },
		"Consumer.Retry.Max":                 func(c *sarama.Config) { c.Consumer.Retry.Max = 3 },
		"Consumer.Fetch.Max":                 func(c *sarama.Config) { c.Consumer.Fetch.Max = 1 << 20 },
		"Metadata.AllowAutoTopicCreation":    func(c *sarama.Config) { c.Metadata.AllowAutoTopicCreation = true },
		"Consumer.Group.ResetInvalidOffsets": func(c *sarama.Config) { c.Consumer.Group.ResetInvalidOffsets = false },
		"Consumer.Offsets.Initial":           func(c *sarama.Config) { c.Consumer.Offsets.Initial = sarama.OffsetNewest },
		"Consumer.Group.InstanceId":          func(c *sarama.Config) { c.Consumer.Group.InstanceId = "another" },
		"Net.ReadTimeout":                    func(c *sarama.Config) { c.Net.ReadTimeout = time.Second },
		"Consumer.Group.Rebalance.GroupStrategies": func(c *sarama.Config) {
			c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
		},
		"Consumer.Group.Heartbeat.Interval": func(c *sarama.Config) { c.Consumer.Group.Heartbeat.Interval = 9 * time.Second },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			_, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{"127.0.0.1:1"}, Group: "billing", Tune: tune})
			var config *kafka.ConfigError
			if !errors.As(err, &config) || config.Field != field {
				t.Errorf("%v, want the field %s named", err, field)
			}
		})
	}
}

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	_, err := kafka.Dial(t.Context(), kafka.Config{Assignors: []string{"fair"}})
	for _, part := range []string{"no brokers", "no group", `"fair"`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestTuningReachesTheClients(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t)
	clients := 0
	dial(t, broker.Addrs(), func(cfg *kafka.Config) {
		cfg.Tune = func(conf *sarama.Config) {
			clients++
			conf.MetricRegistry = nil
			conf.Net.DialTimeout = time.Second
		}
	})
	if clients != 4 { // for commits, fetching, the group and what is produced
		t.Errorf("%d configurations were tuned, want 4", clients)
	}
}

func TestTopicsAreFoundByNameAndPattern(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2), bridgetest.Topic("orders-eu", 1), bridgetest.Topic("refunds", 1))
	cluster := dial(t, broker.Addrs())
	topic := func(name string, partitions ...int32) kafka.Topic {
		return kafka.Topic{ID: broker.TopicID(name), Partitions: partitions}
	}
	for _, c := range []struct {
		names    []string
		patterns []string
		want     map[string]kafka.Topic
	}{
		{nil, nil, map[string]kafka.Topic{}},
		{[]string{"orders", "missing"}, nil, map[string]kafka.Topic{"orders": topic("orders", 0, 1)}},
		{nil, []string{"order|orders-.*"}, map[string]kafka.Topic{"orders-eu": topic("orders-eu", 0)}},
		{[]string{"refunds"}, []string{"(?i)ORDERS"}, map[string]kafka.Topic{"orders": topic("orders", 0, 1), "refunds": topic("refunds", 0)}},
	} {
		var patterns []*regexp.Regexp
		for _, p := range c.patterns {
			patterns = append(patterns, regexp.MustCompile(p))
		}
		got, err := cluster.Topics(within(t), c.names, patterns)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v %v: %s", c.names, c.patterns, diff)
		}
	}
}

func TestAClosedClusterRefusesCalls(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cluster := dial(t, broker.Addrs())
	for range 2 {
		if err := cluster.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cluster.Topics(within(t), []string{"orders"}, nil); !errors.Is(err, kafka.ErrClosed) {
		t.Errorf("%v", err)
	}
}
