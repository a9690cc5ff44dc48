package recovery

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/seed-2837c37b/holdfast/queue"
)

// The completed-ahead set is packed as the lengths of its ranges and of the
// holes between them, in turn, each length less one in an Exp-Golomb code. Two
// orders, one for the ranges and one for the holes, fit the code to the
// pattern: every second offset done costs one bit per offset as in a bitmap, 4%
// of the offsets stuck cost 0.3, and a million done behind one stuck head 5
// bytes altogether.
//
//	order of the ranges (1 byte), order of the holes (1 byte),
//	first offset (unsigned varint), codes, zero bits up to a whole byte
//
// The bytes are in base64url without padding, which every tool passes on.

// maxOrder bounds the orders of the codes.
const maxOrder = 31

var errPacked = errors.New("packed ranges are malformed")

// packRanges packs as many of the ranges, from the first on, as limit
// characters hold. The ranges ascend and are apart from each other.
func packRanges(set []queue.Range, limit int) (text string, carried int) {
	room := base64.RawURLEncoding.DecodedLen(max(0, limit)) * 8
	// A range and its hole are two bits at least: more never fit, and must not
	// decide about the orders.
	sample := set[:min(len(set), room/2)]
	rangeOrder := bestOrder(sample, 0, rangeLength)
	holeOrder := bestOrder(sample, 1, holeLength)
	if len(sample) == 0 {
		return "", 0
	}
	w := bitWriter{bytes: binary.AppendUvarint([]byte{rangeOrder, holeOrder}, uint64(set[0].From))}
	w.free = room - 8*len(w.bytes)
	for i := range sample {
		bits := codeBits(rangeLength(set, i), rangeOrder)
		if i > 0 {
			bits += codeBits(holeLength(set, i), holeOrder)
		}
		if bits > w.free {
			break
		}
		if i > 0 {
			w.code(holeLength(set, i), holeOrder)
		}
		w.code(rangeLength(set, i), rangeOrder)
		carried++
	}
	if carried == 0 {
		return "", 0
	}
	return base64.RawURLEncoding.EncodeToString(w.bytes), carried
}

// rangeLength and holeLength are of the i-th range, and of the hole before it,
// less one.
func rangeLength(set []queue.Range, i int) uint64 { return uint64(set[i].To - set[i].From - 1) }
func holeLength(set []queue.Range, i int) uint64  { return uint64(set[i].From - set[i-1].To - 1) }

// bestOrder is the order in which the lengths, from the one of the first range
// on, need the fewest bits. Past the best one the bits only grow, but for ties.
func bestOrder(set []queue.Range, first int, length func([]queue.Range, int) uint64) (best byte) {
	fewest := math.MaxInt
	for order := range byte(maxOrder + 1) {
		bits := 0
		for i := first; i < len(set); i++ {
			bits += codeBits(length(set, i), order)
		}
		if bits < fewest {
			best, fewest = order, bits
		}
		if order > best+1 {
			break
		}
	}
	return best
}

// codeBits is the size of v's code: the bits of v without the lowest ones, as
// many zeros as precede their first, and the lowest ones as they are.
func codeBits(v uint64, order byte) int { return 2*bits.Len64(v>>order+1) - 1 + int(order) }

// bitWriter appends bits, the highest of a byte first.
type bitWriter struct {
	bytes []byte
	used  int // bits of the last byte; 0: it is full
	free  int // bits that still may come
}

func (w *bitWriter) code(v uint64, order byte) {
	high := v>>order + 1
	w.write(0, bits.Len64(high)-1)
	w.write(high, bits.Len64(high))
	w.write(v, int(order))
}

// write appends the lowest width bits of v.
func (w *bitWriter) write(v uint64, width int) {
	w.free -= width
	for width--; width >= 0; width-- {
		if w.used == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[len(w.bytes)-1] |= byte(v>>width&1) << (7 - w.used)
		w.used = (w.used + 1) % 8
	}
}

// unpackRanges is the inverse of packRanges.
func unpackRanges(text string) ([]queue.Range, error) {
	packed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	if len(packed) < 3 || packed[0] > maxOrder || packed[1] > maxOrder {
		return nil, errPacked
	}
	first, n := binary.Uvarint(packed[2:])
	if n <= 0 || first > math.MaxInt64 {
		return nil, errPacked
	}
	r := bitReader{bytes: packed[2+n:]}
	var set []queue.Range
	for at := first; ; {
		length, err := r.code(packed[0])
		if err != nil {
			return nil, err
		}
		end := at + length + 1
		if end < at || end > math.MaxInt64 {
			return nil, errPacked
		}
		set = append(set, queue.Range{From: int64(at), To: int64(end)})
		if r.padding() {
			return set, nil
		}
		hole, err := r.code(packed[1])
		if err != nil {
			return nil, err
		}
		if at = end + hole + 1; at < end || at > math.MaxInt64 {
			return nil, errPacked
		}
	}
}

type bitReader struct {
	bytes []byte
	at    int // in bits
}

// padding tells whether what is left is less than a byte of zeros. No code is
// that: each has a one.
func (r *bitReader) padding() bool {
	left := 8*len(r.bytes) - r.at
	return left < 8 && (left == 0 || r.bytes[len(r.bytes)-1]&(1<<left-1) == 0)
}

func (r *bitReader) code(order byte) (uint64, error) {
	zeros := 0
	for {
		bit, ok := r.read()
		if !ok || zeros+int(order) > 62 {
			return 0, errPacked
		}
		if bit == 1 {
			break
		}
		zeros++
	}
	high := uint64(1)
	for range zeros {
		bit, ok := r.read()
		if !ok {
			return 0, errPacked
		}
		high = high<<1 | bit
	}
	v := high - 1
	for range order {
		bit, ok := r.read()
		if !ok {
			return 0, errPacked
		}
		v = v<<1 | bit
	}
	return v, nil
}

func (r *bitReader) read() (uint64, bool) {
	if r.at >= 8*len(r.bytes) {
		return 0, false
	}
	bit := r.bytes[r.at/8] >> (7 - r.at%8) & 1
	r.at++
	return uint64(bit), true
}
