package recovery

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

func drawRanges(t *rapid.T) []queue.Range {
	length := rapid.OneOf(rapid.Int64Range(1, 3), rapid.Int64Range(1, 5000), rapid.Int64Range(1, 1<<40))
	at := rapid.Int64Range(0, 1<<50).Draw(t, "first")
	set := make([]queue.Range, rapid.IntRange(0, 200).Draw(t, "ranges"))
	for i := range set {
		set[i].From = at
		set[i].To = at + length.Draw(t, "done")
		at = set[i].To + length.Draw(t, "open")
	}
	return set
}

func TestRangesPackAndUnpack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := drawRanges(t)
		limit := rapid.IntRange(0, 3000).Draw(t, "limit")
		text, carried := packRanges(set, limit)
		if len(text) > limit {
			t.Fatalf("%d characters, %d allowed", len(text), limit)
		}
		if carried == 0 {
			return
		}
		got, err := unpackRanges(text)
		if err != nil || !slices.Equal(got, set[:carried]) {
			t.Fatalf("%v became %v, %v", set[:carried], got, err)
		}
		if all, n := packRanges(set, 1<<20); n != len(set) || len(all) <= limit && carried < n {
			t.Fatalf("%d of %d ranges in %d characters, all of them in %d", carried, len(set), limit, len(all))
		}
	})
}

// TestWhatAStampCarries states how far above the offset the completions are
// carried, for the patterns that matter.
func TestWhatAStampCarries(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pattern := func(n int64, done func(int64) bool) (set []queue.Range) {
		for o := int64(1e9 + 1); o < 1e9+n; o++ {
			switch last := len(set) - 1; {
			case !done(o - 1e9):
			case last >= 0 && set[last].To == o:
				set[last].To++
			default:
				set = append(set, queue.Range{From: o, To: o + 1})
			}
		}
		return set
	}
	for _, test := range []struct {
		name  string
		set   []queue.Range
		reach int64 // offsets above the committed one, done or not
	}{
		{"one stuck head, a million behind", []queue.Range{{From: 1e9 + 1, To: 1e9 + 1e6}}, 1e6 - 1},
		{"400 of 10,000 keys stuck", pattern(200_000, func(int64) bool { return random.IntN(10_000) >= 400 }), 75_000},
		{"every second offset done", pattern(100_000, func(o int64) bool { return o%2 == 0 }), 23_000},
		{"half of the offsets at random", pattern(100_000, func(int64) bool { return random.IntN(2) == 0 }), 20_000},
		{"1,000 workers after a stuck head", pattern(30_000, func(o int64) bool { return o < 28_000 || random.IntN(2) == 0 }), 29_998},
	} {
		t.Run(test.name, func(t *testing.T) {
			stamp, text := Stamp{TopicID: "Mi0vqYzuQ2K_x-1abcdefg", StoreID: "hp5zvfyxkz3wcrvw4rq2xkkdgm", Epoch: 17, Ahead: test.set}.Fit(MaxStamp)
			reach := stamp.Ahead[len(stamp.Ahead)-1].To - 1e9 - 1
			t.Logf("%d of %d ranges, %d offsets far, in %d bytes; %d done offsets left", len(stamp.Ahead), len(test.set), reach, len(text), stamp.Left)
			if reach < test.reach || len(text) > MaxStamp {
				t.Errorf("the stamp reaches %d offsets, want %d", reach, test.reach)
			}
		})
	}
}

func TestHostileRangesAllocateLittle(t *testing.T) {
	hostile := make([]byte, MaxStamp)
	for i := range hostile {
		hostile[i] = '_' // all ones: ranges and holes of one offset
	}
	copy(hostile, "AAAB")
	hostile[len(hostile)-1] = '-' // ends with a range
	var set []queue.Range
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			set, _ = unpackRanges(string(hostile))
		}
	}).AllocedBytesPerOp()
	if len(set) < 12_000 {
		t.Fatalf("%d ranges: the text is not the worst", len(set))
	}
	if got > 2<<20 {
		t.Errorf("%d bytes allocated", got)
	}
}

func FuzzUnpackRanges(f *testing.F) {
	f.Add("")
	text, _ := packRanges([]queue.Range{{From: 5, To: 9}, {From: 12, To: 1 << 40}}, 100)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := unpackRanges(text)
		if err != nil {
			if !errors.Is(err, errPacked) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		for i, r := range set {
			if r.From < 0 || r.From >= r.To || i > 0 && r.From <= set[i-1].To {
				t.Fatalf("%q holds %v", text, set)
			}
		}
		again, carried := packRanges(set, len(text))
		if carried < len(set) {
			t.Fatalf("%q packs again to %d of %d ranges", text, carried, len(set))
		}
		if got, err := unpackRanges(again); err != nil || !slices.Equal(got, set) {
			t.Fatalf("%q became %v, %v", text, got, err)
		}
	})
}
