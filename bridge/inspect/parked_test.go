package inspect_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

func parked(t *testing.T, i inspect.Inspector, q inspect.Query) (lanes []inspect.ParkedLane) {
	t.Helper()
	for lane, err := range i.Parked(t.Context(), q) {
		must(t, err)
		lanes = append(lanes, lane)
	}
	return lanes
}

func execute(t *testing.T, i inspect.Inspector, p inspect.Plan) inspect.Operation {
	t.Helper()
	op, err := i.Execute(t.Context(), p)
	must(t, err)
	return op
}

func TestParkSetsTheLanesOfJobsAsideAndReleaseBringsThemBack(t *testing.T) {
	t.Parallel()
	store := newStore(t, 2, 9, 3)
	i := inspect.New(store, inspect.Options{})
	p := plan(t, i, inspect.Park, inspect.Query{Topic: "orders", Partitions: []int32{1}, Key: []byte("k1")})
	if p.Matched != 3 || len(p.Jobs) != 1 || len(p.Sample) != 1 {
		t.Fatalf("%+v", p)
	}
	p.Command.Reason = "ticket 7"
	if op := execute(t, i, p); len(op.Done) != 1 || count(op.Refused) != 0 {
		t.Errorf("%+v", op)
	}
	if op := execute(t, i, p); len(op.Done) != 0 || count(op.Refused)+count(op.AlreadyDone) != 1 {
		t.Errorf("again: %+v", op)
	}
	if p := plan(t, i, inspect.Park, inspect.Query{Topic: "orders", Partitions: []int32{1}, Key: []byte("k1")}); len(p.Jobs) != 0 || count(p.AlreadyDone) != 1 {
		t.Errorf("plan again: %+v", p)
	}
	lanes := parked(t, i, inspect.Query{Topic: "orders"})
	if len(lanes) != 1 {
		t.Fatalf("%+v", lanes)
	}
	if l := lanes[0]; l.Partition != 1 || !l.Held || l.Lane != "k1" || l.LaneID != 1 || l.Offset != -1 || l.Reason != "ticket 7" ||
		l.Jobs != 3 || l.Bytes == 0 || l.Since.IsZero() || l.Released {
		t.Errorf("%+v", l)
	}
	if names := list(t, i, inspect.Query{States: []inspect.State{inspect.Parked}}); !slices.Equal(names, []string{"orders/1@1", "orders/1@4", "orders/1@7"}) {
		t.Errorf("parked jobs: %v", names)
	}
	if p := plan(t, i, inspect.Skip, inspect.Query{Topic: "orders", Partitions: []int32{1}, Offsets: []int64{1}}); len(p.Jobs) != 0 || count(p.Refused) != 1 {
		t.Errorf("skip: %+v", p)
	}
	parts, err := i.Partitions(t.Context())
	if must(t, err); parts[1].Parked != 1 || parts[1].Open != 6 {
		t.Errorf("%+v", parts[1])
	}

	if p := plan(t, i, inspect.Release, inspect.Query{Topic: "orders", Key: []byte("k2")}); len(p.Lanes) != 0 {
		t.Errorf("of another key: %+v", p)
	}
	p = plan(t, i, inspect.Release, inspect.Query{Topic: "orders", Lane: []byte("k1")})
	if len(p.Lanes) != 1 || p.Matched != 1 {
		t.Fatalf("%+v", p)
	}
	if op := execute(t, i, p); len(op.Lanes) != 1 || op.Lanes[0].Jobs != 3 {
		t.Errorf("%+v", op)
	}
	if op := execute(t, i, p); len(op.Lanes) != 0 || count(op.AlreadyDone) != 1 {
		t.Errorf("again: %+v", op)
	}
	if names := list(t, i, inspect.Query{Topic: "orders", Partitions: []int32{1}, States: []inspect.State{inspect.Ready}}); !slices.Contains(names, "orders/1@1") {
		t.Errorf("ready: %v", names)
	}
}

func TestLanesOfPartitionsThatAreAwayAreShownAndNotReleased(t *testing.T) {
	t.Parallel()
	store := newStore(t, 1, 4, 2)
	i := inspect.New(store, inspect.Options{})
	execute(t, i, plan(t, i, inspect.Park, inspect.Query{Topic: "orders", Key: []byte("k0")}))
	before := plan(t, i, inspect.Release, inspect.Query{Topic: "orders"})
	store.Attached()[0].Detach()
	if lanes := parked(t, i, inspect.Query{}); len(lanes) != 1 || lanes[0].Held || lanes[0].Jobs != 2 {
		t.Errorf("%+v", lanes)
	}
	if s, err := i.Status(t.Context()); err != nil || len(s.Away) != 1 || s.Away[0].Parked != 1 {
		t.Errorf("away are %+v, %v", s.Away, err)
	}
	if p := plan(t, i, inspect.Release, inspect.Query{Topic: "orders"}); len(p.Lanes) != 0 || count(p.Refused) != 1 {
		t.Errorf("%+v", p)
	}
	if op := execute(t, i, before); len(op.Lanes) != 0 || count(op.Refused) != 1 {
		t.Errorf("%+v", op)
	}
}

func TestDiscardParkedTakesTheJobsOfALane(t *testing.T) {
	t.Parallel()
	store := newStore(t, 1, 6, 2)
	i := inspect.New(store, inspect.Options{})
	execute(t, i, plan(t, i, inspect.Park, inspect.Query{Topic: "orders"}))
	if lanes := parked(t, i, inspect.Query{}); len(lanes) != 2 {
		t.Errorf("%+v", lanes)
	}
	if op := execute(t, i, plan(t, i, inspect.DiscardParked, inspect.Query{Topic: "orders", Key: []byte("k1")})); len(op.Lanes) != 1 || op.Lanes[0].Jobs != 3 {
		t.Errorf("%+v", op)
	}
	if lanes := parked(t, i, inspect.Query{}); len(lanes) != 1 || lanes[0].Lane != "k0" {
		t.Errorf("%+v", lanes)
	}
	if names := list(t, i, inspect.Query{}); len(names) != 3 {
		t.Errorf("left: %v", names)
	}
	if f := store.Attached()[0].Frontier(); f != 6 {
		t.Errorf("frontier %d", f)
	}
}

// TestTheListNamesTheStoresThatHoldTheRest is what an operator is told of a lane
// that another owner has parked.
func TestTheListNamesTheStoresThatHoldTheRest(t *testing.T) {
	t.Parallel()
	store := newStore(t, 1, 4, 2)
	must(t, store.Attached()[0].ParkElsewhere("other", []queue.ParkedIn{{Lane: 0, Stores: []string{"other", "third"}}}))
	i := inspect.New(store, inspect.Options{})
	lanes := parked(t, i, inspect.Query{})
	if len(lanes) != 1 || !slices.Equal(lanes[0].Elsewhere, []string{"other", "third"}) || lanes[0].Jobs != 2 || lanes[0].Lane != "k0" ||
		time.Since(lanes[0].Since) > time.Hour {
		t.Errorf("%+v", lanes)
	}
	execute(t, i, plan(t, i, inspect.Release, inspect.Query{Topic: "orders"}))
	if lanes := parked(t, i, inspect.Query{}); len(lanes) != 1 || !lanes[0].Released {
		t.Errorf("%+v", lanes)
	}
}

func TestReleaseIsAboutLanes(t *testing.T) {
	t.Parallel()
	err := inspect.Command{Verb: inspect.DiscardParked, ResetAttempts: true, Select: inspect.Query{Topic: "orders", States: []inspect.State{inspect.Parked}}}.Validate()
	if err == nil || !strings.Contains(err.Error(), "about parked lanes") || !strings.Contains(err.Error(), "not reset by discard-parked") {
		t.Errorf("%v", err)
	}
}

func count(list []inspect.Group) (n int) {
	for _, g := range list {
		n += g.Count
	}
	return n
}

// TestLanesWhoseTimeHasNotComeAreNotParked: the plan knows, refuses each once, and
// keeps to the jobs of the others that have come.
func TestLanesWhoseTimeHasNotComeAreNotParked(t *testing.T) {
	t.Parallel()
	m := newStock(t, 1, 4, 2)
	must(t, m.Attached()[0].Configure("T", "key"))
	must(t, m.Attached()[0].Configure("T", "another scheme"))
	m.append(m.Attached()[0], 6, 3)
	p := m.plan(ofOrders(inspect.Park))
	if len(p.Jobs) != 2 || p.Jobs[1].Offset != 3 || countOf(p.Refused, queue.ErrJobBlocked.Error()) != 1 {
		t.Errorf("%+v, refused %+v", p.Jobs, p.Refused)
	}
	if op := m.execute(p); len(op.Done) != 2 || count(op.Refused) != 0 {
		t.Errorf("%+v", op)
	}
}
