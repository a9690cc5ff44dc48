package show

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// field is a column of a table about Ts, for lists and for screens.
type field[T any] struct {
	name  string // in capitals
	cell  func(T) string
	right bool // numbers are read from their end
	max   int  // characters of a cell at most; 0: all of it
	drop  int  // on a terminal the highest go first where there is no room; 0: never
}

// listed are the columns of a list.
func listed[T any](fields []field[T]) []listing.Column[T] {
	columns := make([]listing.Column[T], len(fields))
	for i, f := range fields {
		columns[i] = listing.Column[T]{Name: f.name, Cell: f.cell, Right: f.right, Max: f.max, Drop: f.drop}
	}
	return columns
}

// gridOf is the table of a screen.
func gridOf[T any](fields []field[T], items []T) grid {
	g := grid{least: leastText}
	for _, f := range fields {
		g.columns = append(g.columns, column{title: f.name, right: f.right, drop: f.drop})
	}
	for _, item := range items {
		row := make([]string, len(fields))
		for i, f := range fields {
			row[i] = listing.Line(f.cell(item))
			if f.max > 0 {
				row[i] = Cut(row[i], f.max)
			}
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// leastText is how much of the last column, a text, is worth leaving out others.
const leastText = 16

type column struct {
	title string
	right bool
	drop  int
}

// grid is a table that keeps within a width: columns that matter less are left
// out, and the last one is cut.
type grid struct {
	columns []column
	rows    [][]string
	least   int // columns that the last one is to have, before another one is left out; 0: all
	steady  int // columns that right ones have at least, so that they stay where they are
}

const gap = "  "

// lines are the titles and the rows.
func (g grid) lines(width int) []string {
	shown := make([]int, len(g.columns))
	titles := make([]string, len(g.columns))
	for i, c := range g.columns {
		shown[i], titles[i] = i, c.title
	}
	widths := g.widths()
	for width > 0 && g.needs(shown, widths) > width {
		at := g.leastWorth(shown)
		if at < 0 {
			break
		}
		shown = slices.Delete(shown, at, at+1)
	}
	lines := []string{g.line(titles, shown, widths, width)}
	for _, row := range g.rows {
		lines = append(lines, g.line(row, shown, widths, width))
	}
	return lines
}

func (g grid) widths() []int {
	widths := make([]int, len(g.columns))
	for i, c := range g.columns {
		widths[i] = utf8.RuneCountInString(c.title)
		if c.right {
			widths[i] = max(widths[i], g.steady)
		}
		for _, row := range g.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

// needs is how wide the shown columns are, the last one at its least.
func (g grid) needs(shown, widths []int) (n int) {
	for i, at := range shown {
		w := widths[at]
		if i == len(shown)-1 && g.least > 0 {
			w = min(w, g.least)
		}
		n += w + len(gap)
	}
	return n - len(gap)
}

// leastWorth is which of the shown columns is left out first; -1: none may be.
func (g grid) leastWorth(shown []int) int {
	found, most := -1, 0
	for i, at := range shown {
		if d := g.columns[at].drop; d > most {
			found, most = i, d
		}
	}
	return found
}

func (g grid) line(cells []string, shown, widths []int, width int) string {
	var b strings.Builder
	for i, at := range shown {
		if i > 0 {
			b.WriteString(gap)
		}
		cell, space := cells[at], strings.Repeat(" ", widths[at]-utf8.RuneCountInString(cells[at]))
		if g.columns[at].right {
			b.WriteString(space + cell)
		} else {
			b.WriteString(cell + space)
		}
	}
	return Cut(strings.TrimRight(b.String(), " "), width)
}

// Cut shortens text to so many columns, of one character each, and shows that it
// did. 0 cuts nothing.
func Cut(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}
