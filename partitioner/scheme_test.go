package partitioner_test

import (
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

func noValue(partitioner.Record) ([]byte, error) { return nil, nil }

func TestValidateReportsEveryProblem(t *testing.T) {
	t.Parallel()
	s := partitioner.Scheme{
		Sources: []partitioner.Source{
			partitioner.Key(), partitioner.Key(),
			partitioner.HeaderValue(""),
			partitioner.JSON("a..b"),
			partitioner.RoundRobin(-1),
			partitioner.RoundRobin(0),
			partitioner.Func("", noValue),
			partitioner.Func("f", nil),
		},
		Missing:  partitioner.Spread(0),
		Lanes:    -2,
		Ordering: 9,
	}
	err := s.Validate()
	if err == nil {
		t.Fatal("the scheme is valid")
	}
	want := []string{
		"source key: given twice",
		"source header:: the name of the header is missing",
		"source json:a..b: the path has an empty step",
		"source round_robin:-1: at least 1 lane",
		"source round_robin: joined with others",
		"source func:: the function needs a name",
		"source func:f: the function is nil",
		"missing: spread needs at least 1 lane",
		"lanes: -2 is less than 0",
		"ordering: unknown",
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d problems, want %d:\n%v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, "partitioner: "+want[i]) {
			t.Errorf("problem %d is %q, want %q", i, line, want[i])
		}
	}
	if p, err := partitioner.New(s); p != nil || err == nil {
		t.Errorf("New took an invalid scheme: %v, %v", p, err)
	}
}

func TestRoundRobinTakesItsNumberOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		count, lanes int
		problem      string
	}{
		{count: 8},
		{lanes: 8},
		{count: 8, lanes: 8},
		{problem: "over how many lanes"},
		{count: 8, lanes: 4, problem: "lanes is 4"},
	} {
		s := scheme(partitioner.RoundRobin(test.count))
		s.Lanes = test.lanes
		err := s.Validate()
		if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("round robin over %d with %d lanes: %v, want %q", test.count, test.lanes, err, test.problem)
		}
		if err != nil {
			continue
		}
		p := newPartitioner(t, s)
		used := make(map[string]bool)
		for offset := range int64(8) {
			used[string(laneOf(t, p, partitioner.Record{Offset: offset}).Name)] = true
		}
		if len(used) != 8 {
			t.Errorf("round robin over %d with %d lanes: 8 records use %d lanes", test.count, test.lanes, len(used))
		}
	}
}

// These texts are stored in data directories: one that changes makes every
// partition wait for its older jobs.
func TestFingerprintIsStable(t *testing.T) {
	t.Parallel()
	key, rr := partitioner.Key(), partitioner.RoundRobin
	for want, schemes := range map[string][]partitioner.Scheme{
		`v1 ordering=key sources=["key"] missing=own lanes=per_value`: {{}, scheme(key)},
		`v1 ordering=key sources=["header:a\" missing=one" "json:a\\.b"] missing=spread:16 lanes=64`: {{
			Sources: []partitioner.Source{partitioner.HeaderValue(`a" missing=one`), partitioner.JSON(`a\.b`)},
			Missing: partitioner.Spread(16), Lanes: 64,
		}},
		`v1 ordering=key sources=["round_robin:8"] missing=own lanes=per_value`: {
			scheme(rr(8)),
			{Sources: []partitioner.Source{rr(0)}, Lanes: 8},
			{Sources: []partitioner.Source{rr(8)}, Lanes: 8, Missing: partitioner.One},
		},
		`v1 ordering=key sources=["key" "func:f" "round_robin:2"] missing=one lanes=per_value`: {{
			Sources: []partitioner.Source{key, partitioner.Func("f", noValue), rr(2)}, Missing: partitioner.Spread(1),
		}},
		`v1 ordering=partition`: {
			{Ordering: partitioner.OrderPartition},
			{Ordering: partitioner.OrderPartition, Lanes: 3, Missing: partitioner.One},
		},
		`v1 ordering=none`: {{Ordering: partitioner.OrderNone}},
	} {
		for _, s := range schemes {
			if got := s.Fingerprint(); got != want {
				t.Errorf("fingerprint %s, want %s", got, want)
			}
		}
	}
}

func TestParsePolicies(t *testing.T) {
	t.Parallel()
	missing := map[string]partitioner.Missing{
		"own": partitioner.Own, "one": partitioner.One, "spread:16": partitioner.Spread(16),
	}
	for text, want := range missing {
		if got, err := partitioner.ParseMissing(text); err != nil || got != want || got.String() != text {
			t.Errorf("ParseMissing(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "Own", "spread", "spread:", "spread:0", "spread:-1", "spread:x", "own:2"} {
		if got, err := partitioner.ParseMissing(text); err == nil {
			t.Errorf("ParseMissing(%q) = %v", text, got)
		}
	}
	orderings := map[string]partitioner.Ordering{
		"key": partitioner.OrderKey, "partition": partitioner.OrderPartition, "none": partitioner.OrderNone,
	}
	for text, want := range orderings {
		if got, err := partitioner.ParseOrdering(text); err != nil || got != want || got.String() != text {
			t.Errorf("ParseOrdering(%q) = %v, %v", text, got, err)
		}
	}
	if got, err := partitioner.ParseOrdering("keys"); err == nil {
		t.Errorf("ParseOrdering(keys) = %v", got)
	}
	lanes := map[string]int{"per_value": 0, "1": 1, "64": 64}
	for text, want := range lanes {
		if got, err := partitioner.ParseLanes(text); err != nil || got != want {
			t.Errorf("ParseLanes(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "many"} {
		if got, err := partitioner.ParseLanes(text); err == nil {
			t.Errorf("ParseLanes(%q) = %v", text, got)
		}
	}
}

func TestZeroSourceIsTheKey(t *testing.T) {
	t.Parallel()
	if got := (partitioner.Source{}).String(); got != "key" {
		t.Errorf("the zero source is %s", got)
	}
}
