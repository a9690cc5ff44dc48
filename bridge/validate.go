package bridge

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// Problem is one thing wrong with a [Config].
type Problem struct {
	Field  string // for example Topics[1].Match
	Reason string // what is wrong and the remedy
}

func (p Problem) String() string { return p.Field + ": " + p.Reason }

// ConfigError lists everything wrong with a [Config].
type ConfigError struct{ Problems []Problem }

func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return "configuration: " + strings.Join(lines, "; ")
}

// Validate returns a [*ConfigError] with every problem of c, or nil. It opens
// nothing.
func (c Config) Validate() error {
	var v validator
	v.kafka(c)
	v.work(c)
	v.topics(c)
	return v.err()
}

// validateWork is Validate for what says how jobs are run, and nothing else.
func (c Config) validateWork() error {
	var v validator
	v.topics(c)
	return v.err()
}

// validator collects problems.
type validator struct{ problems []Problem }

func (v *validator) err() error {
	if len(v.problems) == 0 {
		return nil
	}
	return &ConfigError{Problems: v.problems}
}

func (v *validator) add(field, format string, args ...any) {
	v.problems = append(v.problems, Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// notNegative reports the named fields that are below zero.
func (v *validator) notNegative(fields ...field) {
	for _, f := range fields {
		if f.value < 0 {
			v.add(f.name, "is negative; leave it out for the default")
		}
	}
}

type field struct {
	name  string
	value int64
}

func (v *validator) kafka(c Config) {
	if len(c.Brokers) == 0 {
		v.add("Brokers", "is empty; name at least one broker as host:port")
	}
	for i, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			v.add(fmt.Sprintf("Brokers[%d]", i), "%q is not host:port", b)
		}
	}
	if c.Group == "" {
		v.add("Group", "is empty; name the consumer group")
	}
	for i, a := range c.Assignors {
		if a != assignorSticky && a != assignorRange {
			v.add(fmt.Sprintf("Assignors[%d]", i), "%q is unknown; use %s or %s", a, assignorSticky, assignorRange)
		}
		if slices.Index(c.Assignors, a) < i {
			v.add(fmt.Sprintf("Assignors[%d]", i), "%q is listed twice", a)
		}
	}
	v.notNegative(
		field{"SessionTimeout", int64(c.SessionTimeout)},
		field{"RebalanceTimeout", int64(c.RebalanceTimeout)},
	)
	if d := c.withDefaults(); c.RebalanceTimeout >= 0 && d.RebalanceTimeout < shortestRebalance(d.SessionTimeout) {
		v.add("RebalanceTimeout", "%v leaves no time to let go of a partition; make it at least %v, or SessionTimeout shorter",
			d.RebalanceTimeout, shortestRebalance(d.SessionTimeout))
	}
	if c.Start.Newest && !c.Start.Time.IsZero() {
		v.add("Start", "has both Newest and Time; choose one")
	}
	if c.OnExternalReset > ResetFollow {
		v.add("OnExternalReset", "%d is unknown; use ResetStop or ResetFollow", c.OnExternalReset)
	}
}

// shortestRebalance is three heartbeats: the news of a rebalance and the last
// commit take two.
func shortestRebalance(session time.Duration) time.Duration {
	return 3 * min(3*time.Second, session/3)
}

func (v *validator) work(c Config) {
	if c.DataDir == "" {
		v.add("DataDir", "is empty; name a directory on a local disk")
	}
	v.notNegative(
		field{"Workers", int64(c.Workers)},
		field{"Flush", int64(c.Flush)},
		field{"CommitEvery", int64(c.CommitEvery)},
		field{"Budget.Memory", c.Budget.Memory},
		field{"Budget.Disk", c.Budget.Disk},
		field{"Budget.MinFree", c.Budget.MinFree},
	)
	if c.Workers > inspect.MaxWorkers {
		v.add("Workers", "%d are too many; use at most %d", c.Workers, inspect.MaxWorkers)
	}
	v.rate("Rate", c.Rate)
	if s := c.withDefaults(); s.Flush > s.CommitEvery && c.Flush > 0 {
		v.add("Flush", "%v is longer than CommitEvery (%v); offsets follow flushes", s.Flush, s.CommitEvery)
	}
}

func (v *validator) topics(c Config) {
	if slices.ContainsFunc(c.Use, func(m Middleware) bool { return m == nil }) {
		v.add("Use", "has a nil middleware; remove it")
	}
	if len(c.Topics) == 0 {
		v.add("Topics", "is empty; name at least one topic")
	}
	seen := make(map[string]int, len(c.Topics))
	for i, t := range c.Topics {
		at := fmt.Sprintf("Topics[%d]", i)
		v.topic(at, t)
		v.produce(at+".Produce", t.Produce, c.Topics)
		v.deadTopic(at+".DeadLetter", t.DeadLetter, c.Topics)
		selector := t.Name + "\x00" + t.Match
		if first, twice := seen[selector]; twice && selector != "\x00" {
			v.add(at, "names the same topic as Topics[%d]; merge them", first)
			continue
		}
		seen[selector] = i
	}
	v.ambiguous(c.Topics)
}

// ambiguous reports patterns for one topic that another pattern matches as well.
// Of other patterns only a topic can tell.
func (v *validator) ambiguous(topics []Topic) {
	for i, t := range topics {
		name := onlyName(t.Match)
		if name == "" || slices.ContainsFunc(topics, func(other Topic) bool { return other.Name == name }) {
			continue
		}
		for j, other := range topics {
			if j == i || other.Match == "" || other.Match == t.Match {
				continue // the same pattern is reported as such
			}
			if expr, err := wholeName(other.Match); err == nil && expr.MatchString(name) {
				v.add(fmt.Sprintf("Topics[%d].Match", i), "is for the topic %s alone, which %s matches, too; name it as a topic, which goes before patterns", name, other.selector())
				break
			}
		}
	}
}

// onlyName is the one name that a pattern matches; empty: it may match others.
func onlyName(match string) string {
	expr, err := regexp.Compile(strings.TrimSuffix(strings.TrimPrefix(match, "^"), "$"))
	if err != nil {
		return ""
	}
	name, alone := expr.LiteralPrefix()
	if !alone {
		return ""
	}
	return name
}

func (v *validator) topic(at string, t Topic) {
	switch {
	case t.Name == "" && t.Match == "":
		v.add(at, "has neither Name nor Match; set one")
	case t.Name != "" && t.Match != "":
		v.add(at, "has both Name (%s) and Match (%s); set one", t.Name, t.Match)
	}
	if t.Name != "" && !validTopicName(t.Name) {
		v.add(at+".Name", "%q cannot be a Kafka topic: 1 to 249 of letters, digits, '.', '_' and '-'; patterns go into Match", t.Name)
	}
	_, alone := regexp.Compile(t.Match)
	_, whole := wholeName(t.Match) // \Q would go on behind it
	if err := cmp.Or(alone, whole); err != nil {
		v.add(at+".Match", "is not a regular expression: %v", err)
	}
	switch {
	case t.Batch != nil:
		v.batch(at, t)
	case t.Handler == nil:
		v.add(at+".Handler", "is nil; every topic needs a handler")
	}
	if err := t.Partitioner.Validate(); err != nil {
		v.add(at+".Partitioner", "%v", err)
	}
	v.partitions(at, t)
	v.intake(at, t)
	v.notNegative(
		field{at + ".Concurrency", int64(t.Concurrency)},
		field{at + ".Timeout", int64(t.Timeout)},
		field{at + ".Heartbeat", int64(t.Heartbeat)},
	)
	if b, ok := t.Retry.(Backoff); ok {
		v.backoff(at+".Retry", b)
	}
	for i, c := range t.RetryClasses {
		v.class(fmt.Sprintf("%s.RetryClasses[%d]", at, i), c)
	}
	v.onFailure(at, t)
}

func (v *validator) class(at string, c Class) {
	if c.Match == nil {
		v.add(at+".Match", "is nil; say which errors are meant")
	}
	if c.Do > DoSnooze {
		v.add(at+".Do", "%d is unknown; use one of DoRetry to DoSnooze", c.Do)
	}
	v.notNegative(field{at + ".Delay", int64(c.Delay)})
	if c.Delay > 0 && c.Do != DoRetryAfter && c.Do != DoSnooze {
		v.add(at+".Delay", "is for DoRetryAfter and DoSnooze; remove it")
	}
}

func (v *validator) onFailure(at string, t Topic) {
	if t.OnFailure > ParkLane {
		v.add(at+".OnFailure", "%d is unknown; use Block, BuryJob or ParkLane", t.OnFailure)
	}
	if t.OnFailure == ParkLane && t.Partitioner.Ordering != partitioner.OrderKey {
		v.add(at+".OnFailure", "park sets a key aside, and ordering %s has none; use block or bury, or ordering key", t.Partitioner.Ordering)
	}
	guard := t.DeadLetter.Guard
	v.notNegative(
		field{at + ".DeadLetter.Keep", int64(t.DeadLetter.Keep)},
		field{at + ".DeadLetter.KeepBytes", t.DeadLetter.KeepBytes},
		field{at + ".DeadLetter.Guard.Successes", int64(guard.Successes)},
		field{at + ".DeadLetter.Guard.Every", int64(guard.Every)},
	)
}

// intake is about which jobs there are, and when they may run.
func (v *validator) intake(at string, t Topic) {
	v.notNegative(field{at + ".Expiry", int64(t.Expiry)}, field{at + ".Delay", int64(t.Delay)})
	v.rate(at+".Rate", t.Rate)
	if t.Expiry > 0 && t.Delay >= t.Expiry {
		v.add(at+".Delay", "%v is not shorter than Expiry (%v): every job would expire before it may run", t.Delay, t.Expiry)
	}
	if t.OnlyLatest && t.Partitioner.Ordering != partitioner.OrderKey {
		v.add(at+".OnlyLatest", "needs an ordering by key: with ordering %v a newer job says nothing about older ones", t.Partitioner.Ordering)
	}
}

func (v *validator) rate(name string, perSecond float64) {
	if !(perSecond >= 0) || math.IsInf(perSecond, 1) {
		v.add(name, "%v is no number of runs per second; leave it out for no limit", perSecond)
	}
}

func (v *validator) batch(at string, t Topic) {
	if t.Handler != nil {
		v.add(at+".Batch", "is set and so is Handler; choose one")
	}
	if t.Batch.Handler == nil {
		v.add(at+".Batch.Handler", "is nil; every topic needs a handler")
	}
	if t.Batch.Max < 2 {
		v.add(at+".Batch.Max", "%d makes no batches; use at least 2, or a Handler", t.Batch.Max)
	}
	v.notNegative(field{at + ".Batch.Wait", int64(t.Batch.Wait)})
	if t.Produce != (Produce{}) {
		v.add(at+".Produce", "is set, and jobs of a Batch cannot produce records; remove it, or use a Handler")
	}
	if t.Partitioner.Ordering == partitioner.OrderNone {
		v.add(at+".Batch", "needs lanes of more than one record; the ordering none has no such")
	}
}

func (v *validator) partitions(at string, t Topic) {
	if len(t.Partitions) > 0 && t.Match != "" {
		v.add(at+".Partitions", "needs a topic's Name, not a pattern")
	}
	for i, p := range t.Partitions {
		if p < 0 {
			v.add(at+".Partitions", "%d is negative", p)
		}
		if slices.Index(t.Partitions, p) < i {
			v.add(at+".Partitions", "%d is listed twice", p)
		}
	}
}

func (v *validator) backoff(at string, b Backoff) {
	v.notNegative(
		field{at + ".First", int64(b.First)},
		field{at + ".Max", int64(b.Max)},
		field{at + ".MaxAttempts", int64(b.MaxAttempts)},
	)
	d := b.withDefaults()
	if d.Factor < 1 {
		v.add(at+".Factor", "%v is below 1; delays must not shrink", b.Factor)
	}
	if d.Jitter > 1 {
		v.add(at+".Jitter", "%v is above 1; it is a share of the delay", b.Jitter)
	}
	if d.First > d.Max {
		v.add(at+".First", "%v is longer than Max (%v)", d.First, d.Max)
	}
}

// validTopicName follows Kafka's own rule.
func validTopicName(s string) bool {
	if len(s) > 249 || s == "." || s == ".." {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	})
}
