package partitioner_test

import (
	"fmt"
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// Keys that a producer's hash put into one Kafka partition must still fill all
// lanes of that partition evenly, whichever hash it was.
func TestLanesAreIndependentOfProducerHashes(t *testing.T) {
	t.Parallel()
	const keys, partitions = 5000, 12
	for _, h := range partitioner.Hashes() {
		records := recordsOfPartitionZero(h, keys, partitions)
		for _, lanes := range []int{8, 12, 16, 64} {
			t.Run(fmt.Sprintf("%s/%d", h.Name, lanes), func(t *testing.T) {
				t.Parallel()
				p := newPartitioner(t, partitioner.Scheme{Lanes: lanes})
				counts := make(map[uint64]int)
				most := 0
				for _, rec := range records {
					id := laneOf(t, p, rec).ID
					counts[id]++
					most = max(most, counts[id])
				}
				if len(counts) != lanes {
					t.Errorf("%d of %d lanes used", len(counts), lanes)
				}
				if skew := float64(most) * float64(lanes) / keys; skew >= 1.5 {
					t.Errorf("max/mean is %.2f, want below 1.5", skew)
				}
			})
		}
	}
}

func recordsOfPartitionZero(h partitioner.Hash, want int, partitions int32) []partitioner.Record {
	var records []partitioner.Record
	for i := 0; len(records) < want; i++ {
		if rec := keyed(fmt.Sprintf("customer-%d", i)); h.Partition(rec.Key, partitions) == 0 {
			records = append(records, rec)
		}
	}
	return records
}
