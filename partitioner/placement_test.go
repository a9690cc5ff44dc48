package partitioner_test

import (
	"encoding/hex"
	"strconv"
	"sync"
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

func TestPlacementAgreesWithPublishedVectors(t *testing.T) {
	t.Parallel()
	var published producerVectors
	loadVectors(t, "partitioners.json", &published)
	placements := map[string]*partitioner.Placement{"kafka_murmur2": {}}
	for _, h := range partitioner.Hashes() {
		if h.Name != "murmur2" { // that of the zero value
			placements[producerOf[h.Name]] = &partitioner.Placement{Hash: h}
		}
	}
	for _, v := range published.Vectors {
		key, err := hex.DecodeString(v.KeyHex)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range published.Counts {
			for producer, p := range placements {
				if got, want := p.Partition(key, n), v.Partition[strconv.Itoa(int(n))][producer]; got != want {
					t.Errorf("%s places %q of %d in %d, published %d", producer, key, n, got, want)
				}
			}
		}
	}
}

func TestRecordsWithoutAKeyAreDealtOut(t *testing.T) {
	t.Parallel()
	var p partitioner.Placement
	var mu sync.Mutex
	seen := make(map[int32]int)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 30 {
				at := p.Partition(nil, 4)
				mu.Lock()
				seen[at]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for at := range int32(4) {
		if seen[at] != 30 {
			t.Errorf("partition %d was chosen %d times of 120, want 30", at, seen[at])
		}
	}
	if a, b := p.Partition([]byte{}, 12), p.Partition([]byte{}, 12); a != b {
		t.Errorf("an empty key, which is a key, went to %d and to %d", a, b)
	}
	if got := p.Partition(nil, 0); got != -1 {
		t.Errorf("of no partition, %d was chosen", got)
	}
}
