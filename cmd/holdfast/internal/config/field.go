package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// section is a part of the file that lists its keys.
type section interface{ fields() fields }

// checker is a section that looks at itself once it is decoded.
type checker interface{ check(n node) }

// fields are the keys of a section, in the order in which they are printed.
type fields []field

type field struct {
	name  string
	codec codec
}

// codec takes a value into its place and brings it out again.
type codec interface {
	decode(n node)
	encode() *yaml.Node // nil where there is nothing to say
}

func (f fields) names() []string {
	names := make([]string, len(f))
	for i, each := range f {
		names[i] = each.name
	}
	return names
}

func (f fields) find(name string) codec {
	for _, each := range f {
		if each.name == name {
			return each.codec
		}
	}
	return nil
}

// decodeSection reads n into s.
func decodeSection(s section, n node) {
	known := s.fields()
	n.entries(func(name string, key, value node) {
		if c := known.find(name); c != nil {
			c.decode(value)
			return
		}
		key.unknown(name, known.names())
	})
	if c, ok := s.(checker); ok {
		c.check(n)
	}
}

func encodeSection(s section) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range s.fields() {
		if value := f.codec.encode(); value != nil {
			out.Content = append(out.Content, textNode(f.name), value)
		}
	}
	return out
}

// within is the codec of a section that is always there.
func within(s section) codec { return sectionCodec{s} }

type sectionCodec struct{ section }

func (c sectionCodec) decode(n node)      { decodeSection(c.section, n) }
func (c sectionCodec) encode() *yaml.Node { return encodeSection(c.section) }

// optional is the codec of a section that may be missing; fresh makes one with
// its defaults.
func optional[T any, P interface {
	*T
	section
}](to *P, fresh func() P) codec {
	return optionalCodec[T, P]{to, fresh}
}

type optionalCodec[T any, P interface {
	*T
	section
}] struct {
	to    *P
	fresh func() P
}

func (c optionalCodec[T, P]) decode(n node) {
	*c.to = c.fresh()
	decodeSection(*c.to, n)
}

func (c optionalCodec[T, P]) encode() *yaml.Node {
	if *c.to == nil {
		return nil
	}
	return encodeSection(*c.to)
}

// demanded is the codec of a section that may be missing, and that is also
// there when a variable or a flag sets something in it.
func demanded[T any, P interface {
	*T
	section
}](to *P, fresh func() P) codec {
	return demandedCodec[T, P]{optionalCodec[T, P]{to, fresh}}
}

type demandedCodec[T any, P interface {
	*T
	section
}] struct {
	optionalCodec[T, P]
}

func (c demandedCodec[T, P]) below(key string, each func(key string, c codec)) {
	s := *c.to
	if s == nil {
		s = c.fresh()
	}
	leaves(s, key+".", func(key string, leaf codec) {
		each(key, demanding{leaf, func() { *c.to = s }})
	})
}

// demanding puts a section in its place before a value in it is set.
type demanding struct {
	codec
	demand func()
}

func (d demanding) decode(n node) {
	d.demand()
	d.codec.decode(n)
}

// leaves calls each for every key below s that holds plain values, which are
// those that variables and flags can set.
func leaves(s section, prefix string, each func(key string, c codec)) {
	for _, f := range s.fields() {
		key := prefix + f.name
		switch c := f.codec.(type) {
		case sectionCodec:
			leaves(c.section, key+".", each)
		case interface {
			below(string, func(string, codec))
		}:
			c.below(key, each)
		case settable:
			each(key, c)
		}
	}
}

// settable marks the codecs of plain values.
type settable interface {
	codec
	plain()
}

// Variable is the environment variable of a key.
func Variable(key string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

const variablePrefix = "HOLDFAST_"

func textNode(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}
