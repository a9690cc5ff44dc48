package bridge

import (
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// The stamp of the owner before still tells of a pause that an operator ends
// here while Kafka is asked.
func TestAResumeStandsAgainstWhatAnotherStoreTellsOfThePause(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, Topic{Handler: doNothing}, nil)
	scope := func(lane uint64) queue.Scope { return queue.Scope{Topic: "orders", OfLane: true, Lane: lane} }
	for _, lane := range []uint64{1, 2} {
		if _, err := d.store.Pause(queue.Pause{Scope: scope(lane), Reason: "why"}); err != nil {
			t.Fatal(err)
		}
	}
	o := &ownership{
		run: d.run, claim: &kafka.Claim{Topic: "orders"}, stored: d.stored,
		paused: d.store.Pauses(),
		aside:  &recovery.Aside{Store: "other", Paused: []recovery.Paused{{Lane: 1}, {Lane: 2}, {Lane: 3}}},
	}
	if resumed, err := d.store.Resume(scope(1)); err != nil || !resumed {
		t.Fatal(resumed, err)
	}
	if err := o.heed(); err != nil {
		t.Fatal(err)
	}
	pauses := d.store.Pauses()
	if len(pauses) != 2 || pauses[0].Lane != 2 || pauses[0].Reason != "why" || pauses[1].Lane != 3 {
		t.Errorf("paused are %+v, want lane 2 as it was and lane 3", pauses)
	}
}
