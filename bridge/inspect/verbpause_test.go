package inspect_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// do plans and executes a command.
func do(t *testing.T, i inspect.Inspector, c inspect.Command) inspect.Operation {
	t.Helper()
	p, err := i.Plan(t.Context(), c)
	must(t, err)
	op, err := i.Execute(t.Context(), p)
	must(t, err)
	return op
}

func wantPauses(t *testing.T, i inspect.Inspector, want ...inspect.PauseEntry) {
	t.Helper()
	got, err := i.Pauses(t.Context())
	must(t, err)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(inspect.PauseEntry{}, "Since")); diff != "" {
		t.Error(diff)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	s := newStore(t, 2, 4, 2)
	i := inspect.New(s, inspect.Options{})
	until := time.Now().Add(time.Hour).Round(0)
	topic := inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders"}, Until: until, Reason: "audit"}
	part := inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Partitions: []int32{1}}}
	lane := inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Lane: []byte("k1")}}
	for _, c := range []inspect.Command{topic, part, lane} {
		p, err := i.Plan(t.Context(), c)
		must(t, err)
		before, err := i.Pauses(t.Context())
		must(t, err)
		op, err := i.Execute(t.Context(), p)
		must(t, err)
		after, err := i.Pauses(t.Context())
		must(t, err)
		if len(op.Pauses) == 0 || len(after) != len(before)+len(p.Pauses) {
			t.Errorf("%+v: %+v", c, op)
		}
		if again := do(t, i, c); len(again.Pauses) != 0 {
			t.Errorf("once more: %+v", again)
		}
	}
	all := []inspect.PauseEntry{
		{Topic: "orders", Partition: -1, Until: until, Reason: "audit"},
		{Topic: "orders", Partition: 0, OfLane: true, LaneID: 1, Lane: "k1"},
		{Topic: "orders", Partition: 1},
		{Topic: "orders", Partition: 1, OfLane: true, LaneID: 1, Lane: "k1"},
	}
	wantPauses(t, i, all...)
	if n := len(list(t, i, inspect.Query{States: []inspect.State{inspect.Paused}})); n != 4 {
		t.Errorf("%d jobs are paused, want the heads of 4 lanes", n)
	}
	topic.Until, topic.Verb, part.Verb, lane.Verb = time.Time{}, inspect.Resume, inspect.Resume, inspect.Resume
	do(t, i, topic)
	wantPauses(t, i, all[1:]...)
	lane.Select.Partitions = []int32{0}
	do(t, i, lane)
	wantPauses(t, i, all[2:]...)
	do(t, i, part)
	wantPauses(t, i, all[3:]...)
	lane.Select.Partitions = nil
	do(t, i, lane)
	wantPauses(t, i)
	if op := do(t, i, lane); len(op.AlreadyDone) != 1 || len(op.Pauses) != 0 {
		p, err := i.Plan(t.Context(), lane)
		must(t, err)
		if len(p.AlreadyDone) != 1 || p.AlreadyDone[0].Reason != "it is not paused" {
			t.Errorf("resumed twice: %+v", p)
		}
	}
}

func TestALaneWithoutAJobIsPausedByTheTopicsPartitioner(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 4, 2)
	unknown := inspect.New(s, inspect.Options{})
	c := inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Key: []byte("k7")}}
	p, err := unknown.Plan(t.Context(), c)
	must(t, err)
	if len(p.Pauses) != 0 || len(p.Refused) != 1 {
		t.Errorf("without it: %+v", p)
	}
	known := inspect.New(s, inspect.Options{LaneOf: func(topic string, key, name []byte) (queue.Lane, bool) {
		return queue.Lane{ID: 7, Name: key}, topic == "orders" && string(key) == "k7" && name == nil
	}})
	do(t, known, c)
	wantPauses(t, unknown, inspect.PauseEntry{Topic: "orders", OfLane: true, LaneID: 7, Lane: "k7"})
}

func TestWhatCannotBePausedIsRefused(t *testing.T) {
	t.Parallel()
	i := inspect.New(newStore(t, 1, 4, 2), inspect.Options{})
	for text, c := range map[string]inspect.Command{
		"single jobs":        {Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1}}},
		"both a key and":     {Verb: inspect.Resume, Select: inspect.Query{Topic: "orders", Key: []byte("a"), Lane: []byte("a")}},
		"no until-time":      {Verb: inspect.Resume, Select: inspect.Query{Topic: "orders"}, Until: time.Now()},
		"only pause has":     {Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}, Until: time.Now()},
		"attempts":           {Verb: inspect.Pause, Select: inspect.Query{Topic: "orders"}, ResetAttempts: true},
		"no topic":           {Verb: inspect.Pause},
		"not held here":      {Verb: inspect.Pause, Select: inspect.Query{Topic: "payments"}},
		"orders/5: not held": {Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Partitions: []int32{5}}},
	} {
		_, err := i.Plan(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want %q", c, err, text)
		}
	}
	p, err := i.Plan(t.Context(), inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders"}, Until: time.Now().Add(-time.Second)})
	if err != nil || len(p.Pauses) != 0 || len(p.AlreadyDone) != 1 {
		t.Errorf("one that is over: %+v, %v", p, errors.Join(err))
	}
}
