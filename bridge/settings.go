package bridge

import (
	"fmt"
	"slices"
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

// with is the configuration with settings in place of its own. Those for which
// it has no entry wait for one that has.
func (c Config) with(settings []inspect.Setting) (set Config, left []inspect.Setting) {
	c.Topics = slices.Clone(c.Topics)
	for _, s := range settings {
		k, ok := c.knob(s.Topic, s.Name)
		if !ok || s.Value == nil {
			left = append(left, s)
			continue
		}
		k.set(*s.Value)
	}
	return c, left
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

// adopt makes the bridge go by settings in place of its configuration.
func (b *Bridge) adopt(settings []inspect.Setting) error {
	b.routing.Lock()
	defer b.routing.Unlock()
	set, _ := b.declared.with(settings)
	for _, s := range settings {
		if s.Name == "workers" && *s.Value == 0 { // in a configuration that is the default
			set.Workers = 1
		}
	}
	if err := set.Validate(); err != nil {
		return fmt.Errorf("with these settings: %w", err)
	}
	b.settings = slices.Clone(settings)
	b.follow()
	return nil
}

// follow puts the configuration, with the settings, in force. It needs routing.
func (b *Bridge) follow() {
	before := b.live.Workers
	b.live, _ = b.declared.with(b.settings)
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
	for _, text := range strange {
		r.log.Warn("a stored setting cannot be used; the configuration counts", "setting", text)
	}
	_, left := r.declared.with(settings)
	for _, s := range left {
		r.log.Warn("a stored setting has no entry in the configuration", "setting", s.String(), "remedy", "holdfast set --unset")
	}
	if err := r.adopt(settings); err != nil {
		r.log.Error("the stored settings do not go with the configuration, which counts alone", "error", err)
		return
	}
	for _, s := range settings {
		r.log.Info("a stored setting goes before the configuration", "setting", s.String(), "value", *s.Value, "since", s.Since)
	}
}
