package config

import (
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/exec"
)

// Exec runs one process per job.
type Exec struct {
	Command     []string
	Dir         string // empty: the working directory
	User        string // empty: whom holdfast runs as
	Env         []string
	Timeout     time.Duration // 0: no limit
	Grace       time.Duration
	OutputLimit int64
}

// The default grace leaves a cancelled job time to end before the bridge stops
// waiting for it.
func newExec() *Exec { return &Exec{Grace: 3 * time.Second, OutputLimit: 3 << 10} }

func (e *Exec) fields() fields {
	return fields{
		{"command", command(&e.Command)},
		{"dir", filePath(&e.Dir)},
		{"user", one(&e.User, text)},
		{"env", many(&e.Env, secretEntry)},
		{"timeout", one(&e.Timeout, unlessZero(duration(time.Millisecond)))},
		{"grace", one(&e.Grace, duration(time.Millisecond))},
		{"output_limit", one(&e.OutputLimit, size(1))},
	}
}

func (e *Exec) handler() (bridge.Handler, error) {
	return exec.New(exec.Config{
		Command: e.Command, Dir: e.Dir, User: e.User, Env: e.Env,
		Timeout: e.Timeout, Grace: e.Grace, OutputLimit: int(e.OutputLimit),
	})
}

// unlessZero is a kind whose zero is not printed: it means that there is none.
func unlessZero[T comparable](k kind[T]) kind[T] {
	format := k.format
	k.format = func(v T) string {
		var zero T
		if v == zero {
			return ""
		}
		return format(v)
	}
	return k
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
