package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/nearest"
)

// node is a value on its way into a section: a YAML node, or the text of a
// variable or a flag, and where it came from.
type node struct {
	*yaml.Node
	key    string // path of keys, joined by dots
	base   string // directory where relative paths start
	origin string // of a variable or flag; empty: the file
	to     *problems
}

func (n node) place() string {
	if n.origin != "" {
		return n.origin
	}
	return fmt.Sprintf("%s:%d", n.to.file, n.Line)
}

func (n node) fail(format string, args ...any) {
	n.to.add(n.place(), n.key, format, args...)
}

// at is the node of a value below n.
func (n node) at(name string, value *yaml.Node) node {
	if n.key != "" {
		name = n.key + "." + name
	}
	n.key, n.Node = name, value
	return n.resolved()
}

// item is the node of an element of the list n.
func (n node) item(value *yaml.Node) node {
	n.Node = value
	return n.resolved()
}

// resolved follows aliases. A chain of them cannot be circular: YAML sets an
// anchor before it is used, and no alias has one of its own.
func (n node) resolved() node {
	for n.Kind == yaml.AliasNode {
		n.Node = n.Alias
	}
	n.to.origin[n.key] = n.place()
	return n
}

func (n node) null() bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// resolve makes a path of n absolute.
func (n node) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(n.base, path)
}

// entries calls each for the entries of a mapping; null is an empty one. It
// reports duplicates and keys that are no text.
func (n node) entries(each func(name string, key, value node)) {
	if n.null() {
		return
	}
	if n.Kind != yaml.MappingNode {
		n.fail("is %s; write its keys below it", describe(n.Node))
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		key := n
		key.Node = name
		switch first, twice := seen[name.Value]; {
		case name.Kind != yaml.ScalarNode:
			key.fail("%s cannot be a key; write a name", describe(name))
		case name.Tag == "!!merge":
			key.fail("<< is not supported; write the keys out, or use an alias for a whole value")
		case twice:
			key.fail("%s is set twice, first in line %d; remove one", name.Value, first)
		default:
			seen[name.Value] = name.Line
			each(name.Value, key, n.at(name.Value, n.Content[i+1]))
		}
	}
}

// unknown reports a key that is not among the known ones.
func (n node) unknown(name string, known []string) {
	if meant, ok := nearest.Name(name, known); ok {
		n.fail("unknown key %q; did you mean %s?", name, meant)
		return
	}
	if len(known) == 0 {
		n.fail("unknown key %q; there is nothing to set here, write {}", name)
		return
	}
	known = slices.Clone(known)
	slices.Sort(known)
	n.fail("unknown key %q; known here: %s", name, strings.Join(known, ", "))
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value" // which may be a secret
	}
}
