package endtoend

import (
	"maps"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

const flowing = 12 // partitions

func testCooperative(t *testing.T, k *kafka) { churn(t, k, "cooperative-sticky") }
func testRange(t *testing.T, k *kafka)       { churn(t, k, "range") }

// churn lets three members join, leave and be killed.
func churn(t *testing.T, k *kafka, assignor string) {
	f := k.fleet(t, flowing, assignor, false)
	stopFeeding := f.feed(t)
	for _, name := range []string{"a", "b", "c"} {
		f.boot(t, name)
		f.waitShared(t, name+" joins")
	}
	f.kill(t, "c")
	f.waitShared(t, "c was killed")
	f.boot(t, "c")
	f.waitShared(t, "c joins")
	f.stop(t, "b")
	f.waitShared(t, "b leaves")
	f.boot(t, "b")
	f.waitShared(t, "b joins")
	f.kill(t, "a")
	f.waitShared(t, "a was killed")
	stopFeeding()
	checkHandOver(t, f.finish(t))
	f.checkFlow(t, "a", "b", "c")
}

// checkHandOver wants no job to run again where its partition was given up as
// planned: here, what is complete above the frontier fits into a commit. After a
// kill, what was not committed may run again elsewhere, and the judge has seen
// that nothing else did.
func checkHandOver(t *testing.T, r history.Report) {
	t.Helper()
	if r.HandedOver > 0 {
		t.Errorf("%d jobs ran again after they had been handed over", r.HandedOver)
	}
}

// testRolling restarts each of three dynamic members as planned.
func testRolling(t *testing.T, k *kafka) {
	f := k.fleet(t, flowing, "cooperative-sticky", false)
	stopFeeding := f.feed(t)
	f.boot(t, "a", "b", "c")
	f.waitShared(t, "all join")
	for _, name := range []string{"a", "b", "c"} {
		f.stop(t, name)
		f.waitShared(t, name+" leaves")
		f.boot(t, name)
		f.waitShared(t, name+" joins")
	}
	stopFeeding()
	checkHandOver(t, f.finish(t))
	f.checkFlow(t, "a", "b", "c")
}

// testStatic restarts static members within the session timeout, after a kill
// and then each in turn as planned: nothing moves, and nothing that was durable
// runs again.
func testStatic(t *testing.T, k *kafka) {
	f := k.fleet(t, flowing, "cooperative-sticky", true)
	f.session = longSession
	stopFeeding := f.feed(t)
	f.boot(t, "a", "b", "c")
	before := f.waitShared(t, "all join")
	taken := func() (n int) {
		for _, name := range []string{"a", "b", "c"} {
			n += len(ofKind("taken", f.notes(t, name)))
		}
		return n
	}
	at := taken()
	f.waitDone(t, 20*flowing)
	f.kill(t, "b")
	f.boot(t, "b")
	f.waitShared(t, "b is back after the kill")
	for _, name := range []string{"a", "b", "c"} {
		f.waitDone(t, 20*flowing)
		f.stop(t, name)
		f.boot(t, name)
		f.waitShared(t, name+" is back after the stop")
	}
	after := f.owned(t)
	if !maps.EqualFunc(before, after, maps.Equal) {
		t.Errorf("partitions moved from %v to %v", before, after)
	}
	if moved, restarts := taken()-at, len(before["b"])+flowing; moved != restarts {
		t.Errorf("partitions were taken %d times, want %d: those of each member that started again", moved, restarts)
	}
	stopFeeding()
	if report := f.finish(t); report.HandedOver+report.AfterCrash > 0 {
		t.Errorf("jobs ran again elsewhere: %v", report)
	}
	f.checkFlow(t, "a", "b", "c")
}
