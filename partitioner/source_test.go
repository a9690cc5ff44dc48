package partitioner_test

import (
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

func TestHeaderValue(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, scheme(partitioner.HeaderValue("tenant")))
	header := func(key, value string) partitioner.Header {
		return partitioner.Header{Key: key, Value: []byte(value)}
	}
	tests := map[string]struct {
		headers []partitioner.Header
		want    string // "" with missing
		missing bool
	}{
		"present":    {headers: []partitioner.Header{header("x", "1"), header("tenant", "a")}, want: "a"},
		"last of":    {headers: []partitioner.Header{header("tenant", "a"), header("tenant", "b")}, want: "b"},
		"empty":      {headers: []partitioner.Header{header("tenant", "")}, want: ""},
		"null":       {headers: []partitioner.Header{{Key: "tenant"}}, missing: true},
		"null last":  {headers: []partitioner.Header{header("tenant", "a"), {Key: "tenant"}}, missing: true},
		"other case": {headers: []partitioner.Header{header("Tenant", "a")}, missing: true},
		"none":       {missing: true},
	}
	for name, test := range tests {
		lane := laneOf(t, p, partitioner.Record{Headers: test.headers})
		if lane.Own != test.missing || string(lane.Name) != test.want {
			t.Errorf("%s: %+v, want %q, missing %v", name, lane, test.want, test.missing)
		}
	}
}

func TestJSONValues(t *testing.T) {
	t.Parallel()
	const missing = "<missing>"
	tests := []struct{ path, value, want string }{
		{"id", `{"id":"c-1"}`, "c-1"},
		{"id", ` { "other" : [1,{"id":2}] , "id" : "c-1" } `, "c-1"},
		{"id", `{"id":""}`, ""},
		{"id", `{"id":42}`, "42"},
		{"id", `{"id":42.0}`, "42"},
		{"id", `{"id":4.2e1}`, "42"},
		{"id", `{"id":"42"}`, "42"},
		{"id", `{"id":-0.0}`, "0"},
		{"id", `{"id":9007199254740993}`, "9007199254740993"},
		{"id", `{"id":true}`, "true"},
		{"id", `{"id":false}`, "false"},
		{"id", `{"id":"caf\u00e9"}`, "café"},
		{"id", `{"\u0069d":"x"}`, "x"},
		{"id", `{"id":1,"id":2}`, "2"},
		{"customer.id", `{"customer":{"id":"x","name":{"id":1}}}`, "x"},
		{"customer.id", `{"customer":{"id":1},"customer":{}}`, missing},
		{"items.0.id", `{"items":[{"id":"first"},{"id":"second"}]}`, "first"},
		{"items.1", `{"items":["a","b"]}`, "b"},
		{"items.1", `{"items":{"1":"named"}}`, "named"},
		{"items.01", `{"items":["a","b"]}`, missing},
		{"items.2", `{"items":["a","b"]}`, missing},
		{"items.-1", `{"items":["a"]}`, missing},
		{"0", `["a"]`, "a"},
		{`a\.b`, `{"a.b":"dotted","a":{"b":"nested"}}`, "dotted"},
		{`a\\b.c`, `{"a\\b":{"c":1}}`, "1"},
		{"id", `{"ID":"x"}`, missing},
		{"id", `{"id":null}`, missing},
		{"id", `{"id":{}}`, missing},
		{"id", `{"id":[1]}`, missing},
		{"id.x", `{"id":"text"}`, missing},
		{"id", `"id"`, missing},
		{"id", `{"id":1`, missing},
		{"id", `{"id":1} trailing`, missing},
		{"id", `{"id":1,"broken":tru}`, missing},
		{"id", `not json`, missing},
		{"id", ``, missing},
	}
	for _, test := range tests {
		p := newPartitioner(t, scheme(partitioner.JSON(test.path)))
		lane := laneOf(t, p, partitioner.Record{Value: []byte(test.value)})
		got := string(lane.Name)
		if lane.Own {
			got = missing
		}
		if got != test.want {
			t.Errorf("%s of %s: %q, want %q", test.path, test.value, got, test.want)
		}
	}
}

func TestNullValueHasNoJSON(t *testing.T) {
	t.Parallel()
	p := newPartitioner(t, scheme(partitioner.JSON("id")))
	if lane := laneOf(t, p, keyed("k")); !lane.Own {
		t.Errorf("a tombstone has the lane %+v", lane)
	}
}

func TestParseSource(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"key", "header:tenant", "header:a:b", "json:customer.id", `json:a\.b`, "round_robin:8", "round_robin",
	} {
		s, err := partitioner.ParseSource(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if s.String() != text {
			t.Errorf("%s reads back as %s", text, s)
		}
	}
	for text, remedy := range map[string]string{
		"":                "use key",
		"kye":             "use key",
		"key:":            "use key",
		"header":          "header:NAME",
		"header:":         "header:NAME",
		"json:":           "single dots",
		"json:a..b":       "single dots",
		"json:a.":         "single dots",
		`json:a\n`:        `\.`,
		`json:a\`:         `\.`,
		"json:\xff":       "UTF-8",
		"round_robin:":    "1 or more",
		"round_robin:0":   "1 or more",
		"round_robin:-2":  "1 or more",
		"round_robin:x":   "1 or more",
		"func:f":          "partitioner.Func",
		"round_robin:1e3": "1 or more",
	} {
		if s, err := partitioner.ParseSource(text); err == nil {
			t.Errorf("%q was read as %v", text, s)
		} else if !strings.Contains(err.Error(), remedy) {
			t.Errorf("%q: %q does not tell to use %s", text, err, remedy)
		}
	}
}
