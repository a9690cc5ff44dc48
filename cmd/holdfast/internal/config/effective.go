package config

import (
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Effective puts what operators have set, and what is in force of it, in place
// of what the file says. It returns the settings for which the file has no entry.
func (c *Config) Effective(settings []inspect.Setting) (left []inspect.Setting) {
	topics := make(map[string]*Topic)
	for _, t := range c.Topics {
		topics[t.Name] = t
	}
	for _, s := range settings {
		switch t := topics[s.Topic]; {
		case s.Value == nil, s.Problem != "":
		case s.Topic == "":
			c.put(s.Name, *s.Value)
		case t != nil:
			t.put(s.Name, *s.Value)
		default:
			left = append(left, s)
		}
	}
	return left
}

func (c *Config) put(name string, value float64) {
	switch name {
	case "workers":
		c.Workers = int(value)
	case "rate":
		c.Rate = value
	case "stop_within":
		c.StopWithin = seconds(value)
	}
}

func (t *Topic) put(name string, value float64) {
	switch name {
	case "rate":
		t.Rate = value
	case "concurrency":
		t.Concurrency = int(value)
	case "timeout":
		t.Timeout = seconds(value)
	case "heartbeat":
		t.Heartbeat = seconds(value)
	case "delay":
		t.Delay = seconds(value)
	case "expire_after":
		t.Expiry = seconds(value)
	case "dead_letter.keep":
		t.DeadLetter.Keep = seconds(value)
	case "dead_letter.keep_bytes":
		t.DeadLetter.KeepBytes = int64(value)
	}
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
