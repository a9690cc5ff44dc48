package config

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// topicRunes are what names of topics consist of. A name that is shown as an
// example begins with the first of them that fits.
const topicRunes = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ._-"

// maxPlaces bounds the search of commonName: patterns that count to a thousand
// have a million places together. What is not found until then is not warned of.
const maxPlaces = 10_000

// overlaps warns of patterns that a topic could match which may not be there
// yet: the bridge is refused when it meets one.
func (c *Config) overlaps() (found []string) {
	var exact []string
	for _, t := range c.Topics {
		if _, ok := t.pattern(); !ok {
			exact = append(exact, t.Name)
		}
	}
	for i, t := range c.Topics {
		one, ok := t.pattern()
		if !ok {
			continue
		}
		for _, other := range c.Topics[i+1:] {
			two, ok := other.pattern()
			if !ok {
				continue
			}
			if name := commonName(one, two, exact); name != "" {
				found = append(found, fmt.Sprintf("%s: a topic such as %s is one of %s, too, and a bridge that meets such a topic refuses to work; let the patterns exclude each other, or give the topic an entry with its name", t.key(), name, other.Name))
			}
		}
	}
	return found
}

// commonName is a shortest topic name that both patterns match as a whole and
// that is not among others; empty: there is none. Both automata walk through the
// same names side by side.
func commonName(one, two string, others []string) string {
	a, b := newWalker(one), newWalker(two)
	if a == nil || b == nil {
		return "" // no pattern is refused elsewhere
	}
	others = append(slices.Clone(others), ".", "..") // Kafka has no such topics
	type step struct {
		a, b uint32
		name string
	}
	type place struct {
		a, b   uint32
		before syntax.EmptyOp // what the name so far allows: a beginning, a boundary of words
		name   string         // as long as it begins one of the others
	}
	seen := make(map[place]bool)
	var todo []step
	visit := func(s step) {
		at := place{s.a, s.b, syntax.EmptyOpContext(lastOf(s.name), -1), ""}
		if slices.ContainsFunc(others, func(other string) bool { return strings.HasPrefix(other, s.name) }) {
			at.name = s.name
		}
		if !seen[at] {
			seen[at], todo = true, append(todo, s)
		}
	}
	visit(step{uint32(a.Start), uint32(b.Start), ""})
	for ; len(todo) > 0 && len(seen) < maxPlaces; todo = todo[1:] {
		at, before := todo[0], lastOf(todo[0].name)
		if at.name != "" && a.ends(at.a, before) && b.ends(at.b, before) && !slices.Contains(others, at.name) {
			return at.name
		}
		for _, r := range topicRunes {
			onward := b.after(at.b, before, r)
			for _, nextA := range a.after(at.a, before, r) {
				for _, nextB := range onward {
					visit(step{nextA, nextB, at.name + string(r)})
				}
			}
		}
	}
	return ""
}

// lastOf is the last rune of a name; -1: it has none yet.
func lastOf(name string) rune {
	if name == "" {
		return -1
	}
	return rune(name[len(name)-1])
}

// walker goes through the program of a pattern, rune by rune.
type walker struct{ *syntax.Prog }

func newWalker(pattern string) *walker {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil
	}
	return &walker{prog}
}

// after are the places behind the rune r.
func (w *walker) after(pc uint32, before, r rune) (places []uint32) {
	for _, at := range w.reach(pc, before, r) {
		if i := &w.Inst[at]; i.Op != syntax.InstMatch && i.MatchRune(r) {
			places = append(places, i.Out)
		}
	}
	return places
}

// ends tells whether the name may end here.
func (w *walker) ends(pc uint32, before rune) bool {
	return slices.ContainsFunc(w.reach(pc, before, -1), func(at uint32) bool { return w.Inst[at].Op == syntax.InstMatch })
}

// reach are the instructions about runes, and the end, that are reached from pc
// between two runes.
func (w *walker) reach(pc uint32, before, next rune) (found []uint32) {
	seen := make(map[uint32]bool)
	for todo := []uint32{pc}; len(todo) > 0; {
		pc, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch i := &w.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, i.Out)
		case syntax.InstEmptyWidth:
			if i.MatchEmptyWidth(before, next) {
				todo = append(todo, i.Out)
			}
		case syntax.InstFail:
		default:
			found = append(found, pc)
		}
	}
	return found
}
