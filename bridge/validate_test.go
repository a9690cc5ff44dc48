package bridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

var doNothing = HandlerFunc(func(context.Context, *Job) error { return nil })

// smallest is the smallest useful configuration.
func smallest() Config {
	return Config{
		Brokers: []string{"127.0.0.1:9092"},
		Group:   "billing",
		DataDir: "./data",
		Topics:  []Topic{{Name: "orders", Handler: doNothing}},
	}
}

func TestSmallestConfigIsValid(t *testing.T) {
	t.Parallel()
	if err := smallest().Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	err := Config{}.Validate()
	var problems *ConfigError
	if !errors.As(err, &problems) {
		t.Fatalf("got %v, want a *ConfigError", err)
	}
	var fields []string
	for _, p := range problems.Problems {
		fields = append(fields, p.Field)
	}
	if diff := cmp.Diff([]string{"Brokers", "Group", "DataDir", "Topics"}, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	for field, spoil := range map[string]func(*Config){
		"Brokers[0]":          func(c *Config) { c.Brokers[0] = "localhost" },
		"Topics[0].Timeout":   func(c *Config) { c.Topics[0].Timeout = -1 },
		"Topics[0].Heartbeat": func(c *Config) { c.Topics[0].Heartbeat = -1 },
		"Topics[0].Batch":     func(c *Config) { c.Topics[0].Batch = &Batch{Max: 2, Handler: BatchHandlerFunc(nil)} },
		"Topics[0].Batch.Max": func(c *Config) {
			c.Topics[0].Handler, c.Topics[0].Batch = nil, &Batch{Max: 1, Handler: BatchHandlerFunc(nil)}
		},
		"Topics[0].Batch.Wait": func(c *Config) {
			c.Topics[0].Handler, c.Topics[0].Batch = nil, &Batch{Max: 2, Wait: -1, Handler: BatchHandlerFunc(nil)}
		},
		"Topics[0].Produce": func(c *Config) {
			c.Topics[0].Handler, c.Topics[0].Batch = nil, &Batch{Max: 2, Handler: BatchHandlerFunc(nil)}
			c.Topics[0].Produce.Topic = "results"
		},
		"Topics[0].Batch.Handler": func(c *Config) { c.Topics[0].Handler, c.Topics[0].Batch = nil, &Batch{Max: 2} },
		"Assignors[0]":            func(c *Config) { c.Assignors = []string{"sticky"} },
		"Assignors[1]":            func(c *Config) { c.Assignors = []string{"range", "range"} },
		"SessionTimeout":          func(c *Config) { c.SessionTimeout = -1 },
		"RebalanceTimeout":        func(c *Config) { c.RebalanceTimeout = -1 },
		"Start":                   func(c *Config) { c.Start = Start{Newest: true, Time: time.Unix(1, 0)} },
		"OnExternalReset":         func(c *Config) { c.OnExternalReset = 9 },
		"Workers":                 func(c *Config) { c.Workers = -1 },
		"Flush":                   func(c *Config) { c.Flush = time.Minute },
		"CommitEvery":             func(c *Config) { c.CommitEvery = -1 },
		"Budget.Memory":           func(c *Config) { c.Budget.Memory = -1 },
		"Budget.Disk":             func(c *Config) { c.Budget.Disk = -1 },
		"Budget.MinFree":          func(c *Config) { c.Budget.MinFree = -1 },
		"Use":                     func(c *Config) { c.Use = []Middleware{nil} },
		"Topics[0]":               func(c *Config) { c.Topics[0].Name = "" },
		"Topics[1]":               func(c *Config) { c.Topics = append(c.Topics, c.Topics[0]) },
		"Topics[0].Name":          func(c *Config) { c.Topics[0].Name = "^audit.*" },
		"Topics[0].Match":         func(c *Config) { c.Topics[0].Name, c.Topics[0].Match = "", "(" },
		"Topics[0].Handler":       func(c *Config) { c.Topics[0].Handler = nil },
		"Topics[0].Partitioner":   func(c *Config) { c.Topics[0].Partitioner.Lanes = -1 },
		"Topics[0].Partitions":    func(c *Config) { c.Topics[0].Partitions = []int32{-1} },
		"Topics[0].Concurrency":   func(c *Config) { c.Topics[0].Concurrency = -1 },
		"Topics[0].Retry.First":   func(c *Config) { c.Topics[0].Retry = Backoff{First: time.Hour, Max: time.Second} },
		"Topics[0].Retry.Factor":  func(c *Config) { c.Topics[0].Retry = Backoff{Factor: 0.5} },
		"Topics[0].Retry.Jitter":  func(c *Config) { c.Topics[0].Retry = Backoff{Jitter: 2} },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			c := smallest()
			spoil(&c)
			var problems *ConfigError
			if err := c.Validate(); !errors.As(err, &problems) || problems.Problems[0].Field != field {
				t.Errorf("got %v, want a problem with %s", err, field)
			}
		})
	}
}

// Each worker takes memory from the first moment on.
func TestSoManyWorkersThatMemoryEndsAreRefused(t *testing.T) {
	t.Parallel()
	for workers, accepted := range map[int]bool{2000: true, inspect.MaxWorkers: true, inspect.MaxWorkers + 1: false} {
		c := smallest()
		c.Workers = workers
		if err := c.Validate(); (err == nil) != accepted {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}

func TestRebalanceTimeoutLeavesTimeToLetGo(t *testing.T) {
	t.Parallel()
	c := smallest()
	c.RebalanceTimeout = time.Second
	if c.Validate() == nil {
		t.Error("accepted beside a session timeout of 60s")
	}
	c.SessionTimeout = 900 * time.Millisecond
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestPartitionsListedTwiceOrOfAPatternAreRefused(t *testing.T) {
	t.Parallel()
	for name, topic := range map[string]Topic{
		"twice":   {Name: "a", Partitions: []int32{1, 1}, Handler: doNothing},
		"pattern": {Match: "a", Partitions: []int32{1}, Handler: doNothing},
	} {
		c := smallest()
		c.Topics = []Topic{topic}
		if c.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNewRefusesAnInvalidConfig(t *testing.T) {
	t.Parallel()
	if b, err := New(Config{}); err == nil || b != nil {
		t.Errorf("got %v, %v", b, err)
	}
}

// Patterns of which any topic that the first matches is one of the second, too.
func TestPatternsForOneTopicAreRefusedBeforehand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		topics []Topic
		field  string // empty: only a topic could tell
	}{
		{[]Topic{{Match: "ord.*"}, {Match: "orders"}}, "Topics[1].Match"},
		{[]Topic{{Match: `^orders\.eu$`}, {Match: "ord.*"}}, "Topics[0].Match"},
		{[]Topic{{Match: "ord.*"}, {Match: "ord.*"}}, "Topics[1]"},
		{[]Topic{{Match: "ord.*"}, {Match: "orders"}, {Name: "orders"}}, ""},
		{[]Topic{{Match: "ord.*"}, {Match: "(?i)orders"}}, ""},
		{[]Topic{{Match: `a\Qb`}}, "Topics[0].Match"},
		{[]Topic{{Match: "ord.*"}, {Match: "audit"}}, ""},
		{[]Topic{{Match: "ord.*"}, {Match: ".*s"}}, ""},
	} {
		c := smallest()
		c.Topics = tt.topics
		for i := range c.Topics {
			c.Topics[i].Handler = doNothing
		}
		err := c.Validate()
		var problems *ConfigError
		if (err == nil) != (tt.field == "") || errors.As(err, &problems) && (len(problems.Problems) != 1 || problems.Problems[0].Field != tt.field) {
			t.Errorf("%+v: %v, want a problem with %q", tt.topics, err, tt.field)
		}
	}
}
