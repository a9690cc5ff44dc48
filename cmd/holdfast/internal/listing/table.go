package listing

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// pageRows is how many rows are laid out together. The first page decides how
// wide columns are; a later one widens them where it must.
const pageRows = 500

// gap is what stands between two columns.
const gap = "  "

// leastText is how much a text is shortened at most, unless nothing else helps.
const leastText = 16

// table lays out rows page by page. Where its width does not suffice for the
// first page, columns are left out, then texts shortened, and what is still too
// long is cut.
type table struct {
	out    io.Writer
	width  int // of a terminal; 0: as wide as it has to be
	right  []bool
	drop   []int
	limit  []int // characters of a cell that was shortened; 0: all
	widths []int
	names  []string
	shown  []int // columns, once there was a page
	page   [][]string
}

// newTable returns a table whose first row, for the names, is empty.
func newTable(out io.Writer, columns int) *table {
	return &table{
		out: out, right: make([]bool, columns), drop: make([]int, columns), limit: make([]int, columns),
		widths: make([]int, columns), page: [][]string{make([]string, columns)},
	}
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
	t.measure()
	if t.shown == nil {
		t.names = t.page[0]
		t.fit()
		t.measure()
	}
	return t.write()
}

// measure makes the columns as wide as the cells of the page, which are not
// longer than their limits.
func (t *table) measure() {
	for _, cells := range t.page {
		for i, cell := range cells {
			cells[i] = cut(cell, t.limit[i])
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cells[i]))
		}
	}
}

// fit chooses the columns to be shown, and how wide they are.
func (t *table) fit() {
	for i := range t.widths {
		t.shown = append(t.shown, i)
	}
	if t.width == 0 {
		return
	}
	for t.excess() > 0 {
		least := slices.MaxFunc(t.shown, func(a, b int) int { return t.drop[a] - t.drop[b] })
		if t.drop[least] == 0 {
			break
		}
		t.shown = slices.DeleteFunc(t.shown, func(i int) bool { return i == least })
	}
	for i := len(t.shown) - 2; i > 0; i-- { // the first one says what the row is about
		if at, excess := t.shown[i], t.excess(); excess > 0 && !t.right[at] && t.widths[at] > leastText {
			t.limit[at] = max(leastText, t.widths[at]-excess)
			t.widths[at] = t.limit[at]
		}
	}
}

// excess is how much too wide the shown columns are, the last one at its least.
func (t *table) excess() int {
	n := -t.width - len(gap)
	for i, at := range t.shown {
		w := t.widths[at]
		if i == len(t.shown)-1 {
			w = min(w, leastText)
		}
		n += w + len(gap)
	}
	return n
}

func (t *table) write() error {
	var b strings.Builder
	for _, cells := range t.page {
		b.WriteString(cut(strings.TrimRight(t.line(cells), " "), t.width))
		b.WriteByte('\n')
	}
	t.page = t.page[:0]
	_, err := io.WriteString(t.out, b.String())
	return err
}

func (t *table) line(cells []string) string {
	var b strings.Builder
	for i, at := range t.shown {
		if i > 0 {
			b.WriteString(gap)
		}
		cell := cells[at]
		space := strings.Repeat(" ", t.widths[at]-utf8.RuneCountInString(cell))
		if t.right[at] {
			b.WriteString(space)
		}
		b.WriteString(cell)
		if !t.right[at] {
			b.WriteString(space)
		}
	}
	return b.String()
}

// What a terminal is told about a line that matters less.
const (
	dim   = "\x1b[2m"
	undim = "\x1b[0m"
)

// tellLeftOut says which columns are not shown.
func (t *table) tellLeftOut() error {
	var names []string
	for i, name := range t.names {
		if !slices.Contains(t.shown, i) {
			names = append(names, strings.ReplaceAll(name, " ", "\u00a0"))
		}
	}
	if len(names) == 0 {
		return nil
	}
	var b strings.Builder
	for _, line := range wrap("columns left out: "+strings.Join(names, ", ")+"; --output json has all", t.width-len(dim+undim)) {
		b.WriteString(dim + strings.ReplaceAll(line, "\u00a0", " ") + undim + "\n")
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

// wrap breaks a text between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Split(text, " ") {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// cut shortens text to limit characters; zero is no limit.
func cut(text string, limit int) string {
	if limit == 0 || utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}
