package listing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Format is how a list is written.
type Format string

// The formats of a list.
const (
	Table  Format = "table"  // columns for people
	JSON   Format = "json"   // one array; incomplete, and no JSON, after an error
	NDJSON Format = "ndjson" // one object a line
)

// Formats are all of them, the default first.
func Formats() []Format { return []Format{Table, JSON, NDJSON} }

// ParseFormat reads the name of a format.
func ParseFormat(text string) (Format, error) {
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		if string(f) == text {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("%q is no format; use %s", text, strings.Join(names, ", "))
}

// List is what a command lists.
type List[T any] struct {
	Columns []Column[T] // of the table
	Width   int         // that a table keeps within, of a terminal; zero: as wide as it has to be
	// Rows ends with the first error.
	Rows iter.Seq2[T, error]
}

// Column is a column of the table.
type Column[T any] struct {
	Name  string // in capitals
	Cell  func(T) string
	Right bool // flush right, as numbers are
	Max   int  // characters of a cell at most; zero: all of it
	Drop  int  // where the width does not suffice the highest are left out first; zero: never
}

// Of are the rows of a list that is in memory.
func Of[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Write writes the list and tells how many rows it had. A table without rows is
// nothing at all.
func (l List[T]) Write(out io.Writer, f Format) (n int, err error) {
	switch f {
	case JSON:
		return l.writeJSON(out)
	case NDJSON:
		return l.each(func(row T) error { return write(out, "", row, "\n") })
	}
	return l.writeTable(out)
}

func (l List[T]) each(do func(T) error) (n int, err error) {
	for row, err := range l.Rows {
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (l List[T]) writeJSON(out io.Writer) (n int, err error) {
	before := "[\n"
	n, err = l.each(func(row T) error {
		err := write(out, before, row, "")
		before = ",\n"
		return err
	})
	switch {
	case err != nil:
		return n, err
	case n == 0:
		_, err = io.WriteString(out, "[]\n")
	default:
		_, err = io.WriteString(out, "\n]\n")
	}
	return n, err
}

// write writes a row on one line.
func write(out io.Writer, before string, row any, after string) error {
	var b bytes.Buffer
	b.WriteString(before)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	b.Truncate(b.Len() - 1) // Encode ends with a line break
	b.WriteString(after)
	_, err := out.Write(b.Bytes())
	return err
}

func (l List[T]) writeTable(out io.Writer) (n int, err error) {
	t := newTable(out, len(l.Columns))
	t.width = l.Width
	for i, c := range l.Columns {
		t.right[i], t.drop[i] = c.Right, c.Drop
		t.page[0][i] = c.Name
	}
	n, err = l.each(func(row T) error {
		cells := make([]string, len(l.Columns))
		for i, c := range l.Columns {
			cells[i] = cut(Line(c.Cell(row)), c.Max)
		}
		return t.add(cells)
	})
	if n > 0 { // also what came before an error
		flushed := t.flush()
		if flushed == nil {
			flushed = t.tellLeftOut()
		}
		if err == nil {
			err = flushed
		}
	}
	return n, err
}
