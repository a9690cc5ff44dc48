package partitioner

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/dchest/siphash"
)

// Hash is a hash by which a Kafka producer turns a key into a partition number.
type Hash struct {
	Name string
	Bits int // width of Sum: 32 or 64
	Sum  func(key []byte) uint64
	// Partition applies the producer's own rule to Sum; below one partition it
	// gives -1. A null key has no partition by hash: producers place it freely.
	Partition func(key []byte, partitions int32) int32
}

// Hashes returns every named hash, always in the same order.
func Hashes() []Hash {
	return []Hash{
		newHash("murmur2", 32, murmur2, maskedRemainder),
		newHash("fnv1a", 32, fnv1a, signedRemainder),
		newHash("fnv1a-reference", 32, fnv1a, maskedRemainder),
		newHash("crc32", 32, crc, unsignedRemainder),
		newHash("fluvio", 64, fluvio, unsignedRemainder),
	}
}

// HashByName returns the hash of that name.
func HashByName(name string) (Hash, bool) {
	for _, h := range Hashes() {
		if h.Name == name {
			return h, true
		}
	}
	return Hash{}, false
}

func newHash(name string, bits int, sum func([]byte) uint64, rule func(sum uint64, n int32) int32) Hash {
	partition := func(key []byte, n int32) int32 {
		if n < 1 {
			return -1
		}
		return rule(sum(key), n)
	}
	return Hash{Name: name, Bits: bits, Sum: sum, Partition: partition}
}

// maskedRemainder clears the sign bit first, as Kafka's Java client does.
func maskedRemainder(sum uint64, n int32) int32 {
	return int32(sum&0x7fffffff) % n
}

// signedRemainder takes the remainder first and its absolute value then, as
// sarama's default partitioner does.
func signedRemainder(sum uint64, n int32) int32 {
	r := int32(uint32(sum)) % n
	if r < 0 {
		return -r
	}
	return r
}

// unsignedRemainder is the rule of librdkafka and Fluvio.
func unsignedRemainder(sum uint64, n int32) int32 {
	return int32(sum % uint64(n))
}

// murmur2 is the variant of Kafka's Java client (Utils.murmur2), seed included.
func murmur2(key []byte) uint64 {
	const (
		seed uint32 = 0x9747b28c
		m    uint32 = 0x5bd1e995
		r           = 24
	)
	h := seed ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h = (h ^ h>>13) * m
	return uint64(h ^ h>>15)
}

func fnv1a(key []byte) uint64 {
	const offsetBasis, prime uint32 = 2166136261, 16777619
	h := offsetBasis
	for _, b := range key {
		h = (h ^ uint32(b)) * prime
	}
	return uint64(h)
}

func crc(key []byte) uint64 {
	return uint64(crc32.ChecksumIEEE(key))
}

// fluvio hashes the key as Rust's Hash trait feeds a byte slice to a hasher: its
// length first. Plain SipHash of the key gives other partitions.
func fluvio(key []byte) uint64 {
	buf := make([]byte, 0, 128) // stays on the stack; longer keys move to the heap
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(key)))
	return siphash.Hash(0, 0, append(buf, key...))
}
