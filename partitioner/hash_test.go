package partitioner_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// producerVectors is the form of testdata/vectors/partitioners.json.
type producerVectors struct {
	Counts  []int32
	Vectors []struct {
		KeyHex    string                      `json:"key_hex"`
		Fluvio    string                      `json:"fluvio_sip24_u64"`
		Murmur2   string                      `json:"murmur2_u32"`
		FNV1a     string                      `json:"fnv1a_u32"`
		CRC32     string                      `json:"crc32_u32"`
		Partition map[string]map[string]int32 // partition count -> producer -> partition
	}
}

// producerOf names the producer in the vectors that each hash stands for.
var producerOf = map[string]string{
	"murmur2":         "kafka_murmur2",
	"fnv1a":           "sarama",
	"fnv1a-reference": "sarama_reference",
	"crc32":           "librdkafka_consistent",
	"fluvio":          "fluvio",
}

func loadVectors(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestHashesAgreeWithPublishedVectors(t *testing.T) {
	t.Parallel()
	var published producerVectors
	loadVectors(t, "partitioners.json", &published)
	if len(published.Vectors) == 0 || len(published.Counts) == 0 {
		t.Fatal("the vectors file is empty")
	}
	for _, v := range published.Vectors {
		key, err := hex.DecodeString(v.KeyHex)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string]string{
			"murmur2": v.Murmur2, "fnv1a": v.FNV1a, "fnv1a-reference": v.FNV1a, "crc32": v.CRC32, "fluvio": v.Fluvio,
		}
		for _, h := range partitioner.Hashes() {
			if got := fmt.Sprintf("0x%0*x", h.Bits/4, h.Sum(key)); got != sums[h.Name] {
				t.Errorf("%s of %q: %s, published %s", h.Name, key, got, sums[h.Name])
			}
			for _, n := range published.Counts {
				want, ok := v.Partition[strconv.Itoa(int(n))][producerOf[h.Name]]
				if !ok {
					t.Fatalf("no vector for %s of %q over %d", h.Name, key, n)
				}
				if got := h.Partition(key, n); got != want {
					t.Errorf("%s partition of %q over %d: %d, published %d", h.Name, key, n, got, want)
				}
			}
		}
	}
}

func TestHashByName(t *testing.T) {
	t.Parallel()
	var names []string
	for _, h := range partitioner.Hashes() {
		names = append(names, h.Name)
		if found, ok := partitioner.HashByName(h.Name); !ok || found.Name != h.Name {
			t.Errorf("HashByName(%q) = %q, %v", h.Name, found.Name, ok)
		}
	}
	want := []string{"murmur2", "fnv1a", "fnv1a-reference", "crc32", "fluvio"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if _, ok := partitioner.HashByName("md5"); ok {
		t.Error("an unknown hash was found")
	}
}

func TestHashWithoutPartitions(t *testing.T) {
	t.Parallel()
	for _, h := range partitioner.Hashes() {
		for _, n := range []int32{0, -1} {
			if got := h.Partition([]byte("k"), n); got != -1 {
				t.Errorf("%s over %d partitions: %d, want -1", h.Name, n, got)
			}
		}
	}
}

func TestHashLongKey(t *testing.T) {
	t.Parallel()
	key := make([]byte, 4096) // longer than any buffer on the stack
	for _, h := range partitioner.Hashes() {
		short := h.Sum(key[:4095])
		if h.Sum(key) == short {
			t.Errorf("%s ignores the last byte of a long key", h.Name)
		}
	}
}
