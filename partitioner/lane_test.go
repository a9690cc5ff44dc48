package partitioner_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

func newPartitioner(t testing.TB, s partitioner.Scheme) *partitioner.Partitioner {
	t.Helper()
	p, err := partitioner.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func laneOf(t testing.TB, p *partitioner.Partitioner, rec partitioner.Record) partitioner.Lane {
	t.Helper()
	lane, err := p.Lane(rec)
	if err != nil {
		t.Fatal(err)
	}
	return lane
}

func scheme(sources ...partitioner.Source) partitioner.Scheme {
	return partitioner.Scheme{Sources: sources}
}

func keyed(key string) partitioner.Record {
	return partitioner.Record{Key: []byte(key)}
}

func TestLanePerKey(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, partitioner.Scheme{})
	a := laneOf(t, p, partitioner.Record{Offset: 1, Key: []byte("a"), Value: []byte("x")})
	again := laneOf(t, p, partitioner.Record{Offset: 2, Key: []byte("a")})
	b := laneOf(t, p, keyed("b"))
	if diff := cmp.Diff(a, again); diff != "" {
		t.Errorf("one key, two lanes: %s", diff)
	}
	if a.ID == b.ID {
		t.Error("two keys share a lane")
	}
	if string(a.Name) != "a" || a.Own {
		t.Errorf("lane of a: %+v", a)
	}
}

func TestEmptyKeyIsAKey(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, partitioner.Scheme{})
	empty := laneOf(t, p, partitioner.Record{Offset: 1, Key: []byte{}})
	again := laneOf(t, p, partitioner.Record{Offset: 2, Key: []byte{}})
	null := laneOf(t, p, partitioner.Record{Offset: 3})
	if empty.Own || empty.ID != again.ID {
		t.Errorf("empty keys share no lane: %+v and %+v", empty, again)
	}
	if !null.Own {
		t.Errorf("a null key got %+v, want a lane of its own", null)
	}
}

func TestMissingPolicies(t *testing.T) {
	t.Parallel()
	lanes := func(m partitioner.Missing) (ids map[uint64]int, own int) {
		p := newPartitioner(t, partitioner.Scheme{Missing: m, Lanes: 4})
		ids = make(map[uint64]int)
		for offset := range int64(160) {
			lane := laneOf(t, p, partitioner.Record{Offset: offset})
			if lane.Own {
				own++
				continue
			}
			ids[lane.ID]++
		}
		return ids, own
	}
	if ids, own := lanes(partitioner.Own); own != 160 || len(ids) != 0 {
		t.Errorf("own: %d own lanes, shared %v", own, ids)
	}
	if ids, own := lanes(partitioner.One); own != 0 || len(ids) != 1 {
		t.Errorf("one: %d own lanes, shared %v", own, ids)
	}
	ids, own := lanes(partitioner.Spread(16))
	if own != 0 || len(ids) != 16 {
		t.Errorf("spread:16: %d own lanes, %d shared", own, len(ids))
	}
	for id, n := range ids {
		if n != 10 {
			t.Errorf("spread:16 put %d of 160 records into lane %x, want 10", n, id)
		}
		if id < 4 {
			t.Errorf("spread:16 uses lane %d of the values", id)
		}
	}
}

func TestLanesBoundTheValues(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, partitioner.Scheme{Lanes: 7})
	used := make(map[uint64]bool)
	for i := range 1000 {
		lane := laneOf(t, p, keyed(strconv.Itoa(i)))
		if lane.Own || lane.ID >= 7 || string(lane.Name) != strconv.FormatUint(lane.ID, 10) {
			t.Fatalf("key %d: %+v", i, lane)
		}
		used[lane.ID] = true
	}
	if len(used) != 7 {
		t.Errorf("1000 keys use %d of 7 lanes", len(used))
	}
}

func TestOrderings(t *testing.T) {
	t.Parallel()
	whole := newPartitioner(t, partitioner.Scheme{Ordering: partitioner.OrderPartition})
	first := laneOf(t, whole, keyed("a"))
	if other := laneOf(t, whole, partitioner.Record{}); first.Own || !cmp.Equal(first, other) {
		t.Errorf("ordering partition: %+v and %+v", first, other)
	}
	none := newPartitioner(t, partitioner.Scheme{Ordering: partitioner.OrderNone, Lanes: 3})
	if lane := laneOf(t, none, keyed("a")); !lane.Own || string(lane.Name) != "a" {
		t.Errorf("ordering none: %+v", lane)
	}
	if lane := laneOf(t, none, partitioner.Record{}); !lane.Own {
		t.Errorf("ordering none, null key: %+v", lane)
	}
}

func TestOrderPartitionAsksNoSource(t *testing.T) {
	t.Parallel()
	failing := partitioner.Func("failing", func(partitioner.Record) ([]byte, error) { return nil, io.ErrUnexpectedEOF })
	p := newPartitioner(t, partitioner.Scheme{Sources: []partitioner.Source{failing}, Ordering: partitioner.OrderPartition})
	if lane := laneOf(t, p, keyed("a")); lane.Own {
		t.Error("a failing source took a record out of the partition's order")
	}
}

func TestRoundRobin(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, scheme(partitioner.RoundRobin(8)))
	for stride, perLane := range map[int64][2]int{1: {100, 100}, 2: {70, 130}, 8: {70, 130}} {
		used := make(map[string]int)
		for i := range int64(800) {
			rec := partitioner.Record{Offset: i * stride}
			lane := laneOf(t, p, rec)
			if again := laneOf(t, p, rec); lane.Own || !cmp.Equal(lane, again) {
				t.Fatalf("offset %d: %+v, then %+v", rec.Offset, lane, again)
			}
			used[string(lane.Name)]++
		}
		for n := range 8 {
			if got := used[strconv.Itoa(n)]; got < perLane[0] || got > perLane[1] {
				t.Errorf("offsets %d apart: %d of 800 records in lane %d, want %v", stride, got, n, perLane)
			}
		}
	}
}

func TestFailingFuncTakesItsOwnLane(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	p := newPartitioner(t, scheme(partitioner.Func("picky", func(rec partitioner.Record) ([]byte, error) {
		switch string(rec.Key) {
		case "error":
			return []byte("ignored"), boom
		case "panic":
			panic(boom)
		case "index":
			return rec.Value[len(rec.Value)+1:], nil
		case "neighbour":
			return rec.Key[:len(rec.Key)+1], nil
		case "nil":
			return nil, nil
		}
		return rec.Key, nil
	})))
	for _, key := range []string{"error", "panic", "index", "neighbour"} {
		lane, err := p.Lane(partitioner.Record{Key: append(make([]byte, 0, 32), key...)})
		if diff := cmp.Diff(partitioner.Lane{Own: true}, lane); diff != "" {
			t.Errorf("%s: not its own lane: %s", key, diff)
		}
		if err == nil || !strings.Contains(err.Error(), "func:picky") {
			t.Errorf("%s: the error does not name the function: %v", key, err)
		}
		if (key == "error" || key == "panic") && !errors.Is(err, boom) {
			t.Errorf("%s: the cause is lost: %v", key, err)
		}
		var panicked *partitioner.PanicError
		if errors.As(err, &panicked) != (key != "error") {
			t.Errorf("%s: PanicError in %v: %v", key, err, panicked != nil)
		} else if panicked != nil && !strings.Contains(string(panicked.Stack), "lane_test.go") {
			t.Errorf("%s: the stack does not lead to the function", key)
		}
	}
	if lane := laneOf(t, p, keyed("nil")); !lane.Own {
		t.Errorf("nil from a function is a value: %+v", lane)
	}
	if lane := laneOf(t, p, keyed("fine")); lane.Own || string(lane.Name) != "fine" {
		t.Errorf("a record after the failures: %+v", lane)
	}
}

func TestJoinedValuesDoNotCollide(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, scheme(partitioner.Key(), partitioner.HeaderValue("h")))
	names := make(map[string]string)
	for _, pair := range [][2]string{
		{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a/b", "c"}, {"a", "b/c"},
		{`a\`, "b"}, {"a", `\b`}, {`a\/b`, "c"}, {`a\`, "/b"}, {"", ""}, {"/", ""}, {"", "/"},
	} {
		lane := laneOf(t, p, partitioner.Record{
			Key:     []byte(pair[0]),
			Headers: []partitioner.Header{{Key: "h", Value: []byte(pair[1])}},
		})
		text := fmt.Sprintf("%q", pair)
		if before, taken := names[string(lane.Name)]; taken {
			t.Errorf("%s and %s are both %s", before, text, lane.Name)
		}
		names[string(lane.Name)] = text
	}
	if _, ok := names["a/bc"]; !ok {
		t.Errorf("the name of a joined value is not readable: %v", names)
	}
}

func TestJoinedValueNeedsEverySource(t *testing.T) {
	t.Parallel()
	s := scheme(partitioner.Key(), partitioner.JSON("id"), partitioner.HeaderValue("h"))
	s.Missing = partitioner.One
	p := newPartitioner(t, s)
	full := partitioner.Record{
		Key: []byte("k"), Value: []byte(`{"id":7}`), Headers: []partitioner.Header{{Key: "h", Value: []byte("v")}},
	}
	if got := string(laneOf(t, p, full).Name); got != "k/7/v" {
		t.Errorf("joined name %q, want k/7/v", got)
	}
	noKey, noJSON, noHeader := full, full, full
	noKey.Key, noJSON.Value, noHeader.Headers = nil, nil, nil
	missing := laneOf(t, p, partitioner.Record{})
	for _, rec := range []partitioner.Record{noKey, noJSON, noHeader} {
		if lane := laneOf(t, p, rec); lane.ID != missing.ID {
			t.Errorf("a record without one of the sources: %+v, want %+v", lane, missing)
		}
	}
}

func TestLanesAgreeWithPublishedVectors(t *testing.T) {
	t.Parallel()
	var published struct {
		Counts  []int
		Vectors []struct {
			KeyHex string `json:"key_hex"`
			Lane   string
			Slots  map[string]uint64
		}
		Missing    []string
		Whole      string
		RoundRobin map[string][]int `json:"round_robin"`
	}
	loadVectors(t, "lanes.json", &published)
	check := func(what, got, want string) {
		if got != want {
			t.Errorf("%s: %s, published %s", what, got, want)
		}
	}
	id := func(lane partitioner.Lane) string { return fmt.Sprintf("0x%016x", lane.ID) }
	for _, v := range published.Vectors {
		key, err := hex.DecodeString(v.KeyHex)
		if err != nil {
			t.Fatal(err)
		}
		rec := partitioner.Record{Key: key}
		check("lane of "+v.KeyHex, id(laneOf(t, newPartitioner(t, partitioner.Scheme{}), rec)), v.Lane)
		for _, n := range published.Counts {
			lane := laneOf(t, newPartitioner(t, partitioner.Scheme{Lanes: n}), rec)
			check(fmt.Sprintf("%s over %d", v.KeyHex, n), fmt.Sprint(lane.ID), fmt.Sprint(v.Slots[strconv.Itoa(n)]))
		}
	}
	whole := newPartitioner(t, partitioner.Scheme{Ordering: partitioner.OrderPartition})
	check("whole partition", id(laneOf(t, whole, partitioner.Record{})), published.Whole)
	one := newPartitioner(t, partitioner.Scheme{Missing: partitioner.One})
	check("missing", id(laneOf(t, one, partitioner.Record{})), published.Missing[0])
	spread := newPartitioner(t, partitioner.Scheme{Missing: partitioner.Spread(3)})
	for offset, turn := range published.RoundRobin["3"] {
		lane := laneOf(t, spread, partitioner.Record{Offset: int64(offset)})
		check(fmt.Sprintf("spread, offset %d", offset), id(lane), published.Missing[turn])
	}
	for count, turns := range published.RoundRobin {
		n, _ := strconv.Atoi(count)
		p := newPartitioner(t, scheme(partitioner.RoundRobin(n)))
		for offset, turn := range turns {
			lane := laneOf(t, p, partitioner.Record{Offset: int64(offset)})
			check(fmt.Sprintf("turn of %d over %d", offset, n), string(lane.Name), strconv.Itoa(turn))
		}
	}
}
