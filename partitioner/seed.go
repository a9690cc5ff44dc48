package partitioner

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// seed is the second half of a SipHash-2-4 key, the first being brand. Both are
// eight letters read as a little-endian number. They are published and fixed:
// lane ids are stored with the jobs, so another seed would put later records of
// a key into another lane than its stored ones.
type seed uint64

const brand uint64 = 0x74736166646c6f68 // "holdfast"

// One seed per purpose, so that two decisions about one record never correlate.
const (
	laneSeed    seed = 0x20202020656e616c // "lane    ": id of a value's lane
	slotSeed    seed = 0x20202020746f6c73 // "slot    ": which of N lanes a value takes
	turnSeed    seed = 0x202020206e727574 // "turn    ": where a round begins
	missingSeed seed = 0x20676e697373696d // "missing ": ids of lanes without a value
	wholeSeed   seed = 0x202020656c6f6877 // "whole   ": id of a whole partition's lane
)

func (s seed) hash(b []byte) uint64 {
	return siphash.Hash(brand, uint64(s), b)
}

func (s seed) hashNumber(n uint64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	return s.hash(b[:])
}
