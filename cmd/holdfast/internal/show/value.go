package show

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// ValueForm is how the value of a record is shown.
type ValueForm string

// The forms.
const (
	ValueAuto ValueForm = "auto" // JSON where it is, else text where it is, else hexadecimal
	ValueText ValueForm = "text"
	ValueJSON ValueForm = "json"
	ValueHex  ValueForm = "hex"
	ValueNone ValueForm = "none"
)

// ValueForms are all of them, the default first.
func ValueForms() []ValueForm {
	return []ValueForm{ValueAuto, ValueText, ValueJSON, ValueHex, ValueNone}
}

// Value says how the value of a record is shown, and how many bytes of it at most.
type Value struct {
	Form  ValueForm
	Limit int
}

// Cut is a job with no more of its value than is wanted.
func (v Value) Cut(j inspect.JobDetail) inspect.JobDetail {
	j.Value = v.first(j.Value)
	return j
}

// first is as much of a value as is wanted, of text in whole characters.
func (v Value) first(value []byte) []byte {
	n := min(v.Limit, len(value))
	if v.Form == ValueNone {
		n = 0
	}
	for utf8.Valid(value) && n < len(value) && n > 0 && !utf8.RuneStart(value[n]) {
		n--
	}
	return value[:n]
}

// lines show a value, of which there may be more than is known here. Its own lines
// are not cut: they are what was asked for.
func (v Value) lines(value []byte, size, width int) []string {
	if v.Form == ValueNone {
		return nil
	}
	if value == nil {
		return []string{"Value: null"}
	}
	part := v.first(value)
	text, form := v.text(part, len(part) == size)
	title := fmt.Sprintf("Value, %s as %s", listing.Bytes(int64(size)), form)
	if len(part) < size {
		title += fmt.Sprintf(", the first %s of it", listing.Bytes(int64(len(part))))
	}
	lines := []string{Cut(title, width)}
	for line := range strings.Lines(text) {
		lines = append(lines, "  "+strings.TrimRight(listing.Harmless(strings.TrimSuffix(line, "\n")), " "))
	}
	return lines
}

// text is a part of a value, all of it or not, in the form that was asked for, or
// in the first one that it has.
func (v Value) text(part []byte, whole bool) (string, ValueForm) {
	if v.Form == ValueJSON || v.Form == ValueAuto {
		var b bytes.Buffer
		if whole && json.Indent(&b, part, "", "  ") == nil {
			return b.String(), ValueJSON
		}
	}
	if v.Form == ValueText || v.Form != ValueHex && isText(part) {
		return string(part), ValueText
	}
	return hex.Dump(part), ValueHex
}

// isText reports whether bytes are text for people.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' })
}
