package listing

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fruit is a row of the tests.
type fruit struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Note  string `json:"note"`
}

var fruits = []fruit{{"apple", 3, "<red>"}, {"größe", 1200, "two\nlines\x1b[31m"}}

func listOf(rows iter.Seq2[fruit, error]) List[fruit] {
	return List[fruit]{
		Columns: []Column[fruit]{
			{Name: "NAME", Cell: func(f fruit) string { return f.Name }},
			{Name: "COUNT", Cell: func(f fruit) string { return Count(f.Count) }, Right: true},
			{Name: "NOTE", Cell: func(f fruit) string { return f.Note }, Max: 12},
		},
		Rows: rows,
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format Format
		rows   []fruit
		want   string
	}{
		{Table, fruits, "NAME   COUNT  NOTE\napple      3  <red>\ngröße  1,200  two lines\\x…\n"},
		{Table, nil, ""},
		{JSON, fruits, "[\n{\"name\":\"apple\",\"count\":3,\"note\":\"<red>\"},\n{\"name\":\"größe\",\"count\":1200,\"note\":\"two\\nlines\\u001b[31m\"}\n]\n"},
		{JSON, nil, "[]\n"},
		{NDJSON, fruits[:1], "{\"name\":\"apple\",\"count\":3,\"note\":\"<red>\"}\n"},
		{NDJSON, nil, ""},
	} {
		var out strings.Builder
		n, err := listOf(Of(tt.rows)).Write(&out, tt.format)
		if err != nil || n != len(tt.rows) {
			t.Errorf("%s of %d rows: %d, %v", tt.format, len(tt.rows), n, err)
		}
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.format, diff)
		}
	}
}

// An error ends the list after the rows that came before it, and leaves no JSON
// that would pass for whole.
func TestWriteWithAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	rows := func(yield func(fruit, error) bool) {
		_ = yield(fruits[0], nil) && yield(fruit{}, broken) && yield(fruits[1], nil)
	}
	for _, format := range Formats() {
		var out strings.Builder
		n, err := listOf(rows).Write(&out, format)
		if n != 1 || !errors.Is(err, broken) {
			t.Errorf("%s: %d rows, error %v", format, n, err)
		}
		if !strings.Contains(out.String(), "apple") || strings.Contains(out.String(), "größe") {
			t.Errorf("%s: written %q", format, out.String())
		}
		if format == JSON && json.Valid([]byte(out.String())) {
			t.Errorf("half a list is the JSON %q", out.String())
		}
	}
}

func TestRowsAreWrittenAsTheyCome(t *testing.T) {
	t.Parallel()
	const rows = 3*pageRows + 7
	var out strings.Builder
	early := 0
	list := listOf(func(yield func(fruit, error) bool) {
		for i := range rows {
			if i == 2*pageRows {
				early = strings.Count(out.String(), "\n")
			}
			if !yield(fruit{Name: fmt.Sprint(i)}, nil) {
				return
			}
		}
	})
	if n, err := list.Write(&out, Table); n != rows || err != nil {
		t.Fatalf("%d rows, error %v", n, err)
	}
	if early < pageRows {
		t.Errorf("%d lines were written when %d rows had come", early, 2*pageRows)
	}
	if got := strings.Count(out.String(), "\n"); got != rows+1 {
		t.Errorf("%d lines, want %d", got, rows+1)
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, want := range Formats() {
		if got, err := ParseFormat(string(want)); got != want || err != nil {
			t.Errorf("%s is %q, %v", want, got, err)
		}
	}
	_, err := ParseFormat("yaml")
	if err == nil || err.Error() != `"yaml" is no format; use table, json, ndjson` {
		t.Errorf("error %v", err)
	}
}

// On a terminal the columns that matter least are left out, in their order, and
// then a text that is not the first is shortened.
func TestATableKeepsWithinItsWidth(t *testing.T) {
	t.Parallel()
	rows := []fruit{{"granny smith from the orchard", 1200, "a note that goes on and on"}, {"plum", 3, "-"}}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "NAME                           COUNT  ORIGIN                      SIZE  NOTE\n" +
			"granny smith from the orchard  1,200  the valley behind the hill    29  a note that goes on and on\n" +
			"plum                               3  the valley behind the hill     4  -\n"},
		{90, "NAME                           COUNT  ORIGIN                      SIZE  NOTE\n" +
			"granny smith from the orchard  1,200  the valley behind the hill    29  a note that goes …\n" +
			"plum                               3  the valley behind the hill     4  -\n"},
		{85, "NAME                           COUNT  ORIGIN                      NOTE\n" +
			"granny smith from the orchard  1,200  the valley behind the hill  a note that goes o…\n" +
			"plum                               3  the valley behind the hill  -\n" +
			"\x1b[2mcolumns left out: SIZE; --output json has all\x1b[0m\n"},
		{70, "NAME                           ORIGIN                 NOTE\n" +
			"granny smith from the orchard  the valley behind th…  a note that goe…\n" +
			"plum                           the valley behind th…  -\n" +
			"\x1b[2mcolumns left out: COUNT, SIZE; --output json has all\x1b[0m\n"},
		{30, "NAME                         …\n" +
			"granny smith from the orchard…\n" +
			"plum                         …\n" +
			"\x1b[2mcolumns left out:\x1b[0m\n\x1b[2mCOUNT, SIZE; --output\x1b[0m\n\x1b[2mjson has all\x1b[0m\n"},
	} {
		list := List[fruit]{Columns: []Column[fruit]{
			{Name: "NAME", Cell: func(f fruit) string { return f.Name }},
			{Name: "COUNT", Cell: func(f fruit) string { return Count(f.Count) }, Right: true, Drop: 1},
			{Name: "ORIGIN", Cell: func(fruit) string { return "the valley behind the hill" }},
			{Name: "SIZE", Cell: func(f fruit) string { return Count(len(f.Name)) }, Right: true, Drop: 2},
			{Name: "NOTE", Cell: func(f fruit) string { return f.Note }},
		}, Rows: Of(rows), Width: tt.width}
		var out strings.Builder
		if _, err := list.Write(&out, Table); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); tt.width > 0 && n > tt.width {
				t.Errorf("%d: a line of %d characters: %q", tt.width, n, line)
			}
		}
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("%d (-want +got):\n%s", tt.width, diff)
		}
		for _, format := range []Format{JSON, NDJSON} {
			var narrow, all strings.Builder
			list.Width = 30
			_, err := list.Write(&narrow, format)
			list.Width = 0
			_, failed := list.Write(&all, format)
			if err != nil || failed != nil || narrow.String() != all.String() {
				t.Errorf("%s depends on a width: %s", format, narrow.String())
			}
		}
	}
}

// What the first page has decided holds for the others; numbers are never shortened.
func TestLaterPagesKeepWithinTheWidth(t *testing.T) {
	t.Parallel()
	list := listOf(func(yield func(fruit, error) bool) {
		for i := range 2 * pageRows {
			if !yield(fruit{Name: "apple " + strings.Repeat("x", i), Count: i * i, Note: "ripe"}, nil) {
				return
			}
		}
	})
	list.Columns[0], list.Columns[1] = list.Columns[1], list.Columns[0]
	list.Width = 40
	var out strings.Builder
	if _, err := list.Write(&out, Table); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 40 {
			t.Errorf("a line of %d characters: %q", n, line)
		}
	}
	if last := Count((2*pageRows - 1) * (2*pageRows - 1)); !strings.Contains(out.String(), "\n"+last+"  apple xxx") {
		t.Errorf("%s is not whole", last)
	}
}
