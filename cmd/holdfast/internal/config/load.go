package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/nearest"
)

// Input is where a configuration comes from.
type Input struct {
	File    string   // path of the YAML file
	Environ []string // NAME=value
	Flags   []Flag   // over file and environment
	Dir     string   // working directory, where the paths of variables and flags start

	local bool
}

// Flag is a key that was set on the command line.
type Flag struct{ Name, Key, Value string }

// Load reads the file and what is set over it, and checks everything. An error
// that is an [*Error] lists all problems.
func Load(in Input) (*Config, error) {
	content, err := readFile(in.File)
	if err != nil {
		return nil, err
	}
	return decode(content, in)
}

// LoadLocal is Load for what runs jobs without Kafka and without a store: what
// concerns those may be missing, also files that it names.
func LoadLocal(in Input) (*Config, error) {
	in.local = true
	return Load(in)
}

// LoadStore is Load for what works on a store, or asks the bridge that has it:
// only where that is has to be known, and File may be empty. What else is wrong
// with the file is for the bridge to refuse, not for who wants to look at it.
func LoadStore(in Input) (*Config, error) {
	in.local = true
	var content []byte
	if in.File != "" {
		var err error
		if content, err = readFile(in.File); err != nil {
			return nil, err
		}
	}
	c, found, err := assemble(content, in)
	if err != nil {
		return nil, err
	}
	if c.DataDir == "" {
		found.about("data_dir", "is missing; it names the directory of the store")
		return nil, found.err()
	}
	return c, nil
}

// LoadKafka is Load for what talks to Kafka without being a bridge: only where
// the brokers are and how to talk to them is checked, and File may be empty.
func LoadKafka(in Input) (*Kafka, error) {
	var content []byte
	if in.File != "" {
		var err error
		if content, err = readFile(in.File); err != nil {
			return nil, err
		}
	}
	c, found, err := assemble(content, in)
	if err != nil {
		return nil, err
	}
	var b builder
	_, err = c.Kafka.Sarama()
	b.invalid(c, err)
	for _, address := range c.Kafka.Brokers {
		if _, _, err := net.SplitHostPort(address); err != nil {
			b.fail("kafka.brokers", fmt.Sprintf("%q is not host:port", address))
		}
	}
	found.all(b.wrong)
	if err := found.err(); err != nil {
		return nil, err
	}
	return &c.Kafka, nil
}

func readFile(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{[]Problem{{Origin: path, Reason: "the file does not exist; name it with --config FILE"}}}
	case err != nil:
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, &Error{[]Problem{{Origin: path, Reason: fmt.Sprintf("cannot be read: %v; name the configuration file with --config FILE", err)}}}
	}
	return content, nil
}

// decode is Load with the content of the file.
func decode(content []byte, in Input) (*Config, error) {
	c, found, err := assemble(content, in)
	if err != nil {
		return nil, err
	}
	nowhere := slog.New(slog.DiscardHandler)
	_, wrong := c.bridge(nowhere, nowhere)
	found.all(wrong)
	if err := found.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// assemble reads the content of the file and what is set over it.
func assemble(content []byte, in Input) (*Config, *problems, error) {
	found := &problems{origin: make(map[string]string), file: cmp.Or(in.File, "environment")}
	c := defaults()
	c.local = in.local
	folder, err := filepath.Abs(filepath.Dir(in.File))
	if err != nil {
		return nil, nil, fmt.Errorf("read the configuration: %w", err)
	}
	switch root := parse(content, found); {
	case root != nil:
		decodeSection(c, node{Node: root, base: folder, to: found}.resolved())
	case len(found.found) > 0: // what is missing may be in what could not be read
		return nil, nil, found.err()
	}
	c.overlay(in, found)
	return c, found, nil
}

// parse reads one YAML document; nil: there is none.
func parse(content []byte, found *problems) *yaml.Node {
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(&doc)
	if err == nil {
		if err = decoder.Decode(&more); err == nil {
			found.add(fmt.Sprintf("%s:%d", found.file, more.Line), "", "a second YAML document begins here; keep one")
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		found.syntax(err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// syntax reports an error of the YAML parser, whose text names the line.
func (p *problems) syntax(err error) {
	origin, reason := p.file, strings.TrimPrefix(err.Error(), "yaml: ")
	if line, rest, ok := strings.Cut(reason, ": "); ok && strings.HasPrefix(line, "line ") {
		origin, reason = origin+":"+strings.TrimPrefix(line, "line "), rest
	}
	p.add(origin, "", "not valid YAML: %s", reason)
}

// overlay sets what variables and flags say, flags last.
func (c *Config) overlay(in Input, found *problems) {
	variables := make(map[string]string)
	for _, entry := range in.Environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			variables[name] = value
		}
	}
	flags := make(map[string]Flag)
	for _, f := range in.Flags {
		flags[f.Key] = f
	}
	leaves(c, "", func(key string, to codec) {
		set := func(origin, value string) {
			n := node{key: key, base: in.Dir, origin: origin, to: found, Node: textNode(value)}
			to.decode(n.resolved())
		}
		if value := variables[Variable(key)]; value != "" {
			set(Variable(key), value)
		}
		if f, ok := flags[key]; ok {
			set(f.Name, f.Value)
		}
	})
}

// Misspelt are the variables of environ that are nearly, but not, variables of
// this package, each with the one that is. Others of the same prefix are none
// of its business: Kubernetes sets some for a service called holdfast.
func Misspelt(environ []string) map[string]string {
	var known []string
	leaves(defaults(), "", func(key string, _ codec) { known = append(known, Variable(key)) })
	isKnown := make(map[string]bool)
	for _, name := range known {
		isKnown[name] = true
	}
	found := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || isKnown[name] || value == "" { // an empty one sets nothing
			continue
		}
		if meant, ok := nearest.Name(name, known); ok {
			found[name] = meant
		}
	}
	return found
}

// Keys are the keys that variables and flags can set, in the order of the file.
func Keys() []string {
	var keys []string
	leaves(defaults(), "", func(key string, _ codec) { keys = append(keys, key) })
	return keys
}

// Print writes the configuration as it is in force, with every default and
// without secrets, in the form of the file.
func (c *Config) Print(w io.Writer) error {
	out := yaml.NewEncoder(w)
	out.SetIndent(2)
	if err := out.Encode(encodeSection(c)); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return out.Close()
}
