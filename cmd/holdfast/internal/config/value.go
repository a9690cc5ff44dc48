package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// kind is a type of plain values: how they are read and written.
type kind[T any] struct {
	parse  func(string) (T, error)
	format func(T) string // empty: nothing to say
}

// one is the codec of a single plain value.
func one[T any](to *T, k kind[T]) codec { return value[T]{to, k} }

type value[T any] struct {
	to   *T
	kind kind[T]
}

func (value[T]) plain() {}

func (v value[T]) decode(n node) {
	if got, ok := read(n, v.kind); ok {
		*v.to = got
	}
}

func (v value[T]) encode() *yaml.Node {
	text := v.kind.format(*v.to)
	if text == "" {
		return nil
	}
	return plainNode(text)
}

// read takes one plain value, or reports why it cannot.
func read[T any](n node, k kind[T]) (T, bool) {
	var zero T
	switch {
	case n.null():
		n.fail("has no value; give it one or remove the key")
		return zero, false
	case n.Kind != yaml.ScalarNode:
		n.fail("is %s; write a single value", describe(n.Node))
		return zero, false
	}
	got, err := k.parse(n.Value)
	if err != nil {
		n.fail("%v", err)
		return zero, false
	}
	return got, true
}

// many is the codec of a list; a single value is a list of one.
func many[T any](to *[]T, k kind[T]) codec { return list[T]{to: to, kind: k} }

// commas is many for values without commas: a single value is split at them,
// because a variable or a flag has no other way to give several.
func commas[T any](to *[]T, k kind[T]) codec { return list[T]{to: to, kind: k, split: true} }

type list[T any] struct {
	to    *[]T
	kind  kind[T]
	split bool
}

func (list[T]) plain() {}

func (l list[T]) decode(n node) {
	var got []T
	for _, item := range l.items(n) {
		if v, ok := read(item, l.kind); ok {
			got = append(got, v)
		}
	}
	if got != nil {
		*l.to = got
	}
}

func (l list[T]) items(n node) []node {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		n.fail("is an empty list; give at least one value or remove the key")
		return nil
	case n.Kind == yaml.SequenceNode:
		items := make([]node, len(n.Content))
		for i, content := range n.Content {
			items[i] = n.item(content)
		}
		return items
	case n.Kind == yaml.ScalarNode && l.split:
		var items []node
		for part := range strings.SplitSeq(n.Value, ",") {
			copied := *n.Node
			copied.Value = strings.TrimSpace(part)
			items = append(items, n.item(&copied))
		}
		return items
	}
	return []node{n}
}

func (l list[T]) encode() *yaml.Node {
	if len(*l.to) == 0 {
		return nil
	}
	out := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, v := range *l.to {
		out.Content = append(out.Content, plainNode(l.kind.format(v)))
	}
	return out
}

// plainNode writes text without quotes where YAML needs none to read it back
// as the same text.
func plainNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if n.ShortTag() == "!!str" || n.ShortTag() == "!!null" {
		return textNode(text)
	}
	return n
}

// filePath is the codec of a path.
func filePath(to *string) codec { return pathCodec{value[string]{to, text}} }

type pathCodec struct{ value[string] }

func (c pathCodec) decode(n node) {
	if got, ok := read(n, c.kind); ok {
		*c.to = n.resolve(got)
	}
}
