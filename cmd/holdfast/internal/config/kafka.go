package config

import (
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Kafka says which records are consumed, and as whom.
type Kafka struct {
	Brokers         []string
	Group           string
	InstanceID      string // auto, none or a name
	SessionTimeout  time.Duration
	Assignor        []string
	ReadUncommitted bool
	Start           bridge.Start
	OnExternalReset bridge.ExternalReset
	Security
}

const (
	instanceAuto = "auto" // named by the store
	instanceNone = "none" // a dynamic member
)

func defaultKafka() Kafka {
	return Kafka{InstanceID: instanceAuto, SessionTimeout: time.Minute, Assignor: []string{"cooperative-sticky"}}
}

func (k *Kafka) fields() fields {
	return fields{
		{"brokers", commas(&k.Brokers, text)},
		{"group", one(&k.Group, text)},
		{"instance_id", one(&k.InstanceID, text)},
		{"session_timeout", one(&k.SessionTimeout, duration(time.Second))},
		{"assignor", commas(&k.Assignor, words("cooperative-sticky", "range"))},
		{"isolation", one(&k.ReadUncommitted, choice(word[bool]{"read_committed", false}, word[bool]{"read_uncommitted", true}))},
		{"start", one(&k.Start, start)},
		{"on_external_reset", one(&k.OnExternalReset, choice(
			word[bridge.ExternalReset]{"stop", bridge.ResetStop}, word[bridge.ExternalReset]{"follow", bridge.ResetFollow}))},
		{"tls", demanded(&k.TLS, newTLS)},
		{"sasl", demanded(&k.SASL, newSASL)},
	}
}

// start is where a partition without a committed offset begins.
var start = kind[bridge.Start]{
	parse: func(s string) (bridge.Start, error) {
		switch s {
		case "oldest":
			return bridge.Start{}, nil
		case "newest":
			return bridge.Start{Newest: true}, nil
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil || t.IsZero() {
			return bridge.Start{}, fmt.Errorf("%q is unknown; use oldest, newest or a time as 2026-01-31T08:00:00Z", s)
		}
		return bridge.Start{Time: t}, nil
	},
	format: func(s bridge.Start) string {
		switch {
		case s.Newest:
			return "newest"
		case !s.Time.IsZero():
			return s.Time.Format(time.RFC3339Nano)
		}
		return "oldest"
	},
}

// instanceID is the member id as the bridge wants it.
func (k *Kafka) instanceID() string {
	switch k.InstanceID {
	case instanceAuto:
		return ""
	case instanceNone:
		return bridge.Dynamic
	}
	return k.InstanceID
}
