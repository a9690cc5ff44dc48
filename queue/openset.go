package queue

import (
	"iter"
	"math/bits"
	"slices"
	"sort"
)

// openSet is the set of unfinished offsets of a partition. Offsets are added
// in ascending order and removed in any; the lowest one is the frontier.
//
// It is a list of bitmaps over 1,024 offsets each, of which only those with an
// open offset are kept: its size follows the number of open jobs and not the
// distance between the first and the last.
type openSet struct {
	spans []span // ascending by base; emptied ones stay until compact
	empty int    // spans without an open offset
	first int    // no span before it has an open offset
	count int
}

const spanBits = 1024

type span struct {
	base int64 // offset of bit 0, a multiple of spanBits
	open int
	bits [spanBits / 64]uint64
}

func (s *openSet) add(offset int64) {
	base := offset &^ (spanBits - 1)
	if n := len(s.spans); n == 0 || s.spans[n-1].base != base {
		s.spans = append(s.spans, span{base: base})
		s.empty++
	}
	sp := &s.spans[len(s.spans)-1]
	if sp.open == 0 {
		s.empty--
		s.first = min(s.first, len(s.spans)-1)
	}
	bit := offset - base
	sp.bits[bit/64] |= 1 << (bit % 64)
	sp.open++
	s.count++
}

func (s *openSet) find(offset int64) *span {
	base := offset &^ (spanBits - 1)
	n := len(s.spans)
	if n > 0 && s.spans[n-1].base == base {
		return &s.spans[n-1]
	}
	i := s.first + sort.Search(n-s.first, func(i int) bool { return s.spans[s.first+i].base >= base })
	if i < n && s.spans[i].base == base {
		return &s.spans[i]
	}
	return nil
}

func (s *openSet) has(offset int64) bool {
	sp := s.find(offset)
	bit := offset & (spanBits - 1)
	return sp != nil && sp.bits[bit/64]&(1<<(bit%64)) != 0
}

// remove reports whether offset was in the set.
func (s *openSet) remove(offset int64) bool {
	sp := s.find(offset)
	if sp == nil {
		return false
	}
	bit := offset & (spanBits - 1)
	mask := uint64(1) << (bit % 64)
	if sp.bits[bit/64]&mask == 0 {
		return false
	}
	sp.bits[bit/64] &^= mask
	sp.open--
	s.count--
	if sp.open == 0 {
		s.empty++
		s.compact()
	}
	return true
}

// compact drops the emptied spans once they are the larger half.
func (s *openSet) compact() {
	for s.first < len(s.spans) && s.spans[s.first].open == 0 {
		s.first++
	}
	if s.empty < 16 || s.empty*2 < len(s.spans) {
		return
	}
	kept := s.spans[:0]
	for _, sp := range s.spans {
		if sp.open > 0 {
			kept = append(kept, sp)
		}
	}
	clear(s.spans[len(kept):])
	s.spans, s.empty, s.first = kept, 0, 0
}

// min returns the lowest open offset, or false when there is none.
func (s *openSet) min() (int64, bool) {
	for i := s.first; i < len(s.spans); i++ {
		sp := &s.spans[i]
		if sp.open == 0 {
			continue
		}
		for w, word := range sp.bits {
			if word != 0 {
				return sp.base + int64(w*64+bits.TrailingZeros64(word)), true
			}
		}
	}
	return 0, false
}

// max returns the highest open offset, or false when there is none.
func (s *openSet) max() (int64, bool) {
	for _, sp := range slices.Backward(s.spans) {
		for w, word := range slices.Backward(sp.bits[:]) {
			if word != 0 {
				return sp.base + int64(w*64+63-bits.LeadingZeros64(word)), true
			}
		}
	}
	return 0, false
}

// list returns at most limit open offsets in [from, end).
func (s *openSet) list(from, end int64, limit int) (offsets []int64) {
	i := s.first + sort.Search(len(s.spans)-s.first, func(i int) bool { return s.spans[s.first+i].base+spanBits > from })
	for ; i < len(s.spans) && s.spans[i].base < end; i++ {
		sp := &s.spans[i]
		for w, word := range sp.bits {
			for ; word != 0; word &= word - 1 {
				offset := sp.base + int64(w*64+bits.TrailingZeros64(word))
				if offset >= end || len(offsets) == limit {
					return offsets
				}
				if offset >= from {
					offsets = append(offsets, offset)
				}
			}
		}
	}
	return offsets
}

// listBelow returns at most limit open offsets below end, descending.
func (s *openSet) listBelow(end int64, limit int) (offsets []int64) {
	i := s.first + sort.Search(len(s.spans)-s.first, func(i int) bool { return s.spans[s.first+i].base >= end }) - 1
	for ; i >= s.first; i-- {
		sp := &s.spans[i]
		for w, word := range slices.Backward(sp.bits[:]) {
			for ; word != 0; word &^= 1 << (63 - bits.LeadingZeros64(word)) {
				offset := sp.base + int64(w*64+63-bits.LeadingZeros64(word))
				if offset >= end {
					continue
				}
				if len(offsets) == limit {
					return offsets
				}
				offsets = append(offsets, offset)
			}
		}
	}
	return offsets
}

// ranges yields the open offsets as ranges, ascending and apart from each other.
func (s *openSet) ranges() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		var last Range
		for i := s.first; i < len(s.spans); i++ {
			sp := &s.spans[i]
			if sp.open == 0 {
				continue
			}
			for w, word := range sp.bits {
				for at := 0; word>>at != 0; {
					at += bits.TrailingZeros64(word >> at)
					ones := bits.TrailingZeros64(^(word >> at))
					from := sp.base + int64(w*64+at)
					if last.To != from && last.From < last.To && !yield(last) {
						return
					}
					if last.To != from {
						last.From = from
					}
					last.To = from + int64(ones)
					at += ones
				}
			}
		}
		if last.From < last.To {
			yield(last)
		}
	}
}
