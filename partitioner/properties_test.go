package partitioner_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// drawnValues repeats a few values, so that equal ones occur.
var drawnValues = rapid.OneOf(
	rapid.SampledFrom([][]byte{nil, {}, []byte("a"), []byte("b"), []byte("/"), []byte(`\`)}),
	rapid.SliceOfN(rapid.Byte(), 0, 12),
)

var drawnRecord = rapid.Custom(func(t *rapid.T) partitioner.Record {
	json := rapid.SampledFrom([]string{"", "{}", `{"id":1}`, `{"id":"a/b"}`, `{"id":`, `{"id":{"n":[true]}}`})
	return partitioner.Record{
		Offset:  rapid.Int64Min(0).Draw(t, "offset"),
		Key:     drawnValues.Draw(t, "key"),
		Value:   []byte(json.Draw(t, "value")),
		Headers: []partitioner.Header{{Key: "h", Value: drawnValues.Draw(t, "header")}},
	}
})

var drawnSource = rapid.Custom(func(t *rapid.T) partitioner.Source {
	return rapid.SampledFrom([]partitioner.Source{
		partitioner.Key(), partitioner.HeaderValue("h"), partitioner.HeaderValue("absent"), partitioner.JSON("id"),
		partitioner.JSON("id.n.0"), partitioner.RoundRobin(0), partitioner.RoundRobin(3), partitioner.RoundRobin(4),
	}).Draw(t, "source")
})

var drawnScheme = rapid.Custom(func(t *rapid.T) partitioner.Scheme {
	return partitioner.Scheme{
		Sources:  rapid.SliceOfN(drawnSource, 0, 3).Draw(t, "sources"),
		Missing:  partitioner.Missing(rapid.IntRange(0, 3).Draw(t, "missing")),
		Lanes:    rapid.IntRange(0, 4).Draw(t, "lanes"),
		Ordering: partitioner.Ordering(rapid.IntRange(0, 2).Draw(t, "ordering")),
	}
}).Filter(func(s partitioner.Scheme) bool { return s.Validate() == nil })

func TestEqualFingerprintsGiveEqualLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := drawnScheme.Draw(t, "a")
		b := variant(a, drawnScheme.Draw(t, "b"))
		if a.Fingerprint() != b.Fingerprint() {
			t.Skip("different schemes")
		}
		rec := drawnRecord.Draw(t, "record")
		first, second := rapidLane(t, a, rec), rapidLane(t, b, rec)
		if first.Own != second.Own || first.ID != second.ID {
			t.Fatalf("%s: %+v and %+v", a.Fingerprint(), first, second)
		}
	})
}

// variant writes a in another way where there is one, and else returns b.
func variant(a, b partitioner.Scheme) partitioner.Scheme {
	switch {
	case a.Ordering != partitioner.OrderKey:
		b.Ordering = a.Ordering
		return b
	case len(a.Sources) == 0:
		a.Sources = []partitioner.Source{partitioner.Key()}
		return a
	case len(a.Sources) == 1 && strings.HasPrefix(a.Sources[0].String(), "round_robin"):
		for n := range 5 {
			swapped := a
			swapped.Sources, swapped.Lanes = []partitioner.Source{partitioner.RoundRobin(n)}, 0
			if swapped.Fingerprint() == a.Fingerprint() && swapped.Validate() == nil {
				return swapped
			}
		}
	}
	return b
}

func rapidLane(t *rapid.T, s partitioner.Scheme, rec partitioner.Record) partitioner.Lane {
	p, err := partitioner.New(s)
	if err != nil {
		t.Fatal(err)
	}
	lane, err := p.Lane(rec)
	if err != nil {
		t.Fatal(err)
	}
	return lane
}

func TestLaneIsAFunctionOfTheValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawnScheme.Draw(t, "scheme")
		a, b := drawnRecord.Draw(t, "a"), drawnRecord.Draw(t, "b")
		first, second := rapidLane(t, s, a), rapidLane(t, s, b)
		if again := rapidLane(t, s, a); !cmp.Equal(first, again) {
			t.Fatalf("one record, two lanes: %+v and %+v", first, again)
		}
		if first.Own || second.Own {
			return
		}
		if cmp.Equal(first.Name, second.Name) != (first.ID == second.ID) {
			t.Fatalf("names and ids disagree: %+v and %+v", first, second)
		}
		if s.Ordering == partitioner.OrderKey && len(s.Sources) == 0 && s.Lanes > 0 && a.Key != nil && first.ID >= uint64(s.Lanes) {
			t.Fatalf("lane %d of %d", first.ID, s.Lanes)
		}
	})
}

func TestJoiningIsInjective(t *testing.T) {
	t.Parallel()
	part := rapid.Custom(func(t *rapid.T) []byte {
		return []byte(rapid.StringOfN(rapid.SampledFrom([]rune(`ab/\`)), 0, 4, -1).Draw(t, "part"))
	})
	s := scheme(partitioner.Key(), partitioner.HeaderValue("h"))
	rapid.Check(t, func(t *rapid.T) {
		draw := func() partitioner.Record {
			return partitioner.Record{
				Key:     part.Draw(t, "first"),
				Headers: []partitioner.Header{{Key: "h", Value: part.Draw(t, "second")}},
			}
		}
		a, b := draw(), draw()
		if cmp.Equal(a, b) != (rapidLane(t, s, a).ID == rapidLane(t, s, b).ID) {
			t.Fatalf("%q/%q and %q/%q", a.Key, a.Headers[0].Value, b.Key, b.Headers[0].Value)
		}
	})
}

func TestEqualNumbersShareALane(t *testing.T) {
	t.Parallel()
	number := rapid.StringMatching(`-?(0|[1-9]0?[0-9]?|[1-9][0-9]{18,30})(\.[0-9]{1,3}|\.0{8}[0-9])?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a := number.Draw(t, "a")
		b := rapid.OneOf(number, rapid.Just(respell(a))).Draw(t, "b")
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			t.Fatalf("%s or %s is not a number", a, b)
		}
		lane := func(text string) partitioner.Lane {
			return rapidLane(t, scheme(partitioner.JSON("n")), partitioner.Record{Value: []byte(`{"n":` + text + `}`)})
		}
		first, second := lane(a), lane(b)
		if first.Own || second.Own || (x.Cmp(y) == 0) != (first.ID == second.ID) {
			t.Fatalf("%s is %s, %s is %s", a, first.Name, b, second.Name)
		}
		if z, ok := new(big.Rat).SetString(string(first.Name)); !ok || z.Cmp(x) != 0 {
			t.Fatalf("%s is named %s, another number", a, first.Name)
		}
	})
}

// respell writes a JSON number in another way: ten times as much, with the
// exponent one lower.
func respell(number string) string {
	r, _ := new(big.Rat).SetString(number)
	r.Mul(r, big.NewRat(10, 1))
	return strings.TrimRight(r.FloatString(140), "0") + "0e-1"
}

func TestTextualFormsReadBack(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.SampledFrom([]rune(`ab.\:07é "`)))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]partitioner.Source{
			partitioner.HeaderValue(text.Draw(t, "header")), partitioner.JSON(text.Draw(t, "path")),
			partitioner.RoundRobin(rapid.IntRange(0, 99).Draw(t, "n")), partitioner.Key(),
		}).Draw(t, "source")
		valid := partitioner.Scheme{Sources: []partitioner.Source{s}, Lanes: laneCount(s)}.Validate() == nil
		parsed, err := partitioner.ParseSource(s.String())
		if valid != (err == nil) {
			t.Fatalf("%v: valid %v, but parsed with %v", s, valid, err)
		}
		if valid && parsed.String() != s.String() {
			t.Fatalf("%v reads back as %v", s, parsed)
		}
	})
}

// laneCount is what makes a round robin without a number valid.
func laneCount(s partitioner.Source) int {
	if s.String() == "round_robin" {
		return 5
	}
	return 0
}
