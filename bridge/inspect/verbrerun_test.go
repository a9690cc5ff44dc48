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

// kafkaLog is a Kafka with one partition, a few records to an answer.
type kafkaLog struct {
	cluster
	topicID, scheme string
	start, end      int64
	missing         []int64 // compacted away
	bytes           int     // of a value
	reads           int
}

func newKafkaLog(end int64) *kafkaLog {
	return &kafkaLog{topicID: "topic-id", scheme: "scheme", end: end}
}

func (k *kafkaLog) Log(context.Context, string, int32) (inspect.Log, error) {
	return inspect.Log{TopicID: k.topicID, Start: k.start, End: k.end, Committed: -1}, nil
}

func (k *kafkaLog) Read(_ context.Context, _ string, _ int32, from, _ int64) (inspect.Records, error) {
	k.reads++
	if from < k.start || from > k.end {
		return inspect.Records{}, fmt.Errorf("offset %d: %w", from, inspect.ErrNoRecord)
	}
	answer := inspect.Records{Scheme: k.scheme, Next: min(from+3, k.end)}
	for at := from; at < answer.Next; at++ {
		if !slices.Contains(k.missing, at) {
			key := fmt.Appendf(nil, "k%d", at%2)
			answer.Records = append(answer.Records, queue.Record{
				Offset: at, Timestamp: 1_769_846_400_000 + at, Key: key, Value: make([]byte, k.bytes), Lane: queue.Lane{ID: uint64(at % 2), Name: key},
			})
		}
	}
	return answer, nil
}

// skipped completes the jobs of a partition at some offsets.
func skipped(t *testing.T, i inspect.Inspector, offsets ...int64) {
	t.Helper()
	if op := do(t, i, inspect.Command{Verb: inspect.Skip, Select: ofOffsets(offsets...)}); len(op.Done) != len(offsets) {
		t.Fatalf("skipped %+v of %v", op, offsets)
	}
}

func ofOffsets(offsets ...int64) inspect.Query {
	return inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: offsets}
}

func again(offsets ...int64) inspect.Command {
	return inspect.Command{Verb: inspect.Requeue, FromKafka: true, Select: ofOffsets(offsets...)}
}

func reasons(groups []inspect.Group) (list []string) {
	for _, g := range groups {
		list = append(list, fmt.Sprintf("%d %s", g.Count, g.Reason))
	}
	slices.Sort(list)
	return list
}

// TestFinishedRecordsRunAgain: what the plan says of each, that it is done, and
// that a second time finds it.
func TestFinishedRecordsRunAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 8, 2)
	k := newKafkaLog(8)
	i := inspect.New(s, inspect.Options{Kafka: k})
	skipped(t, i, 0, 1, 2, 3, 5) // of lane k0: 0, 2; of k1: 1, 3, 5
	p, err := i.Plan(t.Context(), again(5, 0, 2, 1, 0))
	must(t, err)
	overtaken := ""
	for _, target := range p.Again {
		overtaken += fmt.Sprintf("%d %s %d %v %s; ", target.Offset, target.Key, target.Bytes, *target.Overtaken, target.Timestamp.UTC().Format(".000"))
	}
	if want := "0 k0 2 true .000; 1 k1 2 true .001; 2 k0 2 false .002; 5 k1 2 false .005; "; overtaken != want || p.Matched != 4 {
		t.Errorf("planned is %s of %d, want %s", overtaken, p.Matched, want)
	}
	if p.Again[0].ID != "topic-id/0@0" || len(p.Refused)+len(p.AlreadyDone) > 0 {
		t.Errorf("%+v", p)
	}
	op, err := i.Execute(t.Context(), p)
	must(t, err)
	if len(op.Done) != 4 || len(op.Refused) > 0 {
		t.Fatalf("%+v", op)
	}
	for name, step := range map[string]func() ([]inspect.Group, []inspect.Group){
		"planned": func() ([]inspect.Group, []inspect.Group) {
			p, _ := i.Plan(t.Context(), again(0, 1, 2, 5))
			return p.AlreadyDone, p.Refused
		},
		"executed": func() ([]inspect.Group, []inspect.Group) {
			op, _ := i.Execute(t.Context(), p)
			return op.AlreadyDone, op.Refused
		},
	} {
		if already, refused := step(); !slices.Equal(reasons(already), []string{"4 it is about to run again, or runs"}) || len(refused) > 0 {
			t.Errorf("%s again: %v, %v", name, already, refused)
		}
	}
	if got := list(t, i, inspect.Query{}); len(got) != 7 {
		t.Errorf("open are %v", got)
	}
	detail, err := i.Job(t.Context(), inspect.Name{Topic: "orders", Offset: 0})
	if err != nil || !detail.Aside || detail.ID != "topic-id/0@0" || !detail.Rerun.IsZero() {
		t.Errorf("%+v, %v", detail, err)
	}
}

// TestFinishedRecordsGetIDsOfTheirOwn, which every view shows.
func TestFinishedRecordsGetIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 4, 2)
	i := inspect.New(s, inspect.Options{Kafka: newKafkaLog(4)})
	skipped(t, i, 0, 1)
	c := again(0, 1)
	c.NewID = true
	p, err := i.Plan(t.Context(), c)
	must(t, err)
	id := "topic-id/0@0" + queue.RerunAt(p.Made).String()
	if len(p.Again) != 2 || p.Again[0].ID != id || !strings.Contains(id, "@0+2") {
		t.Fatalf("%+v, want %s", p.Again, id)
	}
	if op, err := i.Execute(t.Context(), p); err != nil || len(op.Done) != 2 {
		t.Fatalf("%+v, %v", op, err)
	}
	detail, err := i.Job(t.Context(), inspect.Name{Topic: "orders", Offset: 0})
	if err != nil || detail.ID != id || !detail.Rerun.Equal(p.Made.Truncate(time.Millisecond)) {
		t.Errorf("%+v, %v", detail, err)
	}
	if again, _ := i.Plan(t.Context(), again(0)); !slices.Equal(reasons(again.Refused), []string{"1 it is about to run again, or runs, under another id"}) {
		t.Errorf("with its old id: %+v", again)
	}
	if again, _ := i.Plan(t.Context(), c); len(again.AlreadyDone) != 1 {
		t.Errorf("with another new one: %+v", again)
	}
	// A plan of the record's first job is about that one.
	bury := plan(t, i, inspect.Bury, ofOffsets(0))
	if bury.Jobs[0].ID != id {
		t.Errorf("%+v", bury.Jobs)
	}
	wrong := bury
	wrong.Jobs = slices.Clone(bury.Jobs)
	wrong.Jobs[0].ID = "topic-id/0@0"
	if op, err := i.Execute(t.Context(), wrong); err != nil || !slices.Equal(reasons(op.Refused), []string{"1 it has changed since it was looked at"}) {
		t.Errorf("%+v, %v", op, err)
	}
	if op, err := i.Execute(t.Context(), bury); err != nil || len(op.Done) != 1 {
		t.Errorf("%+v, %v", op, err)
	}
	for l, err := range i.Dead(t.Context(), inspect.DeadQuery{}) {
		if err != nil || l.ID != id || !l.Rerun.Equal(detail.Rerun) {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if again, _ := i.Plan(t.Context(), c); !slices.Equal(reasons(again.Refused), []string{"1 a dead letter of its offset is kept; requeue that"}) {
		t.Errorf("a dead one: %+v", again)
	}
	old := p
	old.Made = time.Time{}
	if _, err := i.Execute(t.Context(), old); err == nil {
		t.Error("a plan without a time is executed")
	}
}

func TestRecordsAreNotRunAgainForAReason(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 8, 2)
	k := newKafkaLog(20)
	k.start, k.missing = 2, []int64{4}
	i := inspect.New(s, inspect.Options{Kafka: k})
	skipped(t, i, 0, 1, 2, 3, 4, 5)
	if op := do(t, i, inspect.Command{Verb: inspect.Bury, Select: ofOffsets(7)}); len(op.Done) != 1 {
		t.Fatal(op)
	}
	p, err := i.Plan(t.Context(), again(0, 1, 2, 4, 6, 7, 8, 100))
	must(t, err)
	want := []string{
		"1 Kafka has no record of that offset: it was compacted away or aborted, or ends a transaction",
		"1 a dead letter of its offset is kept; requeue that",
		"1 a job of its offset is open",
		"2 Kafka has it no more: its log begins at offset 2",
		"2 it is not read from Kafka yet: it comes by itself, unless another owner has done it",
	}
	if got := reasons(p.Refused); !slices.Equal(got, want) || len(p.Again) != 1 || p.Again[0].Offset != 2 {
		t.Errorf("refused %q, want %q; again %+v", got, want, p.Again)
	}
	// What has changed since the plan was made.
	k.missing = append(k.missing, 2)
	if op, err := i.Execute(t.Context(), p); err != nil || len(op.Done) > 0 || len(op.Refused) != 1 {
		t.Errorf("compacted away since: %+v, %v", op, err)
	}
	k.missing, k.topicID = nil, "another"
	if op, err := i.Execute(t.Context(), p); err != nil || !slices.Equal(reasons(op.Refused), []string{"1 its topic was deleted and created anew"}) {
		t.Errorf("created anew since: %+v, %v", op, err)
	}
	if p, err := i.Plan(t.Context(), again(2, 3)); err != nil || !slices.Equal(reasons(p.Refused), []string{"2 its topic was deleted and created anew"}) {
		t.Errorf("created anew: %+v, %v", p, err)
	}
	k.topicID, k.scheme = "topic-id", "another"
	if p, err := i.Plan(t.Context(), again(2)); err != nil || len(p.Refused) != 1 || !strings.Contains(p.Refused[0].Reason, "partitioner") {
		t.Errorf("another partitioner: %+v, %v", p, err)
	}
	k.scheme, k.bytes = "scheme", 7<<20
	if p, err := i.Plan(t.Context(), again(2, 3, 5)); err != nil || len(p.Again) != 2 || len(p.Refused) != 1 || !strings.Contains(p.Refused[0].Reason, "16 MiB") {
		t.Errorf("too large: %+v, %v", p, err)
	}
	if _, err := inspect.New(s, inspect.Options{}).Plan(t.Context(), again(2)); err == nil || !strings.Contains(err.Error(), "no connection to Kafka") {
		t.Errorf("without Kafka: %v", err)
	}
	elsewhere := again(2)
	elsewhere.Select.Partitions = []int32{1}
	if _, err := i.Plan(t.Context(), elsewhere); !errors.Is(err, inspect.ErrNotHeld) {
		t.Errorf("of another partition: %v", err)
	}
	if got := list(t, i, inspect.Query{}); !slices.Equal(got, []string{"orders/0@6"}) {
		t.Errorf("open are %v", got)
	}
}

// TestALetterOfADeletedTopicHoldsNoRecordBack: it cannot be requeued, either.
func TestALetterOfADeletedTopicHoldsNoRecordBack(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 8, 2)
	k := newKafkaLog(8)
	i := inspect.New(s, inspect.Options{Kafka: k})
	if op := do(t, i, inspect.Command{Verb: inspect.Bury, Select: ofOffsets(2, 4)}); len(op.Done) != 2 {
		t.Fatal(op)
	}
	part := s.Attached()[0]
	must(t, part.Reset(8)) // nothing is open
	must(t, part.Configure("another", "scheme"))
	k.topicID = "another"
	p, err := i.Plan(t.Context(), again(2, 3))
	must(t, err)
	if len(p.Again) != 2 || len(p.Refused) > 0 || p.Again[0].Overtaken == nil || !*p.Again[0].Overtaken {
		t.Errorf("%+v", p)
	}
	if op, err := i.Execute(t.Context(), p); err != nil || len(op.Done) != 2 {
		t.Errorf("%+v, %v", op, err)
	}
}

func TestSelectionsOfRecordsAreChecked(t *testing.T) {
	t.Parallel()
	with := func(change func(*inspect.Command)) inspect.Command {
		c := again(1)
		change(&c)
		return c
	}
	if err := again(1).Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []inspect.Command{
		with(func(c *inspect.Command) { c.Select.Offsets = nil }),
		with(func(c *inspect.Command) { c.Select.Offsets = []int64{-1} }),
		with(func(c *inspect.Command) { c.Select.Offsets = make([]int64, inspect.MaxJobs+1) }),
		with(func(c *inspect.Command) { c.Select.Partitions = []int32{0, 1} }),
		with(func(c *inspect.Command) { c.Select.Key = []byte("k") }),
		with(func(c *inspect.Command) { c.Dead.Topic = "orders" }),
		with(func(c *inspect.Command) { c.Rate = 1 }),
		with(func(c *inspect.Command) { c.StopAt = 0.5 }),
		with(func(c *inspect.Command) { c.ResetAttempts = true }),
		with(func(c *inspect.Command) { c.Verb = inspect.Retry }),
		{Verb: inspect.Requeue, NewID: true, Dead: inspect.DeadQuery{Topic: "orders"}},
		{Verb: inspect.Skip, NewID: true, Select: ofOffsets(1)},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%s is taken", c)
		}
	}
	for text, offsets := range map[string][]int64{
		"requeue --topic orders --partition 0 --offset 3-5 --offset 9 --offset 7 --from-kafka": {3, 4, 5, 9, 7},
		"requeue --topic orders --partition 0 --offset 0 --offset 2 --offset 4 --offset 6 --offset 8 --offset 10 --offset 12 --offset 14 --offset 16 --offset 18 " +
			"--offset 20 --offset 22 --offset 24 --offset 26 --offset 28 --offset 30 --offset 32 --offset 34 --offset 36 --offset 38 ... 2 more offsets --from-kafka": {
			0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 41},
	} {
		if got := again(offsets...).String(); got != text {
			t.Errorf("%s, want %s", got, text)
		}
	}
	if text := with(func(c *inspect.Command) { c.NewID = true }).String(); text != "requeue --topic orders --partition 0 --offset 1 --from-kafka --new-id" {
		t.Error(text)
	}
}

// TestFarBehindARecordNothingIsKnown: Kafka is not read without end for it.
func TestFarBehindARecordNothingIsKnown(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 2, 2)
	k := newKafkaLog(100_000)
	i := inspect.New(s, inspect.Options{Kafka: k})
	skipped(t, i, 0, 1)
	must(t, s.Attached()[0].AdvanceTo(100_000))
	k.missing = nil
	k.bytes = 100 << 10
	p, err := i.Plan(t.Context(), again(99_998, 0))
	must(t, err)
	if len(p.Again) != 2 || p.Again[0].Overtaken == nil || !*p.Again[0].Overtaken || p.Again[1].Overtaken != nil {
		t.Errorf("%+v", p.Again)
	}
	if k.reads > 200 {
		t.Errorf("%d answers of Kafka were read", k.reads)
	}
}
