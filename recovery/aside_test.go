package recovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

func drawParked(t *rapid.T, most int) []queue.ParkedIn {
	var pairs []parkedAt
	for _, lane := range rapid.SliceOfNDistinct(rapid.Uint64(), 0, most, rapid.ID).Draw(t, "parked") {
		for _, store := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "k3v0", "b.~ %"}), 1, 2, rapid.ID).Draw(t, "stores") {
			pairs = append(pairs, parkedAt{store, lane})
		}
	}
	return gatherParked(pairs)
}

func drawPaused(t *rapid.T) (list []Paused) {
	for _, lane := range rapid.SliceOfN(rapid.Uint64(), 0, 3).Draw(t, "paused") {
		p := Paused{Lane: lane, Until: rapid.SampledFrom([]time.Time{{}, time.Unix(1_800_000_000, 0)}).Draw(t, "until")}
		if p.All = lane%2 == 0; p.All {
			p.Lane = 0
		}
		list = append(list, p)
	}
	return list
}

func TestAStampCarriesAllLanesThatMayBeParked(t *testing.T) {
	t.Parallel()
	s := Stamp{TopicID: strings.Repeat("t", 22), StoreID: strings.Repeat("s", 40), Epoch: 1 << 40, Scheme: SchemeSum("key")}
	for i := range uint64(queue.MaxParked) {
		s.Parked = append(s.Parked, queue.ParkedIn{Lane: i * 0x9e3779b97f4a7c15, Here: i%2 == 0, Stores: []string{strings.Repeat("o", 40)}})
	}
	slices.SortFunc(s.Parked, func(a, b queue.ParkedIn) int {
		return strings.Compare(fmt.Sprintf("%016x", a.Lane), fmt.Sprintf("%016x", b.Lane))
	})
	s.Ahead = []queue.Range{{From: 7, To: 9}}
	fitted, text := s.Fit(MaxStamp)
	if len(fitted.Parked) != queue.MaxParked || len(fitted.Ahead) != 1 {
		t.Errorf("%d lanes and %d ranges fit", len(fitted.Parked), len(fitted.Ahead))
	}
	got, err := DecodeStamp(text)
	if diff := cmp.Diff(fitted, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestParkedLanesGoBeforeWhatIsAhead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := Stamp{TopicID: "t", StoreID: "s", Epoch: 1, Scheme: 7, Ahead: drawRanges(t), Parked: drawParked(t, 40), Paused: drawPaused(t)}
		limit := rapid.IntRange(30, 1000).Draw(t, "limit")
		fitted, text := s.Fit(limit)
		if text == "" {
			return
		}
		got, err := DecodeStamp(text)
		if err != nil || !cmp.Equal(got, fitted, cmpopts.EquateEmpty()) {
			t.Fatalf("%+v became %+v, %v", fitted, got, err)
		}
		s.Ahead = nil
		if without, _ := s.Fit(limit); !cmp.Equal(without.Parked, fitted.Parked) {
			t.Fatalf("%d lanes fit without what is ahead, %d with it", len(without.Parked), len(fitted.Parked))
		}
	})
}
