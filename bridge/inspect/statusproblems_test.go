package inspect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a bridge lets go of while it stops, as its leases, is no trouble.
func TestABridgeThatStopsIsNotInTrouble(t *testing.T) {
	t.Parallel()
	for _, stopping := range []bool{false, true} {
		s := calm()
		s.Until = ago(time.Second)
		p := &problems{now: noon}
		p.ofPartition(&s.view, stopping)
		if found := len(p.list) > 0; found == stopping {
			t.Errorf("stopping: %v, and its problems are %+v", stopping, p.list)
		}
	}
}

// What the log said once, hours ago, is in the status for as long as it is true.
func TestStatusTellsOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	p, full := &problems{now: noon}, 20*time.Minute
	p.ofMember(&Status{Member: &Member{ID: "m", Confirmed: noon, Missing: []string{"ordres"}}})
	p.ofTopic(TopicStatus{Topic: "orders", Unsent: 3, CopyError: "not authorized", CopySince: ago(time.Hour)}, Lag{}, false)
	p.ofDisk(DiskSummary{FullIn: &full})
	want := []string{
		"Kafka has no topic of this name; it is taken when it is created",
		"3 dead letters are not copied to their topic, since 11:00:00: not authorized; they are kept here and sent when it takes them",
		"fetching throttles in about 20 minutes, as the store grows",
	}
	var got []string
	for _, problem := range p.list {
		got = append(got, problem.Text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p.list, full = nil, 0
	p.ofMember(&Status{Member: &Member{ID: "m", Confirmed: noon}})
	p.ofTopic(TopicStatus{Topic: "orders", Unsent: 3}, Lag{}, false) // on their way
	p.ofDisk(DiskSummary{FullIn: &full})                             // its partitions say so
	if len(p.list) > 0 {
		t.Errorf("without trouble there is %+v", p.list)
	}
}
