package config

import (
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/exec"
)

// Exec runs one process per job.
type Exec struct {
	Command []string
	Dir     string // empty: the working directory
	Env     []string
	Grace   time.Duration
}

// The default grace leaves a cancelled job time to end before the bridge stops
// waiting for it.
func newExec() *Exec { return &Exec{Grace: 3 * time.Second} }

func (e *Exec) fields() fields {
	return fields{
		{"command", command(&e.Command)},
		{"dir", filePath(&e.Dir)},
		{"env", many(&e.Env, secretEntry)},
		{"grace", one(&e.Grace, duration(time.Millisecond))},
	}
}

func (e *Exec) handler() (bridge.Handler, error) {
	return exec.New(exec.Config{Command: e.Command, Dir: e.Dir, Env: e.Env, Grace: e.Grace})
}

// command is the codec of a program and its arguments. A program that is named
// by its path does not depend on the working directory; one without a slash is
// looked up in PATH.
func command(to *[]string) codec { return commandCodec{list[string]{to: to, kind: argument}} }

type commandCodec struct{ list[string] }

func (c commandCodec) decode(n node) {
	c.list.decode(n)
	if words := *c.to; len(words) > 0 && strings.Contains(words[0], "/") {
		words[0] = n.resolve(words[0])
	}
}

// argument is one word of a command, which may be empty.
var argument = kind[string]{
	parse:  func(s string) (string, error) { return s, nil },
	format: func(s string) string { return s },
}

// Redacted stands in for what is not to be seen.
const Redacted = "<redacted>"

// secretEntry is NAME or NAME=value of an environment, whose value is not printed.
var secretEntry = kind[string]{
	parse: text.parse,
	format: func(s string) string {
		if name, _, hasValue := strings.Cut(s, "="); hasValue {
			return name + "=" + Redacted
		}
		return s
	},
}
