package bridge

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Applied is what [Bridge.Apply] did, by the names of fields as in [Problem].
type Applied struct {
	Changed []string // in force now
	Restart []string // differ too, and are as before until the next start
}

// Apply makes a running bridge work by the settings of cfg, as far as that needs
// no restart: Workers, Rate, StopWithin, and of each topic Concurrency, Rate,
// Retry, RetryClasses, OnFailure, Timeout, Heartbeat, Delay, DelayHeader and Expiry. Jobs that run are
// left alone; the next one goes by the new settings. Pauses, and the handlers
// and other functions of the bridge, stay as they are: whether these differ is
// not looked at. What an operator has set goes before cfg.
//
// An error is the [*ConfigError] of cfg, or of what it would make together with
// what stays until the next start, and nothing was changed. Apply is safe for
// concurrent use, at any time.
func (b *Bridge) Apply(cfg Config) (Applied, error) {
	if err := cfg.Validate(); err != nil {
		return Applied{}, err
	}
	cfg = cfg.withDefaults()
	b.routing.Lock()
	defer b.routing.Unlock()
	if err := b.declared.validateWith(cfg); err != nil {
		return Applied{}, err
	}
	var a Applied
	a.compare("", reflect.ValueOf(b.declared), reflect.ValueOf(cfg), liveFields)
	for i := range b.declared.Topics {
		old := &b.declared.Topics[i]
		at := cfg.entry(old.selector())
		if at < 0 {
			a.Restart = append(a.Restart, fmt.Sprintf("Topics: %s is missing", old.selector()))
			continue
		}
		a.compareTopic(fmt.Sprintf("Topics[%d].", at), *old, cfg.Topics[at])
		copyFields(old, &cfg.Topics[at], liveTopicFields)
	}
	for i, t := range cfg.Topics {
		if b.declared.entry(t.selector()) < 0 {
			a.Restart = append(a.Restart, fmt.Sprintf("Topics[%d]", i))
		}
	}
	copyFields(&b.declared, &cfg, liveFields)
	b.follow()
	return a, nil
}

// validateWith is about c with what can change while jobs run from next.
func (c Config) validateWith(next Config) error {
	var v validator
	for _, mixed := range c.Topics {
		at := next.entry(mixed.selector())
		if at < 0 {
			continue
		}
		copyFields(&mixed, &next.Topics[at], liveTopicFields)
		v.topic(fmt.Sprintf("Topics[%d]", at), mixed)
	}
	for i := range v.problems {
		v.problems[i].Reason += " (of what stays as it is until the next start: restart to change both)"
	}
	return v.err()
}

// entry is the index of the topic with that selector; -1: there is none.
func (c Config) entry(selector string) int {
	return slices.IndexFunc(c.Topics, func(t Topic) bool { return t.selector() == selector })
}

// What can change while jobs run; of a topic, that is its settings.
var (
	liveFields      = []string{"Workers", "Rate", "StopWithin"}
	liveTopicFields = []string{"Concurrency", "Rate", "Retry", "RetryClasses", "OnFailure", "Timeout", "Heartbeat", "Delay", "DelayHeader", "Expiry"}
)

// Of two functions nobody can tell whether they are the same.
var unlooked = []string{"Topics", "Sarama", "Use", "Hooks", "Logger", "Verify", "Clock", "Handler", "Batch", "RetryClasses", "Filter", "Partitioner"}

// compare notes the fields in which two values of a struct differ.
func (a *Applied) compare(prefix string, old, new reflect.Value, live []string) {
	for i := range old.NumField() {
		name := old.Type().Field(i).Name
		if slices.Contains(unlooked, name) || reflect.DeepEqual(old.Field(i).Interface(), new.Field(i).Interface()) {
			continue
		}
		if slices.Contains(live, name) {
			a.Changed = append(a.Changed, prefix+name)
		} else {
			a.Restart = append(a.Restart, prefix+name)
		}
	}
}

func (a *Applied) compareTopic(prefix string, old, new Topic) {
	a.compare(prefix, reflect.ValueOf(old), reflect.ValueOf(new), liveTopicFields)
	if old.Partitioner.Fingerprint() != new.Partitioner.Fingerprint() {
		a.Restart = append(a.Restart, prefix+"Partitioner")
	}
}

// copyFields sets the named fields of dst as in src.
func copyFields[T any](dst, src *T, names []string) {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for _, name := range names {
		to.FieldByName(name).Set(from.FieldByName(name))
	}
}

// begin lets Apply reach the run.
func (r *run) begin() {
	r.routing.Lock()
	defer r.routing.Unlock()
	r.store.LimitRate(r.live.Rate)
	r.active.Store(r)
}

// reroute makes all partitions go by the routes in force. It needs routing.
func (r *run) reroute() {
	r.store.LimitRate(r.live.Rate)
	r.parts.each(func(p *partition) {
		if to, err := r.routes.find(p.topic); err == nil { // it was found when the partition was taken
			p.reroute(to, r.guardOf(p.topic, to))
			r.limit(p.topic, to)
		}
	})
}

// limit tells the store the bounds of a topic.
func (r *run) limit(topic string, to *route) {
	r.store.LimitTopic(topic, to.concurrency)
	if to.batch != nil {
		r.store.BatchTopic(topic, to.batch.Max, to.batch.Wait)
	}
	r.store.LimitTopicRate(topic, to.rate)
}

// take makes a partition known under the route of its topic. A partition of a
// topic with a fixed list is not taken where the group assigns it too.
func (r *run) take(tp queue.TopicPartition, fixed bool) (*partition, *route, error) {
	r.routing.Lock()
	defer r.routing.Unlock()
	to, err := r.routes.find(tp.Topic)
	switch {
	case err != nil:
		return nil, nil, err
	case to.fixed != fixed:
		return nil, nil, errNotOurs
	}
	r.limit(tp.Topic, to)
	return r.parts.add(tp, to, r.guardOf(tp.Topic, to)), to, nil
}
