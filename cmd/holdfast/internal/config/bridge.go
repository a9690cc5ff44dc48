package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/logging"
)

// Bridge is the configuration as the library takes it. The log handler writes
// to jobs, others have something to say to log. A handler that is an io.Closer
// is to be closed when no job runs any more; nothing is started before one does.
func (c *Config) Bridge(log, jobs *slog.Logger) (bridge.Config, error) {
	out, wrong := c.bridge(log, jobs)
	if len(wrong) > 0 {
		return bridge.Config{}, &Error{Problems: wrong}
	}
	return out, nil
}

// Refused is an error of the library about what c has become, in the keys of c.
func (c *Config) Refused(err error) error {
	var b builder
	b.invalid(c, err)
	if len(b.wrong) == 0 {
		return err
	}
	return &Error{Problems: b.wrong}
}

func (c *Config) bridge(log, jobs *slog.Logger) (bridge.Config, []Problem) {
	b := builder{log: log, jobs: jobs, workers: c.Workers, common: c.Handler}
	out := bridge.Config{
		Brokers:         c.Kafka.Brokers,
		Group:           c.Kafka.Group,
		InstanceID:      c.Kafka.instanceID(),
		Assignors:       c.Kafka.Assignor,
		ReadUncommitted: c.Kafka.ReadUncommitted,
		SessionTimeout:  c.Kafka.SessionTimeout,
		Start:           c.Kafka.Start,
		OnExternalReset: c.Kafka.OnExternalReset,
		DataDir:         c.DataDir,
		Workers:         c.Workers,
		Rate:            c.Rate,
		Flush:           c.Flush,
		StopWithin:      negativeForZero(c.StopWithin),
		MaxCrashes:      negativeForZero(c.MaxCrashes),
		Budget:          bridge.Budget{Memory: c.Budget.Memory, Disk: c.Budget.Disk, MinFree: c.Budget.MinFree},
	}
	var err error
	if out.Sarama, err = c.Kafka.Sarama(); err != nil {
		b.invalid(c, err)
	}
	common := b.handler("handler", c.Handler)
	for _, t := range c.Topics {
		out.Topics = append(out.Topics, b.topic(t, common))
	}
	b.invalid(c, out.Validate())
	if c.local {
		b.wrong = slices.DeleteFunc(b.wrong, Problem.remote)
	}
	return out, b.wrong
}

// remote tells whether only who works with Kafka and a store has this problem.
func (p Problem) remote() bool { return strings.HasPrefix(p.Key, "kafka.") || p.Key == "data_dir" }

// builder makes handlers and collects what cannot be made.
type builder struct {
	log, jobs *slog.Logger
	workers   int
	common    *Handler // of topics without their own
	wrong     []Problem
}

func (b *builder) fail(key, reason string) {
	b.wrong = append(b.wrong, Problem{Key: key, Reason: reason})
}

// invalid reports what the library finds wrong with what it was given from c.
func (b *builder) invalid(c *Config, err error) {
	var invalid *bridge.ConfigError
	if errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			b.fail(c.keyOf(p.Field), inKeys.Replace(withoutPackage(errors.New(p.Reason))))
		}
	}
}

func (b *builder) topic(t *Topic, common bridge.Handler) bridge.Topic {
	out := bridge.Topic{
		Partitions:   t.Partitions,
		Handler:      common,
		Partitioner:  t.scheme(),
		Concurrency:  t.Concurrency,
		Rate:         t.Rate,
		Filter:       t.Filter.passes(),
		Expiry:       t.Expiry,
		Delay:        t.Delay,
		DelayHeader:  t.DelayHeader,
		OnlyLatest:   t.OnlyLatest,
		Produce:      b.produce(t, cmp.Or(t.Handler, b.common)),
		Timeout:      t.Timeout,
		Heartbeat:    t.Heartbeat,
		OnFailure:    t.OnFailure,
		DeadLetter:   t.DeadLetter.library(),
		RetryClasses: b.classes(t, cmp.Or(t.Handler, b.common)),
		Retry: bridge.Backoff{
			MaxAttempts: t.Retry.Attempts,
			First:       t.Retry.FirstDelay, Factor: t.Retry.Factor, Max: t.Retry.MaxDelay, Jitter: negativeForZero(t.Retry.Jitter),
		},
	}
	if pattern, ok := t.pattern(); ok {
		out.Match = pattern
	} else {
		out.Name = t.Name
	}
	switch {
	case t.Handler != nil:
		out.Handler = b.handler(t.key()+".handler", t.Handler)
	case common == nil:
		b.fail(t.key(), "has no handler; write one here, or at the top level for every topic")
		out.Handler = idle
	}
	return out
}

// idle takes the place of a handler that was reported, so that it is not
// reported again.
var idle = bridge.HandlerFunc(nil)

func (b *builder) handler(key string, h *Handler) bridge.Handler {
	switch {
	case h == nil:
		return nil
	case h.Exec != nil:
		made, err := h.Exec.handler(b.log)
		if err != nil {
			b.fail(key+".exec", withoutPackage(err))
			return idle
		}
		return made
	case h.HTTP != nil:
		made, err := h.HTTP.handler(b.workers)
		if err != nil {
			b.invalidHTTP(key+".http", err)
			return idle
		}
		return made
	case h.Log != nil:
		return logging.New(b.jobs)
	}
	return idle
}

// negativeForZero writes a configured zero as the library does, for which zero
// means the default.
func negativeForZero[T ~int | ~int64 | ~float64](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// The library names problems by its own fields; an operator knows the keys.
var (
	topicField = regexp.MustCompile(`^Topics\[(\d+)\]\.?(.*)$`)
	fieldKeys  = map[string]string{
		"Brokers": "kafka.brokers", "Group": "kafka.group", "InstanceID": "kafka.instance_id",
		"Assignors": "kafka.assignor", "SessionTimeout": "kafka.session_timeout", "Start": "kafka.start",
		"OnExternalReset": "kafka.on_external_reset", "DataDir": "data_dir", "Workers": "workers", "Rate": "rate",
		"Flush": "flush", "StopWithin": "stop_within", "MaxCrashes": "max_crashes", "Budget.Memory": "budget.memory",
		"Budget.Disk": "budget.disk", "Budget.MinFree": "budget.min_free", "Topics": "topics",
		"TLS.CAFile": "kafka.tls.ca_file", "TLS.CertFile": "kafka.tls.cert_file", "TLS.KeyFile": "kafka.tls.key_file",
		"SASL.Mechanism": "kafka.sasl.mechanism", "SASL.User": "kafka.sasl.user",
		"SASL.PasswordFile": "kafka.sasl.password_file", "SASL.TokenCommand": "kafka.sasl.token_command",
	}
	topicKeys = map[string]string{
		"Partitions": ".partitions", "Handler": ".handler", "Partitioner": ".partitioner",
		"Rate": ".rate", "Filter": ".filter", "Expiry": ".expire_after", "Delay": ".delay", "DelayHeader": ".delay_header", "OnlyLatest": ".only_latest",
		"Concurrency": ".concurrency", "Retry": ".retry", "Timeout": ".timeout", "Heartbeat": ".heartbeat",
		"RetryClasses": ".retry_classes",
		"OnFailure":    ".on_failure", "DeadLetter": ".dead_letter",
		"Produce": ".produce",
	}
	inKeys = strings.NewReplacer(
		"shorter than Expiry", "shorter than expire_after",
		"or set AllowLoop", "or set allow_loop: true",
		"name it as a topic, which goes before patterns", "leave out the "+patternMark+", an entry with a name goes before patterns",
		"patterns go into Match", "a pattern begins with "+patternMark,
		"a user needs a password", "write the password into a file and name that here, or set "+Variable("kafka.sasl.password"),
		"is set and so is Password", "is set and so is "+Variable("kafka.sasl.password"),
	)
)

func (c *Config) keyOf(field string) string {
	if m := topicField.FindStringSubmatch(field); m != nil {
		i, err := strconv.Atoi(m[1])
		if err != nil || i >= len(c.Topics) {
			return field
		}
		name, _, _ := strings.Cut(m[2], ".")
		name, _, _ = strings.Cut(name, "[")
		return c.Topics[i].key() + topicKeys[name]
	}
	name, _, _ := strings.Cut(field, "[")
	if key, ok := fieldKeys[name]; ok {
		return key
	}
	return fmt.Sprintf("(%s)", field)
}
