package inspect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

func audit(t *testing.T, i inspect.Inspector, q inspect.AuditQuery) (lines []string) {
	t.Helper()
	for e, err := range i.Audit(t.Context(), q) {
		must(t, err)
		lines = append(lines, fmt.Sprintf("%d %s: %s: %s %d/%d", e.Sequence, e.Actor, e.What, e.Result, e.Done, e.Planned))
	}
	return lines
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryCommandIsInTheAuditTrail(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 2)
	began := time.Now()
	discard := inspect.Command{Verb: inspect.Discard, Dead: inspect.DeadQuery{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1}}, Reason: "it's a test"}
	p := m.plan(discard)
	want(t, audit(t, m.operator, inspect.AuditQuery{})) // a plan changes nothing
	m.execute(p)
	m.execute(p)
	_, err := m.operator.Execute(t.Context(), m.plan(inspect.Command{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Key: []byte{0xff}, Partitions: []int32{0}}}))
	must(t, err)
	what := "discard --topic orders --partition 0 --offset 1 --buried-before " + p.Command.Dead.BuriedBefore.UTC().Format(time.RFC3339Nano) + ` --reason 'it'\''s a test'`
	first := "1 uid 7 (eva): " + what + ": done 1/1"
	second := "2 uid 7 (eva): " + what + ": done 0/1"
	third := `3 program: pause --topic orders --partition 0 --key-hex "ff": done 0/0`
	want(t, audit(t, m.operator, inspect.AuditQuery{}), first, second, third)
	want(t, audit(t, m.operator, inspect.AuditQuery{Limit: 2}), second, third)
	want(t, audit(t, m.operator, inspect.AuditQuery{Actor: "uid 7 (eva)"}), first, second)
	want(t, audit(t, m.operator, inspect.AuditQuery{Verb: inspect.Pause, Since: began, Before: time.Now().Add(time.Hour)}), third)
	want(t, audit(t, m.operator, inspect.AuditQuery{Topic: "bills"}))
	want(t, audit(t, m.operator, inspect.AuditQuery{Before: began}))
	for _, err := range m.operator.Audit(t.Context(), inspect.AuditQuery{Limit: -1}) {
		if err == nil {
			t.Error("a query for less than nothing was taken")
		}
	}
}

func TestTheAuditTrailFollowsAnOperation(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 300)
	p := m.plan(requeueOrders(0))
	id := m.execute(p).Stored.ID
	m.start()
	m.operation(id, settled)
	what := ": " + p.Command.String() + ": "
	want(t, audit(t, m.operator, inspect.AuditQuery{Operation: id}),
		"1 uid 7 (eva)"+what+"stored 0/300", "2 uid 7 (eva)"+what+"done 300/300")
}

// TestACommandThatIsCutOffIsInTheAuditTrail: it is there before it acts.
func TestACommandThatIsCutOffIsInTheAuditTrail(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 200)
	p := m.plan(requeueOrders(0))
	must(t, m.Store.Close())
	if _, err := m.operator.Execute(t.Context(), p); err == nil {
		t.Error("executed on a closed store")
	}
	m.open(1)
	entry, err := inspect.WriteAudit(t.Context(), m.Store, inspect.AuditEntry{At: time.Now(), Verb: "compact", What: strings.Repeat("ü", 5000), Result: inspect.ResultUnknown})
	must(t, err)
	m.close()
	m.open(1)
	for e, err := range m.operator.Audit(t.Context(), inspect.AuditQuery{}) {
		must(t, err)
		if e.Sequence != entry.Sequence || e.Result != inspect.ResultUnknown || len(e.What) > 4100 || !strings.HasSuffix(e.What, "ü...") {
			t.Errorf("entry %d: %s, what %d bytes", e.Sequence, e.Result, len(e.What))
		}
	}
}

func TestADamagedEntryHidesNoOther(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 1, 1)
	_, err := m.PutAudit(queue.AuditEntry{At: time.Now(), Data: []byte("{")})
	must(t, err)
	_, err = inspect.WriteAudit(t.Context(), m.Store, inspect.AuditEntry{At: time.Now(), Verb: "compact"})
	must(t, err)
	var damaged []bool
	for e, err := range m.operator.Audit(t.Context(), inspect.AuditQuery{}) {
		must(t, err)
		damaged = append(damaged, e.Damaged != nil)
	}
	if !slices.Equal(damaged, []bool{true, false}) {
		t.Errorf("damaged: %v", damaged)
	}
}
