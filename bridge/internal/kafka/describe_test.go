package kafka_test

import (
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// away is a static member whose next process still finds its membership.
func away(t *testing.T, id string) func(*kafka.Config) {
	return func(cfg *kafka.Config) {
		cfg.Group, cfg.InstanceID, cfg.SessionTimeout = t.Name(), id, 30*time.Second
	}
}

// The coordinator gives a static member that comes back what it had, and does
// not look at what it subscribes to now.
func testMoreTopicsAfterARestart(t *testing.T, r *realKafka) {
	one, two := r.createAs(t, "one", 2), r.createAs(t, "two", 2)
	o := newOwner()
	stop := consume(t, r.dial(t, away(t, "a")), topics(one), o)
	o.take(t, 2)
	stop()
	o = newOwner()
	stop = consume(t, r.dial(t, away(t, "a")), topics(one, two), o)
	o.take(t, 4)
	stop()
	o = newOwner()
	consume(t, r.dial(t, away(t, "a")), topics(two), o)
	for name, h := range o.take(t, 2) {
		if h.Topic != two {
			t.Errorf("%s was taken", name)
		}
	}
}

func testMorePartitionsAfterARestart(t *testing.T, r *realKafka) {
	topic, o := r.create(t, 1), newOwner()
	stop := consume(t, r.dial(t, away(t, "a")), topics(topic), o)
	o.take(t, 1)
	stop()
	if err := r.admin(t).CreatePartitions(topic, 3, nil, false); err != nil {
		t.Fatal(err)
	}
	consume(t, r.dial(t, away(t, "a")), topics(topic), o)
	o.take(t, 3)
}

func testMoreTopicsAfterARestartBesideOthers(t *testing.T, r *realKafka) {
	one, two := r.createAs(t, "one", 4), r.createAs(t, "two", 4)
	others, o := newOwner(), newOwner()
	consume(t, r.dial(t, away(t, "b")), topics(one), others)
	kept := others.take(t, 4)
	stop := consume(t, r.dial(t, away(t, "a")), topics(one), o)
	for name := range o.take(t, 2) {
		delete(kept, name)
	}
	stop()
	o = newOwner()
	consume(t, r.dial(t, away(t, "a")), topics(one, two), o)
	o.take(t, 4)
	for _, h := range kept {
		h.owned(t)
	}
}
