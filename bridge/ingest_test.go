package bridge

import (
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// valve is a stream that delivers nothing.
type valve struct {
	stream
	closed bool
}

func (v *valve) Pause()  { v.closed = true }
func (v *valve) Resume() { v.closed = false }

func (d *desk) newReader(s stream, next int64) *reader {
	return newReader(&ownership{run: d.run, claim: &kafka.Claim{}, stored: d.stored}, s, next)
}

// However a reader came to pause, it soon asks whether there is room again.
func TestPausedReaderLooksForRoom(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, Topic{Handler: doNothing}, nil)
	v := &valve{}
	r := d.newReader(v, 0)
	r.look.Reset(time.Hour)
	d.add(t, 20_000, func(offset int) int { return offset })
	r.throttle()
	if !v.closed {
		t.Fatal("fetching goes on with a full window")
	}
	select {
	case <-r.look.C:
	case <-time.After(time.Minute):
		t.Fatal("nothing makes the reader look for room")
	}
	d.start(t)
	for v.closed {
		time.Sleep(roomCheck)
		r.throttle()
	}
}
