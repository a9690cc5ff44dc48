package main

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// target is how this command was told which bridge, or store, it is about: the
// flags as they were typed, behind a blank; empty: by nothing that was typed. A
// command that is offered has them at its end, and so leads to the same one.
type target string

func targetOf(c *cli.Context) target {
	var text strings.Builder
	for _, name := range []string{"config", "data-dir"} {
		if value := c.String(name); value != "" {
			text.WriteString(" --" + name + " " + shellWord(value))
		}
	}
	return target(text.String())
}

// at is a command for there; an empty one stays.
func (t target) at(command string) string {
	if command == "" {
		return ""
	}
	return command + string(t)
}

// actions are those for there.
func (t target) actions(list []inspect.Action) []inspect.Action {
	list = slices.Clone(list)
	for i := range list {
		list[i].Command = t.at(list[i].Command)
	}
	return list
}

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shellWord makes one word of a text for a shell.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Status is that of the bridge; what it offers is for there.
func (n *connection) Status(ctx context.Context) (inspect.Status, error) {
	s, err := n.Inspector.Status(ctx)
	s.Problems = slices.Clone(s.Problems)
	for i := range s.Problems {
		s.Problems[i].Command = n.target.at(s.Problems[i].Command)
	}
	return s, err
}

// Explain is that of the bridge; what it offers is for there.
func (n *connection) Explain(ctx context.Context, topic string, partition int32, offset *int64) (inspect.Explanation, error) {
	e, err := n.Inspector.Explain(ctx, topic, partition, offset)
	e.Actions = n.target.actions(e.Actions)
	return e, err
}

// Disk is that of the bridge; what it offers is for there.
func (n *connection) Disk(ctx context.Context) (inspect.Disk, error) {
	d, err := n.Inspector.Disk(ctx)
	d.Actions = n.target.actions(d.Actions)
	return d, err
}
