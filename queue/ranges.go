package queue

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// Range is the offsets from From to below To.
type Range struct{ From, To int64 }

// ranges is a set of offsets: ascending ranges, none empty, apart from each
// other. It is not changed in place, since slices of it are shared.
type ranges []Range

func (s ranges) check() error {
	for i, r := range s {
		if r.From < 0 || r.From >= r.To || i > 0 && r.From <= s[i-1].To {
			return fmt.Errorf("range %d, [%d, %d), is empty or not above the one before", i, r.From, r.To)
		}
	}
	return nil
}

func (s ranges) has(offset int64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].To > offset })
	return i < len(s) && s[i].From <= offset
}

func (s ranges) count() (n int64) {
	for _, r := range s {
		n += r.To - r.From
	}
	return n
}

// from returns the part of the set that is not below offset.
func (s ranges) from(offset int64) ranges {
	i := 0
	for i < len(s) && s[i].To <= offset {
		i++
	}
	s = s[i:]
	if len(s) > 0 && s[0].From < offset {
		s = slices.Clone(s)
		s[0].From = offset
	}
	return s
}

func (s ranges) union(t ranges) ranges {
	all := slices.Concat(s, t)
	slices.SortFunc(all, func(a, b Range) int { return int(min(1, max(-1, a.From-b.From))) })
	joined := all[:0]
	for _, r := range all {
		if n := len(joined); n > 0 && r.From <= joined[n-1].To {
			joined[n-1].To = max(joined[n-1].To, r.To)
		} else {
			joined = append(joined, r)
		}
	}
	return joined
}

const rangeSize = 16

// encode returns the file's value of the set.
func (s ranges) encode() []byte {
	payload := make([]byte, 0, len(s)*rangeSize)
	for _, r := range s {
		payload = binary.BigEndian.AppendUint64(payload, uint64(r.From))
		payload = binary.BigEndian.AppendUint64(payload, uint64(r.To))
	}
	return appendFrame(nil, payload)
}

// openRanges reads a value of the file; there may be none.
func openRanges(value []byte) (ranges, error) {
	if value == nil {
		return nil, nil
	}
	payload, err := openWhole(value)
	if err != nil {
		return nil, err
	}
	if len(payload)%rangeSize != 0 {
		return nil, fmt.Errorf("ranges of %d bytes are no multiple of %d", len(payload), rangeSize)
	}
	s := make(ranges, len(payload)/rangeSize)
	for i := range s {
		b := payload[i*rangeSize:]
		s[i] = Range{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}
	}
	return s, s.check()
}
