package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Filter tells which records become jobs.
type Filter struct {
	Header map[string]string // by name; each of them has that value
	Absent []string          // headers, of which there is none
}

func newFilter() *Filter { return &Filter{} }

func (f *Filter) fields() fields {
	return fields{
		{"header", named(&f.Header, text)},
		{"absent", many(&f.Absent, text)},
	}
}

func (f *Filter) check(n node) {
	for name := range f.Header {
		if slices.Contains(f.Absent, name) {
			n.fail("header %s is to have a value and to be absent; no record is like that", name)
		}
	}
	if len(f.Header) == 0 && len(f.Absent) == 0 {
		n.fail("says nothing; write header: {NAME: VALUE} or absent: [NAME], or remove the key")
	}
}

// passes is for the library; nil where there is no filter. Of headers with the
// same name the last one counts, as for lanes.
func (f *Filter) passes() func(*bridge.Record) bool {
	if f == nil {
		return nil
	}
	header, absent := f.Header, f.Absent
	return func(r *bridge.Record) bool {
		found := 0
		for i, h := range r.Headers {
			if slices.Contains(absent, h.Key) {
				return false
			}
			want, ok := header[h.Key]
			if !ok || slices.ContainsFunc(r.Headers[i+1:], func(later bridge.Header) bool { return later.Key == h.Key }) {
				continue
			}
			if h.Value == nil || string(h.Value) != want {
				return false
			}
			found++
		}
		return found == len(header)
	}
}

// perSecond is a rate; none prints as nothing.
var perSecond = kind[float64]{
	parse: func(s string) (float64, error) {
		number, ok := strings.CutSuffix(s, "/s")
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !ok || err != nil || !(n > 0) || math.IsInf(n, 1) {
			return 0, fmt.Errorf("%q is not a rate; write for example 500/s or 0.5/s", s)
		}
		return n, nil
	},
	format: func(n float64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatFloat(n, 'f', -1, 64) + "/s"
	},
}

// yes is a switch that is off unless it is set.
var yes = kind[bool]{
	parse: func(s string) (bool, error) {
		if s != "true" && s != "false" {
			return false, errors.New("is neither true nor false")
		}
		return s == "true", nil
	},
	format: func(on bool) string {
		if on {
			return "true"
		}
		return ""
	},
}
