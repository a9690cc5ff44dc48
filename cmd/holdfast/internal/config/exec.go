package config

import (
	"cmp"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/exec"
)

// Exec runs a process for each job, or, in mode stream, children that work on
// many jobs each.
type Exec struct {
	Command     []string
	Mode        string
	Dir         string // empty: the working directory
	User        string // empty: whom holdfast runs as
	Env         []string
	Timeout     time.Duration // 0: no limit
	Grace       time.Duration
	OutputLimit int64

	// Of mode stream; zero in the other.
	InFlight  int
	Processes int
	Value     string
}

// The modes of Exec, and how its children get values.
const (
	modeProcess = "process"
	modeStream  = "stream"
	valueText   = "text"
	valueBase64 = "base64"
)

// The default grace leaves a cancelled job time to end before the bridge stops
// waiting for it.
func newExec() *Exec {
	return &Exec{Mode: modeProcess, Grace: 3 * time.Second, OutputLimit: 3 << 10}
}

func (e *Exec) fields() fields {
	return fields{
		{"command", command(&e.Command)},
		{"mode", one(&e.Mode, words(modeProcess, modeStream))},
		{"in_flight", one(&e.InFlight, count(1))},
		{"processes", one(&e.Processes, count(1))},
		{"value", one(&e.Value, words(valueText, valueBase64))},
		{"dir", filePath(&e.Dir)},
		{"user", one(&e.User, text)},
		{"env", many(&e.Env, secretEntry)},
		{"timeout", one(&e.Timeout, unlessZero(duration(time.Millisecond)))},
		{"grace", one(&e.Grace, duration(time.Millisecond))},
		{"output_limit", one(&e.OutputLimit, size(1))},
	}
}

// check gives what mode stream has its defaults, and refuses it in the other.
func (e *Exec) check(n node) {
	if e.Mode == modeStream {
		e.InFlight = cmp.Or(e.InFlight, 32)
		e.Processes = cmp.Or(e.Processes, 1)
		e.Value = cmp.Or(e.Value, valueText)
		return
	}
	if e.InFlight != 0 || e.Processes != 0 || e.Value != "" {
		n.fail("has in_flight, processes or value, which are for mode: stream; set that, or remove them")
	}
}

// handler makes the handler. What it has to say beside errors of jobs goes to log.
func (e *Exec) handler(log *slog.Logger) (bridge.Handler, error) {
	common := exec.Config{
		Command: e.Command, Dir: e.Dir, User: e.User, Env: e.Env,
		Timeout: e.Timeout, Grace: e.Grace, OutputLimit: int(min(e.OutputLimit, math.MaxInt)),
	}
	if e.Mode != modeStream {
		return exec.New(common)
	}
	return exec.NewStream(exec.StreamConfig{
		Config: common, InFlight: e.InFlight, Processes: e.Processes, Base64: e.Value == valueBase64, Logger: log,
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
