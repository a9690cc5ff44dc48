package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// waitDead waits until the query lists so many dead letters.
func (s *stuck) waitDead(t *testing.T, q inspect.DeadQuery, n int) (list []inspect.DeadLetter) {
	t.Helper()
	eventually(t, "the dead letters are listed", func() bool {
		list = nil
		for l, err := range s.Inspector().Dead(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, l)
		}
		return len(list) == n
	})
	return list
}

func dead(verb inspect.Verb) inspect.Command {
	return inspect.Command{Verb: verb, Dead: inspect.DeadQuery{Topic: "orders"}}
}

// TestBuriedByAnOperatorAndRequeued takes a halted job through a burial, a
// restart and a requeue.
func TestBuriedByAnOperatorAndRequeued(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	command := bad(inspect.Bury)
	command.Reason = "agreed with the customer"
	if op := execute(t, s.Inspector(), plan(t, s.Inspector(), command)); len(op.Done) != 1 || op.Done[0].Offset != 1 {
		t.Fatalf("operation %+v", op)
	}
	s.waitCommitted(t, 6) // its lane and the offset go on
	s.mustStop(t)
	s.running = start(t, s.cfg)
	<-s.Ready()
	l := s.waitDead(t, inspect.DeadQuery{}, 1)[0]
	if l.String() != "orders/0@1" || string(l.Value) != "bad" || l.Lane != "cust" || !l.Operator || l.Reason != command.Reason ||
		l.Error != "not a number" || l.Attempts != 1 || l.Buried.IsZero() || !strings.HasSuffix(l.ID, "/0@1") || l.Damaged != nil {
		t.Errorf("listed as %+v", l)
	}

	if refused := plan(t, s.Inspector(), dead(inspect.Requeue)).Refused; len(refused) > 0 && refused[0].Reason != "its partition is not held here any more" {
		t.Errorf("refused %+v", refused)
	}
	eventually(t, "the partition is back", func() bool {
		parts, err := s.Inspector().Partitions(t.Context())
		return err == nil && len(parts) == 1
	})
	p := plan(t, s.Inspector(), dead(inspect.Requeue))
	if p.Matched != 1 || len(p.Dead) != 1 || len(p.DeadSample) != 1 || len(p.Errors) != 1 || p.Errors[0].Reason != command.Reason {
		t.Errorf("plan %+v", p)
	}
	op := execute(t, s.Inspector(), p)
	if len(op.Done) != 1 {
		t.Fatalf("operation %+v", op)
	}
	if again := execute(t, s.Inspector(), p); len(again.Done) != 0 || len(again.AlreadyDone) != 1 {
		t.Errorf("executed again: %+v", again)
	}
	s.waitFor(t, inspect.Query{Topic: "orders"}, func(jobs []inspect.Job) bool {
		return len(jobs) == 1 && jobs[0].State == inspect.Halted && jobs[0].Attempts == 2
	})
	s.mended.Store(true)
	execute(t, s.Inspector(), plan(t, s.Inspector(), bad(inspect.Retry)))
	s.waitFor(t, inspect.Query{Topic: "orders"}, func(jobs []inspect.Job) bool { return len(jobs) == 0 })
	s.wantRuns(t, 3)
	s.wantTold(t, "halt", "bury", "requeued", "halt", "retried", "done")
	if n := s.log.count("dead letter requeued by an operator", "orders/0@1"); n != 1 {
		t.Errorf("said %d times that it was requeued", n)
	}
}

func TestDiscardedByAnOperator(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	execute(t, s.Inspector(), plan(t, s.Inspector(), bad(inspect.Bury)))
	s.waitDead(t, inspect.DeadQuery{Topic: "orders"}, 1)
	p := plan(t, s.Inspector(), dead(inspect.Discard))
	if op := execute(t, s.Inspector(), p); len(op.Done) != 1 {
		t.Errorf("operation %+v", op)
	}
	s.waitDead(t, inspect.DeadQuery{}, 0)
	s.waitCommitted(t, 6)
	s.wantRuns(t, 1)
}

func TestDeadLettersAreSelected(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	execute(t, s.Inspector(), plan(t, s.Inspector(), bad(inspect.Bury)))
	for name, c := range map[string]struct {
		inspect.DeadQuery
		letters int
	}{
		"all":             {inspect.DeadQuery{}, 1},
		"topic":           {inspect.DeadQuery{Topic: "orders"}, 1},
		"other topic":     {inspect.DeadQuery{Topic: "bills"}, 0},
		"partition":       {inspect.DeadQuery{Topic: "orders", Partitions: []int32{0}}, 1},
		"other partition": {inspect.DeadQuery{Topic: "orders", Partitions: []int32{1}}, 0},
		"offset":          {inspect.DeadQuery{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1, 9}}, 1},
		"other offset":    {inspect.DeadQuery{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{2}}, 0},
		"key":             {inspect.DeadQuery{Key: []byte("cust")}, 1},
		"other key":       {inspect.DeadQuery{Key: []byte("c")}, 0},
		"lane":            {inspect.DeadQuery{Lane: []byte("cust")}, 1},
		"other lane":      {inspect.DeadQuery{Lane: []byte("a")}, 0},
		"error":           {inspect.DeadQuery{ErrorMatches: "^not a .umber$"}, 1},
		"other error":     {inspect.DeadQuery{ErrorMatches: "http 503"}, 0},
		"buried before":   {inspect.DeadQuery{BuriedBefore: time.Now().Add(time.Hour)}, 1},
		"buried after":    {inspect.DeadQuery{BuriedBefore: time.Now().Add(-time.Hour)}, 0},
		"at most so many": {inspect.DeadQuery{Limit: 1}, 1},
	} {
		if got := s.waitDead(t, c.DeadQuery, c.letters); len(got) != c.letters {
			t.Errorf("by %s: %+v", name, got)
		}
	}
	for _, err := range s.Inspector().Dead(t.Context(), inspect.DeadQuery{ErrorMatches: "(", Offsets: []int64{1}}) {
		if err == nil || !strings.Contains(err.Error(), "error-matches") || !strings.Contains(err.Error(), "offsets without") {
			t.Errorf("error %v", err)
		}
	}
	command := dead(inspect.Requeue)
	command.Dead.Partitions, command.Dead.Offsets = []int32{0}, []int64{1, 2}
	p := plan(t, s.Inspector(), command)
	if len(p.Dead) != 1 || !slices.ContainsFunc(p.AlreadyDone, func(g inspect.Group) bool { return g.Count == 1 }) {
		t.Errorf("plan %+v", p)
	}
}

// TestDeadLettersGoByTheTopicsBounds: with a byte to keep, one goes as it comes,
// and the hook is told.
func TestDeadLettersGoByTheTopicsBounds(t *testing.T) {
	t.Parallel()
	s := startStuck(t)
	s.mustStop(t)
	s.cfg.Topics[0].DeadLetter.KeepBytes = 1
	s.running = start(t, s.cfg)
	s.waitHalted(t, 1)
	execute(t, s.Inspector(), plan(t, s.Inspector(), bad(inspect.Bury)))
	s.wantTold(t, "halt", "bury", "expired")
	s.waitDead(t, inspect.DeadQuery{}, 0)
	s.waitCommitted(t, 6)
	eventually(t, "the log tells", func() bool { return s.log.count("WARN", "dead letters expired", "letters=1") == 1 })
}
