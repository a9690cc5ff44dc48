package config

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// named is the codec of values below names of the operator's choice.
func named(to *map[string]string, k kind[string]) codec { return namedCodec{to: to, kind: k} }

// namedPaths is named for paths.
func namedPaths(to *map[string]string) codec { return namedCodec{to: to, kind: text, paths: true} }

type namedCodec struct {
	to    *map[string]string
	kind  kind[string]
	paths bool
}

func (c namedCodec) decode(n node) {
	got := make(map[string]string)
	n.entries(func(name string, _, value node) {
		v, ok := read(value, c.kind)
		if ok && c.paths {
			v = value.resolve(v)
		}
		if ok {
			got[name] = v
		}
	})
	*c.to = got
}

func (c namedCodec) encode() *yaml.Node {
	if len(*c.to) == 0 {
		return nil
	}
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(*c.to)) {
		out.Content = append(out.Content, textNode(name), plainNode(c.kind.format((*c.to)[name])))
	}
	return out
}

// orNone is the codec of a list that may be empty, which is not its default.
func orNone[T any](to *[]T, k kind[T]) codec { return orNoneCodec[T]{list[T]{to: to, kind: k}} }

type orNoneCodec[T any] struct{ list[T] }

func (c orNoneCodec[T]) decode(n node) {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		*c.to = []T{}
		return
	}
	c.list.decode(n)
}

func (c orNoneCodec[T]) encode() *yaml.Node {
	if *c.to != nil && len(*c.to) == 0 {
		return &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	}
	return c.list.encode()
}
