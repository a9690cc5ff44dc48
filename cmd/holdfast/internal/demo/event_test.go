package demo

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, b []byte) ([]event, error) {
	t.Helper()
	var got []event
	err := readEvents(bytes.NewReader(b), func(e ...event) { got = append(got, e...) })
	return got, err
}

func TestEventsAreReadAsTheyWereTold(t *testing.T) {
	t.Parallel()
	want := []event{start(3, 1<<40), {kind: finished, partition: 7, offset: 5, took: time.Minute}, disk(0, 0)}
	var b bytes.Buffer
	if err := writeTo(&b)(want...); err != nil {
		t.Fatal(err)
	}
	got, err := read(t, b.Bytes())
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" || err != nil {
		t.Errorf("error %v, events (-want +got):\n%s", err, diff)
	}
}

// A kill may cut the last event off; the ones before it count.
func TestEventThatIsCutOffIsLeftOut(t *testing.T) {
	t.Parallel()
	b := start(0, 1).append(nil)
	b = end(0, 1).append(b)
	for n := range eventSize {
		got, err := read(t, b[:eventSize+n])
		if err != nil || len(got) != 1 {
			t.Errorf("with %d bytes of the second: %v, error %v", n, got, err)
		}
	}
}

func TestNonsenseIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := read(t, []byte("what is this, it is no event")); err == nil {
		t.Error("no error")
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(start(0, 1).append(nil))
	f.Add([]byte("nonsense"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := newObserver(twoLanes(), time.Now)
		var back []byte
		_ = readEvents(bytes.NewReader(b), func(events ...event) {
			o.see(events...)
			for _, e := range events {
				back = e.append(back)
			}
		})
		if !bytes.HasPrefix(b, back) {
			t.Errorf("%x was read as %x", b, back)
		}
	})
}
