package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// knob is a number of a configuration that an operator can set.
type knob struct {
	get func() float64
	set func(float64)
}

func countKnob(of *int) knob {
	return knob{func() float64 { return float64(*of) }, func(v float64) { *of = int(v) }}
}

func bytesKnob(of *int64) knob {
	return knob{func() float64 { return float64(*of) }, func(v float64) { *of = int64(v) }}
}

func rateKnob(of *float64) knob {
	return knob{func() float64 { return *of }, func(v float64) { *of = v }}
}

func timeKnob(of *time.Duration) knob {
	return knob{of.Seconds, func(v float64) { *of = time.Duration(v * float64(time.Second)) }}
}

// knobs are those of a configuration as a whole, by the names of settings.
func (c *Config) knobs() map[string]knob {
	return map[string]knob{
		"workers":     countKnob(&c.Workers),
		"rate":        rateKnob(&c.Rate),
		"stop_within": timeKnob(&c.StopWithin),
	}
}

func (t *Topic) knobs() map[string]knob {
	return map[string]knob{
		"rate":                   rateKnob(&t.Rate),
		"concurrency":            countKnob(&t.Concurrency),
		"timeout":                timeKnob(&t.Timeout),
		"heartbeat":              timeKnob(&t.Heartbeat),
		"delay":                  timeKnob(&t.Delay),
		"expire_after":           timeKnob(&t.Expiry),
		"dead_letter.keep":       timeKnob(&t.DeadLetter.Keep),
		"dead_letter.keep_bytes": bytesKnob(&t.DeadLetter.KeepBytes),
	}
}

// knob finds what a setting is of.
func (c *Config) knob(topic, name string) (knob, bool) {
	if topic == "" {
		k, ok := c.knobs()[name]
		return k, ok
	}
	at := c.entry(topic)
	if at < 0 {
		return knob{}, false
	}
	k, ok := c.Topics[at].knobs()[name]
	return k, ok
}

// with is the configuration with a setting in place of its own.
func (c Config) with(s inspect.Setting) (Config, error) {
	c.Topics = slices.Clone(c.Topics)
	k, ok := c.knob(s.Topic, s.Name)
	switch {
	case !ok:
		return c, fmt.Errorf("the configuration has no entry %s", s.Topic)
	case s.Value == nil:
		return c, errors.New("it has no value")
	}
	k.set(*s.Value)
	err := c.Validate()
	if wrong := new(ConfigError); errors.As(err, &wrong) {
		reasons := make([]string, len(wrong.Problems))
		for i, p := range wrong.Problems {
			reasons[i] = p.Reason
		}
		err = errors.New(strings.Join(reasons, "; "))
	}
	return c, err
}

// fit puts settings in place of what the configuration says, as far as they go
// with it and with each other, the first ones first. problems are, by their
// index, why the others are not in force.
func (c Config) fit(settings []inspect.Setting) (set Config, problems []string) {
	problems = make([]string, len(settings))
	left := make([]int, len(settings))
	for i := range left {
		left[i] = i
	}
	for before := -1; len(left) != before; { // one may need another that comes later
		before = len(left)
		left = slices.DeleteFunc(left, func(i int) bool {
			next, err := c.with(settings[i])
			if err != nil {
				problems[i] = err.Error()
				return false
			}
			c, problems[i] = next, ""
			return true
		})
	}
	return c, problems
}

// entryOf names the entry of the configuration that a topic goes by; an entry,
// also a pattern, goes by itself.
func (b *Bridge) entryOf(topic string) (string, bool) {
	if b.cfg.entry(topic) >= 0 {
		return topic, true
	}
	to, err := b.routes.find(topic)
	if err != nil {
		return "", false
	}
	return to.selector, true
}

// settingOf is the configuration's own value.
func (b *Bridge) settingOf(topic, name string) (float64, bool) {
	b.routing.Lock()
	defer b.routing.Unlock()
	k, ok := b.declared.knob(topic, name)
	if !ok {
		return 0, false
	}
	return k.get(), true
}

// adopt makes the bridge go by settings in place of its configuration, but for
// those that do not go with it.
func (b *Bridge) adopt(settings []inspect.Setting) {
	b.routing.Lock()
	defer b.routing.Unlock()
	b.settings = slices.Clone(settings)
	b.follow()
}

// unfit tells of settings, by their index, why they are not in force.
func (b *Bridge) unfit(settings []inspect.Setting) []string {
	b.routing.Lock()
	defer b.routing.Unlock()
	_, problems := b.declared.fit(settings)
	return problems
}

// follow puts the configuration, with the settings, in force. It needs routing.
func (b *Bridge) follow() {
	before := b.live.Workers
	set, problems := b.declared.fit(b.settings)
	b.live = set
	for i, s := range b.settings {
		if problems[i] != "" {
			b.cfg.Logger.Warn("a stored setting is not in force; the configuration counts", "setting", s.String(), "value", *s.Value, "reason", problems[i], "remedy", s.Unset())
		}
	}
	for i := range b.live.Topics {
		b.routes.set(b.live.Topics[i].selector(), b.live.Topics[i].settings())
	}
	if b.live.Workers != before { // else it is what SetWorkers has made it
		b.pool.resize(b.live.Workers)
	}
	b.stopWithin.Store(int64(b.live.StopWithin))
	if r := b.active.Load(); r != nil {
		r.reroute()
	}
}

// recall adopts what operators have set before.
func (r *run) recall() {
	settings, strange := inspect.StoredSettings(r.store)
	for _, s := range strange {
		r.log.Warn("a stored setting cannot be used; the configuration counts", "setting", s.String(), "reason", s.Problem)
	}
	r.adopt(settings)
	for i, problem := range r.unfit(settings) {
		if s := settings[i]; problem == "" {
			r.log.Info("a stored setting goes before the configuration", "setting", s.String(), "value", *s.Value, "since", s.Since)
		}
	}
}
