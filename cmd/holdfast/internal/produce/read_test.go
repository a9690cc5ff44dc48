package produce

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func readAll(t *testing.T, text string, f Format) ([]Record, error) {
	t.Helper()
	in := NewReader(strings.NewReader(text), f)
	var all []Record
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, rec)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	header := []Header{{"source", []byte("test")}}
	for _, tt := range []struct {
		name, text string
		format     Format
		want       []Record
	}{
		{"nothing", "", Format{}, nil},
		{"values", "a b\n\nc\r\nd", Format{}, []Record{{Value: []byte("a b")}, {Value: []byte{}}, {Value: []byte("c\r")}, {Value: []byte("d")}}},
		{"one key", "a", Format{Defaults: Record{Key: []byte("k"), Headers: header}}, []Record{{Key: []byte("k"), Value: []byte("a"), Headers: header}}},
		{"separator", "k: v: w\n: v\nk: \n", Format{Separator: ": "}, []Record{
			{Key: []byte("k"), Value: []byte("v: w")}, {Key: []byte{}, Value: []byte("v")}, {Key: []byte("k"), Value: []byte{}},
		}},
	} {
		got, err := readAll(t, tt.text, tt.format)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestInputThatBreaksOff(t *testing.T) {
	t.Parallel()
	broken := errors.New("input is gone")
	in := NewReader(io.MultiReader(strings.NewReader("whole\nhal"), iotest.ErrReader(broken)), Format{})
	if rec, err := in.Next(); err != nil || string(rec.Value) != "whole" {
		t.Errorf("first record is %q, %v", rec.Value, err)
	}
	if rec, err := in.Next(); !errors.Is(err, broken) {
		t.Errorf("half a line is %q, %v", rec.Value, err)
	}
	long := strings.Repeat("x", maxLine)
	if _, err := readAll(t, "short\n"+long+"\n", Format{}); err == nil || err.Error() != "line 2 is longer than 4 MiB" {
		t.Errorf("a long line is %v", err)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	defaults := Record{Key: []byte("k"), Headers: []Header{{"source", []byte("test")}}}
	got, err := readAll(t, `
{"value": "text"}
{"key": null, "value": null, "headers": null}
{"key": "", "value": {"a" : [1.0, "x y"]}}
{"key": 17, "value": false, "headers": {"b": "1", "a": null, "b": "2"}}
{"key_base64": "AP8=", "value_base64": ""}
`, Format{JSON: true, Defaults: defaults})
	if err != nil {
		t.Fatal(err)
	}
	source := Header{"source", []byte("test")}
	want := []Record{
		{Key: []byte("k"), Value: []byte("text"), Headers: []Header{source}},
		{Headers: []Header{source}},
		{Key: []byte{}, Value: []byte(`{"a":[1.0,"x y"]}`), Headers: []Header{source}},
		{Key: []byte("17"), Value: []byte("false"), Headers: []Header{source, {"b", []byte("1")}, {"a", nil}, {"b", []byte("2")}}},
		{Key: []byte{0, 255}, Value: []byte{}, Headers: []Header{source}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrongLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		format Format
		want   string
	}{
		{"k:v\nkv", Format{Separator: ":"}, `line 2: "kv" has no key separator ":"`},
		{`{"value": "a"}` + "\nplain", Format{JSON: true}, `line 2: "plain" is not a JSON object; write for example {"key": "k1", "value": "v1"}`},
		{"null", Format{JSON: true}, `line 1: "null" is not a JSON object; write for example {"key": "k1", "value": "v1"}`},
		{`{"valu": "a"}`, Format{JSON: true}, `line 1: unknown field "valu"; did you mean value?`},
		{`{"partition": 3}`, Format{JSON: true}, `line 1: unknown field "partition"; known: key, key_base64, value, value_base64, headers`},
		{`{"key": "a", "key_base64": "YQ=="}`, Format{JSON: true}, `line 1: key and key_base64 are both given; keep one`},
		{`{"value_base64": 3}`, Format{JSON: true}, `line 1: value_base64 is not a string`},
		{`{"value_base64": "*"}`, Format{JSON: true}, `line 1: value_base64 is not base64: illegal base64 data at input byte 0`},
		{`{"headers": {"a": 1}}`, Format{JSON: true}, `line 1: headers is not an object of strings; write {"name": "value"}`},
		{`{"headers": ["a"]}`, Format{JSON: true}, `line 1: headers is not an object of strings; write {"name": "value"}`},
		{`{"headers": {"a": {"b": "c"}}}`, Format{JSON: true}, `line 1: headers is not an object of strings; write {"name": "value"}`},
	} {
		if _, err := readAll(t, tt.text, tt.format); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error is %v, want %s", tt.text, err, tt.want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"key": "k", "value": {"a": 1}, "headers": {"a": "b"}}`, `{"key_base64": "AP8="}`, `{"headers": {"a": [}}`, `{"value": 1e999}`, `[]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		rec, err := Format{JSON: true}.record([]byte(line))
		if err != nil {
			return
		}
		if !json.Valid([]byte(line)) {
			t.Errorf("%q was taken", line)
		}
		for _, h := range rec.Headers {
			if !utf8.ValidString(h.Name) {
				t.Errorf("%q has header %q", line, h.Name)
			}
		}
	})
}
