package listing

import (
	"io"
	"strings"
	"unicode/utf8"
)

// pageRows is how many rows are laid out together. The first page decides how
// wide columns are; a later one widens them where it must.
const pageRows = 500

// gap is what stands between two columns.
const gap = "  "

// table lays out rows page by page.
type table struct {
	out    io.Writer
	right  []bool
	widths []int
	page   [][]string
}

// newTable returns a table whose first row, for the names, is empty.
func newTable(out io.Writer, columns int) *table {
	return &table{out: out, right: make([]bool, columns), widths: make([]int, columns), page: [][]string{make([]string, columns)}}
}

func (t *table) add(cells []string) error {
	t.page = append(t.page, cells)
	if len(t.page) < pageRows {
		return nil
	}
	return t.flush()
}

// flush writes the page.
func (t *table) flush() error {
	for _, cells := range t.page {
		for i, cell := range cells {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, cells := range t.page {
		b.WriteString(strings.TrimRight(t.line(cells), " "))
		b.WriteByte('\n')
	}
	t.page = t.page[:0]
	_, err := io.WriteString(t.out, b.String())
	return err
}

func (t *table) line(cells []string) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString(gap)
		}
		space := strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell))
		if t.right[i] {
			b.WriteString(space)
		}
		b.WriteString(cell)
		if !t.right[i] {
			b.WriteString(space)
		}
	}
	return b.String()
}

// cut shortens text to limit characters; zero is no limit.
func cut(text string, limit int) string {
	if limit == 0 || utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}
