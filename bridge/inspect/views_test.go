package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// calm is a bridge in which nothing happens.
type calm struct {
	claims   []inspect.Claim
	settings inspect.TopicSettings
	growth   *float64
	bounds   inspect.LogBounds
	workers  []inspect.Worker
}

func (c calm) Member() inspect.Member {
	return inspect.Member{ID: "m", Sessions: 1, Confirmed: time.Now()}
}
func (c calm) Lease() time.Time          { return queue.Forever }
func (c calm) Pool() inspect.Pool        { return inspect.Pool{Workers: 8} }
func (c calm) Workers() []inspect.Worker { return c.workers }
func (c calm) Claims() []inspect.Claim   { return c.claims }
func (c calm) Growth() *float64          { return c.growth }

func (c calm) Topic(string) (inspect.TopicSettings, bool) { return c.settings, true }
func (c calm) Rates(string, int32) inspect.Rates          { return inspect.Rates{} }

func (c calm) Log(_ context.Context, parts []inspect.PartitionName) map[inspect.PartitionName]inspect.LogBounds {
	all := map[inspect.PartitionName]inspect.LogBounds{}
	for _, p := range parts {
		all[p] = c.bounds
	}
	return all
}

func (c calm) Retention(context.Context, string) (inspect.Retention, error) {
	return inspect.Retention{For: -1, Bytes: -1, Delete: true}, nil
}

func (c calm) Owner(context.Context, string, int32) (inspect.Owner, error) {
	return inspect.Owner{Committed: 77, Store: "other"}, nil
}

// finish runs the first n jobs, each with an outcome.
func finish(t *testing.T, s *queue.Store, n int, o queue.Outcome) {
	t.Helper()
	s.Attached()[0].Lease(queue.Forever)
	defer s.Attached()[0].Lease(time.Time{})
	jobs := make([]queue.Job, n)
	for taken := 0; taken < n; {
		more, err := s.Take(t.Context(), jobs[taken:])
		must(t, err)
		taken += more
	}
	for i := range jobs {
		must(t, s.Finish(queue.Finished{Job: &jobs[i], Outcome: o}))
	}
	must(t, s.Sync(t.Context()))
}

func TestStatusSplitsWhatIsNotDone(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 12, 4)
	finish(t, s, 1, queue.Outcome{Kind: queue.Halt, Error: "no"})
	finish(t, s, 1, queue.Outcome{Kind: queue.Retry, Due: time.Now().Add(time.Hour), Error: "later"})
	finish(t, s, 1, queue.Outcome{Kind: queue.Bury, Error: "never"})
	live := calm{
		claims: []inspect.Claim{
			{PartitionName: inspect.PartitionName{Topic: "orders"}, Fixed: true, Working: true, Since: time.Now(), Committing: -1},
			{PartitionName: inspect.PartitionName{Topic: "orders", Partition: 7}, Since: time.Now().Add(-time.Hour), Committing: -1},
		},
		bounds: inspect.LogBounds{Start: 0, End: 20, At: time.Now()},
	}
	got, err := inspect.New(s, inspect.Options{Live: live}).Status(t.Context())
	must(t, err)
	p := got.Partitions[0]
	if p.Halted != 1 || p.Retrying != 1 || p.Dead != 1 || p.Ready != 2 || p.Blocked != 7 || *p.NotStored != 8 || p.Lanes != 4 {
		t.Errorf("the partition is %+v", p)
	}
	if len(got.Partitions) != 2 || got.Partitions[1].Partition != 7 || got.Partitions[1].Next != -1 || got.Partitions[1].NotStored != nil {
		t.Errorf("the partition that is being taken over is %+v", got.Partitions[1:])
	}
	codes := map[string]inspect.Severity{}
	for _, p := range got.Problems {
		codes[p.Code] = p.Severity
	}
	if got.Healthy || codes["halted"] != inspect.Warning || codes["kafka_away"] != inspect.Critical || got.Problems[0].Severity != inspect.Critical {
		t.Errorf("problems are %+v", got.Problems)
	}
}

func TestStatusTellsOfADrain(t *testing.T) {
	t.Parallel()
	opt := inspect.Options{Live: calm{}, DrainState: func() inspect.DrainState { return inspect.DrainState{On: true} }}
	got, err := inspect.New(newStore(t, 1, 1, 1), opt).Status(t.Context())
	must(t, err)
	if !slices.ContainsFunc(got.Problems, func(p inspect.Problem) bool {
		return p.Code == "drained" && p.Text == "the bridge is being drained: no records are fetched" && p.Command == "holdfast drain --undo"
	}) {
		t.Errorf("problems are %+v", got.Problems)
	}
}

func TestLanesComeInTheirOrder(t *testing.T) {
	t.Parallel()
	s := newStore(t, 2, 10, 4) // lanes of 3, 3, 2 and 2
	finish(t, s, 1, queue.Outcome{Kind: queue.Halt, Error: "no"})
	i := inspect.New(s, inspect.Options{})
	for _, c := range []struct {
		q    inspect.LaneQuery
		want string
	}{
		{inspect.LaneQuery{Topic: "orders", Partitions: []int32{0}}, "0@0 k0 3 halted, 0@1 k1 3 ready, 0@2 k2 2 ready, 0@3 k3 2 ready"},
		{inspect.LaneQuery{Limit: 3}, "0@0 k0 3 halted, 0@1 k1 3 ready, 1@0 k0 3 ready"},
		{inspect.LaneQuery{Sort: inspect.ByAge, Limit: 5}, "0@0 k0 3 halted, 0@1 k1 3 ready, 0@2 k2 2 ready, 0@3 k3 2 ready, 1@0 k0 3 ready"},
		{inspect.LaneQuery{Sort: inspect.ByAttempts, Limit: 1}, "0@0 k0 3 halted"},
		{inspect.LaneQuery{States: []inspect.State{inspect.Halted}}, "0@0 k0 3 halted"},
		{inspect.LaneQuery{States: []inspect.State{inspect.Parked}}, ""},
	} {
		var got []string
		for l, err := range i.Lanes(t.Context(), c.q) {
			must(t, err)
			got = append(got, fmt.Sprintf("%d@%d %s %d %s", l.Partition, l.Offset, l.Key, l.Jobs, l.State))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%+v lists %s, want %s", c.q, text, c.want)
		}
	}
	op, err := i.Execute(t.Context(), plan(t, i, inspect.Park, inspect.Query{Topic: "orders", Partitions: []int32{1}, Key: []byte("k1")}))
	must(t, err)
	if len(op.Done) == 0 {
		t.Fatalf("parked: %+v", op)
	}
	for l, err := range i.Lanes(t.Context(), inspect.LaneQuery{States: []inspect.State{inspect.Parked}}) {
		if err != nil || l.Lane != "k1" || l.Jobs != 3 || l.State != inspect.Parked {
			t.Errorf("the parked lane is %+v: %v", l, err)
		}
	}
	for _, err := range i.Lanes(t.Context(), inspect.LaneQuery{Sort: "size"}) {
		if err == nil {
			t.Error("an unknown order is taken")
		}
	}
}

func TestAJobIsFoundWhateverBecameOfIt(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 8, 4)
	finish(t, s, 1, queue.Outcome{Kind: queue.Bury, Error: "never"})
	finish(t, s, 1, queue.Outcome{Kind: queue.Done})
	finish(t, s, 1, queue.Outcome{Kind: queue.Park, Error: "not now"})
	i := inspect.New(s, inspect.Options{})
	for offset, want := range []inspect.State{inspect.Dead, inspect.Done, inspect.Parked, inspect.Ready, inspect.Ready, inspect.Ready, inspect.Parked, inspect.Blocked, inspect.NotStored} {
		name := inspect.Name{Topic: "orders", Partition: 0, Offset: int64(offset)}
		d, err := i.Job(t.Context(), name)
		if err != nil || d.State != want || d.Name != name {
			t.Errorf("%s is %+v: %v, want %s", name, d, err, want)
			continue
		}
		switch want {
		case inspect.Dead:
			if d.Letter == nil || d.Letter.Reason != "never" || string(d.Key) != "k0" || d.Attempts != 1 {
				t.Errorf("the dead letter is %+v, %+v", d, d.Letter)
			}
		case inspect.Parked:
			if d.Parked == nil || d.Parked.Jobs != 2 || d.Parked.Reason != "not now" || d.Holds {
				t.Errorf("the parked job is %+v, in %+v", d, d.Parked)
			}
		}
	}
	if _, err := i.Job(t.Context(), inspect.Name{Topic: "orders", Partition: 9}); !errors.Is(err, inspect.ErrNotHeld) {
		t.Errorf("a job of a partition that is not held: %v", err)
	}
	if _, err := i.Job(t.Context(), inspect.Name{Topic: "orders", Offset: -2}); err == nil {
		t.Error("an offset below zero is taken")
	}
}

func TestManyKeysThatFailAlikeAreAnOutage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		errors []string
		want   bool
	}{
		{[]string{"http 503 after 12ms", "http 503 after 13ms", "http 503 after 1ms", "http 503 after 4ms", "http 503 after 7ms", "bad value"}, true},
		{[]string{"http 503", "http 503", "http 503", "http 503"}, false}, // too few to tell
		{[]string{"a", "b", "c", "d", "e", "f", "g"}, false},
	} {
		s := newStore(t, 1, 20, 20)
		for _, text := range c.errors {
			finish(t, s, 1, queue.Outcome{Kind: queue.Retry, Due: time.Now().Add(time.Hour), Error: text})
		}
		e, err := inspect.New(s, inspect.Options{}).Explain(t.Context(), "orders", 0, nil)
		must(t, err)
		if e.Outage == nil || e.Outage.Likely != c.want || e.Outage.Keys != len(c.errors) {
			t.Errorf("%v: %+v", c.errors, e.Outage)
		}
	}
}

func TestDiskTellsWhatTakesUpRoomAndWhenItIsFull(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 100, 100)
	finish(t, s, 30, queue.Outcome{Kind: queue.Bury, Error: strings.Repeat("never ", 500)})
	finish(t, s, 2, queue.Outcome{Kind: queue.Park, Error: "not now"})
	fast, slow := 1e9, 0.0
	for _, c := range []struct {
		live    inspect.Live
		outlook string
		bound   string
	}{
		{nil, "nothing grows while no bridge runs.", ""},
		{calm{}, "not known yet: growth is measured for half a minute first.", "keep none, keep_bytes none"},
		{calm{growth: &slow, settings: inspect.TopicSettings{Keep: 30 * 24 * time.Hour, KeepBytes: 5 << 30}}, "does not grow.", "keep 30d, keep_bytes 5.0 GiB"},
		{calm{growth: &fast}, "fetching throttles in about ", "keep none, keep_bytes none"},
	} {
		opt := inspect.Options{}
		if c.live != nil {
			opt.Live = c.live
		}
		d, err := inspect.New(s, opt).Disk(t.Context())
		must(t, err)
		if len(d.Uses) != 3 || d.Uses[0].Kind != inspect.UseDead || !d.Uses[0].Largest || d.Uses[0].Jobs != 30 || d.Uses[0].Bytes < 30*512 || d.Uses[0].Oldest.IsZero() {
			t.Errorf("uses are %+v", d.Uses)
		}
		bound := ""
		if known := d.Uses[0].Bound; known != nil {
			bound = *known
		}
		if bound != c.bound || (c.live == nil) != (d.Uses[0].Bound == nil) || !strings.HasPrefix(d.Outlook, c.outlook) || (d.Budget == nil) != (c.live == nil) {
			t.Errorf("bound %q, outlook %q, want %q and %q", bound, d.Outlook, c.bound, c.outlook)
		}
		for _, u := range d.Uses[1:] {
			if u.Kind == inspect.UseParked && (u.Jobs != 2 || u.Bound == nil || *u.Bound != "none") || u.Kind == inspect.UseWaiting && u.Jobs != 68 {
				t.Errorf("use %+v", u)
			}
		}
	}
}
