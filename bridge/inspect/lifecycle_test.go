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

// cluster is a Kafka with topics, by name the number of partitions.
type cluster map[string]int32

func (c cluster) Log(_ context.Context, topic string, partition int32) (inspect.Log, error) {
	if partition >= c[topic] {
		return inspect.Log{}, fmt.Errorf("%s/%d: %w", topic, partition, inspect.ErrNoTopic)
	}
	return inspect.Log{TopicID: "topic-id", End: 100, Committed: -1}, nil
}

func (cluster) OffsetAt(context.Context, string, int32, time.Time) (int64, error) { return 7, nil }

func (cluster) Read(_ context.Context, _ string, _ int32, from, _ int64) (inspect.Records, error) {
	return inspect.Records{Next: from}, nil
}

func (cluster) Leave(context.Context) (bool, error) { return true, nil }

func value(v float64) *float64 { return &v }

func setting(topic, name string, v *float64) inspect.Command {
	return inspect.Command{
		Verb: inspect.Set, Select: inspect.Query{Topic: topic},
		Settings: []inspect.Setting{{Topic: topic, Name: name, Value: v}},
	}
}

func TestSettingsAreStored(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 1, 1)
	var adopted []inspect.Setting
	refuse := 0.0
	i := inspect.New(s, inspect.Options{
		Entry: func(topic string) (string, bool) { return "~ord.*", topic == "orders" || topic == "~ord.*" },
		Set:   func(list []inspect.Setting) { adopted = list },
		Unfit: func(list []inspect.Setting) []string {
			problems := make([]string, len(list))
			for j, s := range list {
				if *s.Value == refuse {
					problems[j] = "no"
				}
			}
			return problems
		},
		SettingOf: func(topic, name string) (float64, bool) { return 64, topic == "" && name == "workers" },
	})
	p, err := i.Plan(t.Context(), setting("", "workers", value(8)))
	must(t, err)
	if says := strings.Join(p.Says, " "); !strings.Contains(says, "workers is 64: 8 in force at once") {
		t.Errorf("the plan says %s", says)
	}
	if _, err := i.Execute(t.Context(), p); err != nil || len(adopted) != 1 || *adopted[0].Value != 8 {
		t.Fatalf("%+v, %v", adopted, err)
	}
	if again := do(t, i, setting("", "workers", value(8))); len(again.Settings) != 0 {
		t.Errorf("once more: %+v", again)
	}
	p, err = i.Plan(t.Context(), setting("~ord.*", "delay", value(60)))
	must(t, err)
	if !slices.Contains(p.Says, "Jobs that are delayed by now keep their time.") {
		t.Errorf("of the delay it says %q", p.Says)
	}
	do(t, i, setting("~ord.*", "dead_letter.keep_bytes", value(5<<30)))
	names := func() (names []string) {
		list, err := i.Settings(t.Context())
		must(t, err)
		for _, s := range list {
			names = append(names, fmt.Sprintf("%s=%.0f %s", s, *s.Value, s.Unit))
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"workers=8 count", "topics.~ord.*.dead_letter.keep_bytes=5368709120 bytes"}) {
		t.Errorf("stored are %v", got)
	}
	p, err = i.Plan(t.Context(), setting("", "workers", value(9)))
	must(t, err)
	refuse = 9 // the configuration was read anew in between
	if _, err := i.Execute(t.Context(), p); !errors.Is(err, inspect.ErrRefused) || len(names()) != 2 {
		t.Errorf("what the bridge refuses is stored: %v, %v", names(), err)
	}
	if _, err := i.Plan(t.Context(), setting("", "workers", value(9))); !errors.Is(err, inspect.ErrRefused) || !strings.Contains(err.Error(), "workers cannot be 9: no") {
		t.Errorf("the plan of what does not go: %v", err)
	}
	refuse = 8
	if list, err := i.Settings(t.Context()); err != nil || list[0].Problem != "no" || list[1].Problem != "" {
		t.Errorf("of what is not in force it is said: %+v, %v", list, err)
	}
	st, err := i.Status(t.Context())
	must(t, err)
	if at := slices.IndexFunc(st.Problems, func(p inspect.Problem) bool { return p.Code == "setting" }); at < 0 || !strings.Contains(st.Problems[at].Text, "workers is not in force: no") {
		t.Errorf("the status has %+v", st.Problems)
	}
	do(t, i, setting("~ord.*", "rate", value(5))) // others can be set all the same
	do(t, i, setting("~ord.*", "rate", nil))
	do(t, i, setting("", "workers", nil))
	if got := names(); len(got) != 1 || len(adopted) != 1 {
		t.Errorf("left are %v, %v", got, adopted)
	}
	p, err = i.Plan(t.Context(), setting("", "workers", nil))
	must(t, err)
	if len(p.AlreadyDone) != 1 || p.AlreadyDone[0].Reason != "it is not set" {
		t.Errorf("unset once more: %+v", p.AlreadyDone)
	}
	for topic, want := range map[string]string{"orders": "goes by the entry ~ord.*", "other": "no entry"} {
		if _, err := i.Plan(t.Context(), setting(topic, "rate", value(1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", topic, err)
		}
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []inspect.Command{
		setting("", "concurrency", value(1)), setting("orders", "workers", value(1)), setting("", "workers", value(-1)),
		setting("", "workers", value(1.5)), setting("orders", "timeout", value(1e300)), setting("", "speed", value(1)),
		{Verb: inspect.Set}, {Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}, Settings: []inspect.Setting{{Name: "rate"}}},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%s is taken", c)
		}
	}
}

func TestForgetTakesATopicThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStore(t, 2, 4, 2)
	c := inspect.Command{Verb: inspect.Forget, Select: inspect.Query{Topic: "orders"}}
	known := cluster{"orders": 2}
	i := inspect.New(s, inspect.Options{Kafka: known, Entry: func(string) (string, bool) { return "orders", true }})
	if _, err := i.Plan(t.Context(), c); !errors.Is(err, inspect.ErrRefused) || !strings.Contains(err.Error(), "out of the configuration") {
		t.Errorf("a topic that is there: %v", err)
	}
	delete(known, "orders")
	if p, err := i.Plan(t.Context(), c); err != nil || len(p.Forgets) != 0 || len(p.Refused) == 0 || p.Refused[0].Count != 2 {
		t.Errorf("partitions that are held: %+v, %v", p, err)
	}
	for _, p := range s.Attached() {
		p.Detach()
	}
	must(t, s.Sync(t.Context()))
	p, err := i.Plan(t.Context(), c)
	must(t, err)
	if says := strings.Join(p.Says, " "); len(p.Forgets) != 2 || p.Forgets[0].Open != 4 || !strings.Contains(says, "8 unfinished jobs") || !strings.Contains(says, "no such topic") {
		t.Errorf("%+v", p)
	}
	if op, err := i.Execute(t.Context(), p); err != nil || len(op.Forgets) != 2 {
		t.Errorf("%+v, %v", op, err)
	}
	if left, err := s.Partitions(); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if op := do(t, i, c); len(op.Forgets) != 0 {
		t.Errorf("once more: %+v", op)
	}
}

func TestADrainNeedsABridge(t *testing.T) {
	t.Parallel()
	i := inspect.New(newStore(t, 1, 1, 1), inspect.Options{})
	for _, verb := range []inspect.Verb{inspect.Drain, inspect.Leave} {
		if _, err := i.Plan(t.Context(), inspect.Command{Verb: verb}); err == nil {
			t.Errorf("%s without a bridge", verb)
		}
	}
	for _, c := range []inspect.Command{
		{Verb: inspect.Drain, Select: inspect.Query{Topic: "orders"}}, {Verb: inspect.Drain, Leave: true, Undo: true}, {Verb: inspect.Leave, Undo: true},
		{Verb: inspect.Seek, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}}}, {Verb: inspect.Seek, Select: inspect.Query{Topic: "orders"}, To: &inspect.Position{Oldest: true}},
		{Verb: inspect.Seek, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}}, To: &inspect.Position{Oldest: true, Newest: true}},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%s is taken", c)
		}
	}
}

// What was requeued is below the committed offset: it holds no offset, and another
// owner never sees it.
func TestWhatWasRequeuedIsToldApart(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 2)
	m.operator = inspect.New(m.Store, inspect.Options{Leave: func() bool { return true }})
	m.execute(m.plan(requeueOrders(0)))
	m.append(m.Attached()[0], 1, 1)
	m.giveUp(2, queue.Halt) // the third is behind one of them

	leaving := m.plan(inspect.Command{Verb: inspect.Leave})
	if got := leaving.Partitions[0]; got.Going+got.Stuck != 3 || got.Aside != 2 {
		t.Errorf("of 3 jobs, of which 2 were requeued: %+v", got)
	}
	if says := strings.Join(leaving.Says, " "); !strings.Contains(says, "3 jobs are not finished here") || !strings.Contains(says, "but for those that were requeued") {
		t.Errorf("the plan says %s", says)
	}
	st, err := m.operator.Status(t.Context())
	must(t, err)
	if !slices.ContainsFunc(st.Problems, func(p inspect.Problem) bool {
		return p.Code == "halted" && strings.Contains(p.Text, "2 jobs given up: each holds its lane, and the committed offset unless it was requeued")
	}) {
		t.Errorf("problems are %+v", st.Problems)
	}
}
