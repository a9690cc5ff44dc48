package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	Origin string // where: file:line, a variable or a flag; may be empty
	Key    string // for example topics.orders.retry.factor; may be empty
	Reason string // what is wrong, and the remedy
}

// line is the line in the file; those without one come last.
func (p Problem) line() int {
	if n, err := strconv.Atoi(p.Origin[strings.LastIndexByte(p.Origin, ':')+1:]); err == nil {
		return n
	}
	return math.MaxInt
}

func (p Problem) String() string {
	parts := []string{p.Origin, p.Key, p.Reason}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// Error lists everything wrong with a configuration.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems in the configuration:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// problems collects what is found wrong while a configuration is read.
type problems struct {
	found  []Problem
	origin map[string]string // where each key was set last
	file   string
}

func (p *problems) add(origin, key, format string, args ...any) {
	p.found = append(p.found, Problem{Origin: origin, Key: key, Reason: fmt.Sprintf(format, args...)})
}

// about reports a problem of a key at the place where it, or what is around
// it, was set. A key that already has a problem gets no second one.
func (p *problems) about(key, reason string) {
	for _, f := range p.found {
		if f.Key == key {
			return
		}
	}
	p.add(p.originOf(key), key, "%s", reason)
}

// all reports problems as about does.
func (p *problems) all(list []Problem) {
	for _, each := range list {
		p.about(each.Key, each.Reason)
	}
}

func (p *problems) originOf(key string) string {
	for at := key; ; {
		if origin, ok := p.origin[at]; ok {
			return origin
		}
		i := strings.LastIndexByte(at, '.')
		if i < 0 {
			return p.file
		}
		at = at[:i]
	}
}

func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b Problem) int { return cmp.Compare(a.line(), b.line()) })
	return &Error{Problems: p.found}
}
