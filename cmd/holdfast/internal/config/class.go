package config

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/exec"
	"github.com/seed-2837c37b/holdfast/bridge/handler/webhook"
)

// Class is what to do about errors of one kind.
type Class struct {
	Match Match
	Do    string
	Delay time.Duration // of retry_after and snooze
}

// Match says which errors are of a class: what is set must all be true.
type Match struct {
	ExitCode []int // of exec: one of these
	Status   []int // of http: one of these
	Text     string
}

var actions = map[string]bridge.Action{
	"retry": bridge.DoRetry, "retry_after": bridge.DoRetryAfter, "bury": bridge.DoBury, "skip": bridge.DoSkip, "snooze": bridge.DoSnooze,
}

func (c *Class) fields() fields {
	return fields{
		{"match", within(&c.Match)},
		{"do", one(&c.Do, words("retry", "retry_after", "bury", "skip", "snooze"))},
		{"delay", one(&c.Delay, unlessZero(duration(time.Millisecond)))},
	}
}

func (c *Class) check(n node) {
	switch {
	case c.Match.empty():
		n.fail("matches everything; write match: with exit_code, status or text")
	case c.Do == "":
		n.fail("does not say what to do; write do: retry, retry_after, bury, skip or snooze")
	case c.waits() && c.Delay == 0:
		n.fail("%s needs a delay; write for example delay: 30s", c.Do)
	case !c.waits() && c.Delay != 0:
		n.fail("%s has no delay; remove it, or use retry_after or snooze", c.Do)
	}
}

func (c *Class) waits() bool { return c.Do == "retry_after" || c.Do == "snooze" }

func (m *Match) fields() fields {
	return fields{
		{"exit_code", many(&m.ExitCode, count(0))},
		{"status", many(&m.Status, count(100))},
		{"text", one(&m.Text, unlessZero(text))},
	}
}

func (m *Match) empty() bool { return len(m.ExitCode) == 0 && len(m.Status) == 0 && m.Text == "" }

// matches tells whether an error of a handler is of the class.
func (m *Match) matches(err error) bool {
	if m.ExitCode != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !slices.Contains(m.ExitCode, exit.Code) {
			return false
		}
	}
	if m.Status != nil {
		var status *webhook.StatusError
		if !errors.As(err, &status) || !slices.Contains(m.Status, status.Code) {
			return false
		}
	}
	return m.Text == "" || bridge.MatchText(m.Text)(err)
}

func retryClasses(classes []*Class) (list []bridge.Class) {
	for _, c := range classes {
		class := bridge.Class{Match: c.Match.matches, Do: actions[c.Do]}
		if c.waits() {
			class.Delay = c.Delay
		}
		list = append(list, class)
	}
	return list
}

// classes refuses those that no error of the topic's handler is of.
func (b *builder) classes(t *Topic, h *Handler) []bridge.Class {
	for _, c := range t.Classes {
		switch key := t.key() + ".retry_classes"; {
		case h == nil || len(h.kinds()) != 1: // that is a problem of its own
		case len(c.Match.Status) > 0 && h.HTTP == nil:
			b.fail(key, fmt.Sprintf("never matches: status %d is an answer to http, and the handler here is %s", c.Match.Status[0], h.kinds()[0]))
		case len(c.Match.ExitCode) > 0 && h.Exec == nil:
			b.fail(key, fmt.Sprintf("never matches: exit_code %d is of a process under exec, and the handler here is %s", c.Match.ExitCode[0], h.kinds()[0]))
		}
	}
	return retryClasses(t.Classes)
}

// classes is the codec of a list of classes; a single one is a list of one.
type classes struct{ to *[]*Class }

func (c classes) decode(n node) {
	items := []*yaml.Node{n.Node}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var list []*Class
	for _, item := range items {
		one := new(Class)
		decodeSection(one, n.item(item))
		list = append(list, one)
	}
	*c.to = list
}

func (c classes) encode() *yaml.Node {
	if len(*c.to) == 0 {
		return nil
	}
	out := &yaml.Node{Kind: yaml.SequenceNode}
	for _, one := range *c.to {
		out.Content = append(out.Content, encodeSection(one))
	}
	return out
}
