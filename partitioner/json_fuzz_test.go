package partitioner_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// The model of JSON extraction is a full decode with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, value := range []string{
		`{"a":{"b":[1,{"c":"x"}]}}`, `{"a.b":true}`, `{"a":1,"a":{"b":2}}`, `{"a":{"b":1},"a":{}}`, `[["x"],{"0":1.50}]`,
		`{"\u0061":"\ud83d\ude00\ud800"}`, "{\"a\":\"\xff\"}", `{"a":"\"}]"}`, ` "a" `, `{"a":-0}`, `{"a":1e400}`, `{"a":0e99999999999}`,
		`{"a":1}{`, `{"":{"a":1}}`, `null`, ``, `{"a":[[[{}]],"]"],"b":"\\"}`,
	} {
		for _, path := range []string{"a", "a.b", `a\.b`, "a.b.1.c", "0.0", "1.0", `\\`, "b"} {
			f.Add([]byte(value), path)
		}
	}
	f.Fuzz(func(t *testing.T, value []byte, path string) {
		p, err := partitioner.New(scheme(partitioner.JSON(path)))
		if err != nil {
			t.Skip("not a path")
		}
		before := bytes.Clone(value)
		lane, err := p.Lane(partitioner.Record{Value: value})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, value) {
			t.Errorf("the value was changed from %q to %q", before, value)
		}
		want, found := modelValue(value, modelPath(path))
		if !found {
			if !lane.Own {
				t.Errorf("%s of %q: %q, want missing", path, value, lane.Name)
			}
			return
		}
		if got := string(lane.Name); lane.Own || !sameScalar(got, want) {
			t.Errorf("%s of %q: %q (own %v), want %v", path, value, got, lane.Own, want)
		}
	})
}

// modelPath splits at dots that no backslash precedes, by way of two bytes that
// valid UTF-8 never holds.
func modelPath(path string) []string {
	path = strings.NewReplacer(`\\`, "\xfe", `\.`, "\xff").Replace(path)
	names := strings.Split(path, ".")
	for i, name := range names {
		names[i] = strings.NewReplacer("\xfe", `\`, "\xff", ".").Replace(name)
	}
	return names
}

func modelValue(value []byte, path []string) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var at any
	if d.Decode(&at) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	for _, name := range path {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != name {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	switch at.(type) {
	case string, bool, json.Number:
		return at, true
	}
	return nil, false
}

// sameScalar compares numbers roughly: that their spelling is exact is the
// subject of TestEqualNumbersShareALane.
func sameScalar(got string, want any) bool {
	switch want := want.(type) {
	case bool:
		return got == strconv.FormatBool(want)
	case json.Number:
		a, _ := strconv.ParseFloat(got, 64) // out of range: infinity, for both
		b, _ := want.Float64()
		return a == b
	default:
		return got == want
	}
}
