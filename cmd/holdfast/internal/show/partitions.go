package show

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Partitions is a table of some partitions of a status, whose offsets but the
// committed one are told by how far they are ahead of it.
func Partitions(s inspect.Status, parts []inspect.PartitionStatus, width int) []string {
	return gridOf([]field[inspect.PartitionStatus]{
		{name: "PARTITION", cell: partitionName},
		{name: "COMMITTED", cell: func(p inspect.PartitionStatus) string { return listing.Offset(p.Committed) }, right: true},
		{name: "FRONTIER", cell: func(p inspect.PartitionStatus) string { return ahead(p, p.Frontier) }, right: true, drop: 1},
		{name: "STORED", cell: func(p inspect.PartitionStatus) string { return ahead(p, p.Next) }, right: true},
		{name: "LOG END", cell: func(p inspect.PartitionStatus) string { return aheadKnown(p, p.LogEnd) }, right: true},
		{name: "IN/S", cell: func(p inspect.PartitionStatus) string { return perSecond(p.StoredPerSecond) }, right: true, drop: 3},
		{name: "DONE/S", cell: func(p inspect.PartitionStatus) string { return perSecond(p.DonePerSecond) }, right: true, drop: 2},
		{name: "OLDEST", cell: func(p inspect.PartitionStatus) string { return listing.Age(p.OldestAt, s.At) }, right: true},
		{name: "JOBS", cell: waits},
	}, parts).lines(width)
}

func partitionName(p inspect.PartitionStatus) string {
	return fmt.Sprintf("%s/%d", p.Topic, p.Partition)
}

// ahead is an offset as seen from the committed one; where there is none, as it is.
func ahead(p inspect.PartitionStatus, offset int64) string {
	if p.Committed < 0 || offset < 0 {
		return listing.Offset(offset)
	}
	if n := offset - p.Committed; n < 0 {
		return listing.Count(n)
	}
	return "+" + listing.Count(offset-p.Committed)
}

func aheadKnown(p inspect.PartitionStatus, offset *int64) string {
	if offset == nil {
		return listing.None
	}
	return ahead(p, *offset)
}

func perSecond(known *float64) string {
	if known == nil {
		return listing.None
	}
	return strings.TrimSuffix(rate(*known), "/s")
}

// waits says what is to be done and what keeps it, the worst first: the end may
// be cut.
func waits(p inspect.PartitionStatus) string {
	var words []string
	if text := remarks(p); text != "" {
		words = append(words, text)
	}
	for _, state := range []struct {
		jobs int64
		word string
	}{
		{int64(p.Halted), "halted"}, {int64(p.Retrying), "retrying"}, {int64(p.Blocked), "blocked"}, {p.Parked, "parked"},
		{int64(p.Paused), "paused"}, {int64(p.Running), "running"}, {int64(p.Ready), "ready"}, {int64(p.Deferred), "deferred"},
		{int64(p.Delayed), "delayed"}, {int64(p.Dead), "dead"},
	} {
		if state.jobs > 0 {
			words = append(words, listing.Count(state.jobs)+" "+state.word)
		}
	}
	return orNone(strings.Join(words, ", "))
}

// remarks are what keeps the partition as a whole; empty: nothing does.
func remarks(p inspect.PartitionStatus) string {
	var words []string
	if p.HeldError != "" {
		words = append(words, "HELD")
	}
	if p.CommitError != "" {
		words = append(words, "commits fail")
	}
	if p.WholePaused {
		words = append(words, "paused as a whole")
	}
	if lacks := throttled[p.Throttled]; lacks != "" {
		words = append(words, "throttled: "+lacks)
	}
	return strings.Join(words, ", ")
}

// throttled is what lacks. That enough is stored for now is as it should be.
var throttled = map[inspect.Throttle]string{
	inspect.ThrottledByMemory: "memory", inspect.ThrottledByDisk: "disk budget", inspect.ThrottledByMinFree: "disk",
}

// Order is one of partitions.
type Order string

// The orders of partitions.
const (
	ByName    Order = "name"
	ByTrouble Order = "trouble" // those with the worst problem first, then the oldest
	ByOldest  Order = "oldest"
	ByLag     Order = "lag"  // what Kafka has beyond the committed offset
	ByRate    Order = "rate" // done per second
)

// Orders are all of them, as they follow each other.
func Orders() []Order { return []Order{ByTrouble, ByOldest, ByLag, ByRate, ByName} }

// SortPartitions puts the partitions of a status into an order.
func SortPartitions(s inspect.Status, o Order) []inspect.PartitionStatus {
	worst := troubles(s)
	compare := map[Order]func(a, b inspect.PartitionStatus) int{
		ByTrouble: func(a, b inspect.PartitionStatus) int {
			return cmp.Or(cmp.Compare(worst(b), worst(a)), compareAge(a, b))
		},
		ByOldest: compareAge,
		ByLag:    func(a, b inspect.PartitionStatus) int { return cmp.Compare(lag(b), lag(a)) },
		ByRate: func(a, b inspect.PartitionStatus) int {
			return cmp.Compare(known(b.DonePerSecond), known(a.DonePerSecond))
		},
		ByName: func(a, b inspect.PartitionStatus) int { return 0 },
	}[o]
	sorted := slices.Clone(s.Partitions)
	slices.SortStableFunc(sorted, func(a, b inspect.PartitionStatus) int {
		return cmp.Or(compare(a, b), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return sorted
}

// compareAge puts the oldest first, and what has no age last.
func compareAge(a, b inspect.PartitionStatus) int {
	if a.OldestAt.IsZero() || b.OldestAt.IsZero() {
		return cmp.Compare(btoi(a.OldestAt.IsZero()), btoi(b.OldestAt.IsZero()))
	}
	return a.OldestAt.Compare(b.OldestAt)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// known is a number, or 0 where it is not known.
func known[T float64 | time.Duration](v *T) T {
	if v == nil {
		return 0
	}
	return *v
}

func lag(p inspect.PartitionStatus) int64 {
	end := p.Next
	if p.LogEnd != nil {
		end = max(end, *p.LogEnd)
	}
	return end - max(0, p.Committed)
}

// troubles tells how bad the worst problem of a partition is. That jobs are halted
// is a problem of their topic, and one of the partitions that hold them.
func troubles(s inspect.Status) func(inspect.PartitionStatus) int {
	rank := map[inspect.Severity]int{inspect.Notice: 1, inspect.Warning: 2, inspect.Critical: 3}
	worst := map[string]int{}
	for _, p := range s.Problems {
		if p.Partition != nil {
			name := fmt.Sprintf("%s/%d", p.Topic, *p.Partition)
			worst[name] = max(worst[name], rank[p.Severity])
		}
	}
	return func(p inspect.PartitionStatus) int {
		if p.Halted > 0 {
			return max(worst[partitionName(p)], rank[inspect.Warning])
		}
		return worst[partitionName(p)]
	}
}
