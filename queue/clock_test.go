package queue

import (
	"testing"
	"time"
)

// A clock that was set back while nothing ran delays a retry by its own delay
// at most, not by as much as the clock was wrong.
func TestAClockThatWasSetBackDelaysNoLongerThanTheDelay(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Minute)}, r.take(1)...)
	r.sync()
	r.must(r.Close())

	r.clock.advance(-24 * time.Hour)
	r.open()
	r.attach(orders)
	r.nothingStarts()
	r.clock.advance(time.Minute)
	r.wantTaken(0)
}
