package queue

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestOpenSetIsASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var set openSet
		var open []int64 // ascending
		next := rapid.Int64Range(0, 5000).Draw(t, "first")
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				lowest, ok := set.min()
				if ok != (len(open) > 0) || ok && lowest != open[0] || set.count != len(open) {
					t.Fatalf("%d open from %d (%v), want %v", set.count, lowest, ok, open)
				}
				if highest, ok := set.max(); ok != (len(open) > 0) || ok && highest != open[len(open)-1] {
					t.Fatalf("open up to %d (%v), want %v", highest, ok, open)
				}
				if len(set.spans) > 2*len(open)+40 {
					t.Fatalf("%d spans for %d offsets", len(set.spans), len(open))
				}
			},
			"add": func(t *rapid.T) {
				gap := rapid.SampledFrom([]int64{0, 1, 500, spanBits, 10 * spanBits}).Draw(t, "gap")
				for range rapid.IntRange(1, 50).Draw(t, "offsets") {
					next += gap
					set.add(next)
					open = append(open, next)
					next++
				}
			},
			"remove": func(t *rapid.T) {
				from := rapid.IntRange(0, len(open)).Draw(t, "from")
				to := rapid.IntRange(from, len(open)).Draw(t, "to")
				for _, offset := range open[from:to] {
					if !set.has(offset) || !set.remove(offset) || set.has(offset) || set.remove(offset) {
						t.Fatalf("%d was not there once", offset)
					}
				}
				open = slices.Delete(open, from, to)
			},
			"ask": func(t *rapid.T) {
				offset := rapid.Int64Range(0, next+2*spanBits).Draw(t, "offset")
				if want := slices.Contains(open, offset); set.has(offset) != want {
					t.Fatalf("has %d: %v", offset, !want)
				}
			},
		})
	})
}

func TestFifoIsAQueue(t *testing.T) {
	t.Parallel()
	var f fifo[int]
	next, want := 0, 0
	for round := range 50 {
		for range 100 + 40*round {
			f.push(next)
			next++
		}
		for range 90 + 40*round {
			v, ok := f.pop()
			if !ok || v != want {
				t.Fatalf("popped %d, want %d", v, want)
			}
			want++
		}
		if f.len() != next-want {
			t.Fatalf("length %d, want %d", f.len(), next-want)
		}
	}
	if cap(f.items) > 16<<10 {
		t.Errorf("%d places for %d items", cap(f.items), f.len())
	}
}
