package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// outcast gives up jobs of one key until it is freed, and notes in which order
// they were done, at which bridge.
type outcast struct {
	free atomic.Bool

	mu   sync.Mutex
	runs map[int64]int      // of the key
	done map[string][]int64 // of the key, by bridge
	rest map[int64]int      // runs of other keys
}

func newOutcast() *outcast {
	return &outcast{runs: map[int64]int{}, done: map[string][]int64{}, rest: map[int64]int{}}
}

func (o *outcast) at(owner string) bridge.Handler {
	return bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if string(job.Key) != "bad" {
			o.rest[job.Offset]++
			return nil
		}
		o.runs[job.Offset]++
		if !o.free.Load() {
			return bridge.Bury(errors.New("no such customer"))
		}
		o.done[owner] = append(o.done[owner], job.Offset)
		return nil
	})
}

func (o *outcast) doneAt(owner string) []int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.done[owner])
}

// parking is a bridge of its own store, which parks lanes and leaves when it stops.
func parking(t *testing.T, broker *bridgetest.Broker, o *outcast, owner string) bridge.Config {
	t.Helper()
	cfg := leaving(t, broker, o.at(owner))
	cfg.Topics[0].OnFailure = bridge.ParkLane
	return cfg
}

// outcasts produces records of the key, each followed by one of another key, and
// returns their offsets from the given one on.
func outcasts(t *testing.T, broker *bridgetest.Broker, from int64, n int) (offsets []int64) {
	t.Helper()
	records := make([]bridgetest.Record, 0, 2*n)
	for i := range n {
		offsets = append(offsets, from+int64(2*i))
		records = append(records, bridgetest.Record{Key: []byte("bad")}, bridgetest.Record{Key: []byte(strconv.Itoa(i % 7))})
	}
	broker.Produce(t, "orders", records...)
	return offsets
}

func parkedAt(t *testing.T, b *running) (lanes []inspect.ParkedLane) {
	t.Helper()
	<-b.Ready()
	for lane, err := range b.Inspector().Parked(t.Context(), inspect.Query{Topic: "orders"}) {
		if err != nil {
			t.Fatal(err)
		}
		lanes = append(lanes, lane)
	}
	return lanes
}

// wantParked compares the only parked lane, once its partition is here and what
// the owner before has told of it was taken over.
func wantParked(t *testing.T, b *running, jobs int, elsewhere ...string) {
	t.Helper()
	var lanes []inspect.ParkedLane
	eventually(t, fmt.Sprintf("a parked lane is held, with the rest at %v", elsewhere), func() bool {
		lanes = parkedAt(t, b)
		return len(lanes) == 1 && lanes[0].Held && slices.Equal(lanes[0].Elsewhere, elsewhere)
	})
	if l := lanes[0]; l.Lane != "bad" || l.Jobs != int64(jobs) {
		t.Fatalf("parked is %+v, want %d jobs", l, jobs)
	}
}

func release(t *testing.T, b *running) {
	t.Helper()
	plan, err := b.Inspector().Plan(t.Context(), inspect.Command{Verb: inspect.Release, Select: inspect.Query{Topic: "orders", Key: []byte("bad")}})
	if err != nil {
		t.Fatal(err)
	}
	op, err := b.Inspector().Execute(t.Context(), plan)
	if err != nil || len(op.Lanes) != 1 {
		t.Fatalf("release %+v: %+v, %v", plan, op, err)
	}
}

// storeOf is the id of the store that has committed last.
func storeOf(t *testing.T, broker *bridgetest.Broker) string {
	t.Helper()
	stamp, err := recovery.DecodeStamp(broker.Committed("billing", "orders")[0].Metadata)
	if err != nil {
		t.Fatal(err)
	}
	return stamp.StoreID
}

// TestAParkedKeyWaitsOverRestartsAndMoves: its records are kept, at the bridge
// that got them, until each bridge releases its own part.
func TestAParkedKeyWaitsOverRestartsAndMoves(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOutcast()
	first, second := parking(t, broker, o, "x"), parking(t, broker, o, "y")
	at := int64(0)
	more := func(n int) []int64 {
		offsets := outcasts(t, broker, at, n)
		at += int64(2 * n)
		broker.WaitCommitted(t, "billing", "orders") // the frontier goes on
		return offsets
	}

	x := start(t, first)
	inX := more(500)
	wantParked(t, x, 500)
	storeX := storeOf(t, broker)
	x.mustStop(t)
	x = start(t, first)
	inX = append(inX, more(500)...)
	wantParked(t, x, 1000)
	if op, err := x.Inspector().Plan(t.Context(), inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders", States: []inspect.State{inspect.Parked}}}); err != nil || len(op.Jobs) > 0 {
		t.Errorf("skip of parked jobs: %+v, %v", op.Jobs, err)
	}
	x.mustStop(t)

	y := start(t, second)
	inY := more(300)
	wantParked(t, y, 300, storeX)
	storeY := storeOf(t, broker)
	y.mustStop(t)

	x = start(t, first)
	inX = append(inX, more(100)...)
	wantParked(t, x, 1100, storeY)
	o.free.Store(true)
	release(t, x)
	inX = append(inX, more(10)...)
	eventually(t, "the first part is done", func() bool { return len(o.doneAt("x")) >= len(inX) })
	if got := o.doneAt("x"); !slices.Equal(got, inX) {
		t.Errorf("done at x, out of order or not: %v, want %v", got, inX)
	}
	eventually(t, "nothing is parked", func() bool { return len(parkedAt(t, x)) == 0 })
	x.mustStop(t)

	y = start(t, second)
	wantParked(t, y, 300)
	inY = append(inY, more(10)...)
	wantParked(t, y, 310)
	release(t, y)
	eventually(t, "the second part is done", func() bool { return len(o.doneAt("y")) >= len(inY) })
	if got := o.doneAt("y"); !slices.Equal(got, inY) {
		t.Errorf("done at y, out of order or not: %v, want %v", got, inY)
	}
	y.mustStop(t)

	o.mu.Lock()
	defer o.mu.Unlock()
	for offset, n := range o.runs {
		want := 1
		if offset == 0 {
			want = 2 // the one that it was parked for
		}
		if n != want {
			t.Errorf("orders/0@%d ran %d times, want %d", offset, n, want)
		}
	}
	for offset, n := range o.rest {
		if n != 1 {
			t.Errorf("orders/0@%d of another key ran %d times", offset, n)
		}
	}
	if all := len(o.runs) + len(o.rest); int64(all) != at {
		t.Errorf("%d jobs ran, of %d", all, at)
	}
}

// TestNoLaneIsParkedThatACommitCannotName halts it instead.
func TestNoLaneIsParkedThatACommitCannotName(t *testing.T) {
	t.Parallel()
	const keys = 300
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	cfg := leaving(t, broker, bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return bridge.Bury(errors.New("no use")) }))
	cfg.Topics[0].OnFailure = bridge.ParkLane
	var records []bridgetest.Record
	for i := range keys {
		records = append(records, bridgetest.Record{Key: fmt.Append(nil, "k", i)})
	}
	broker.Produce(t, "orders", records...)
	x := start(t, cfg)
	eventually(t, "what cannot be parked is halted", func() bool {
		parts, err := x.Inspector().Partitions(t.Context())
		return err == nil && len(parts) == 1 && parts[0].Halted+parts[0].Parked == keys
	})
	parts, err := x.Inspector().Partitions(t.Context())
	if err != nil || parts[0].Parked != 256 {
		t.Errorf("%+v, %v", parts, err)
	}
	x.mustStop(t)
	stamp, err := recovery.DecodeStamp(broker.Committed("billing", "orders")[0].Metadata)
	if err != nil || len(stamp.Parked) != 256 {
		t.Errorf("the commit names %d lanes, %v", len(stamp.Parked), err)
	}
}
