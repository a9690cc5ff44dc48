package reference

import (
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Manual is what a program offers.
type Manual struct {
	Name     string
	Usage    string
	Commands []Command // those that do something, in the order of the help
	Exits    []Exit
}

// Exit is what an exit code means.
type Exit struct {
	Code int
	Text string
}

// Command is one that does something: it has no others below it.
type Command struct {
	Name        string   // with those above it
	Usage       string   // one line
	Description []string // paragraphs
	Examples    []string // command lines
	Flags       []Flag
}

// Flag is one of a command.
type Flag struct {
	Name    string
	Value   string // what stands for its value; empty: it has none
	Usage   string
	Default string // empty: there is none
}

// Of describes the visible commands of app.
func Of(app *cli.App, exits []Exit) Manual {
	m := Manual{Name: app.Name, Usage: app.Usage, Exits: exits}
	m.add(app.Name, app.Commands)
	return m
}

func (m *Manual) add(above string, commands []*cli.Command) {
	for _, c := range commands {
		name := above + " " + c.Name
		switch {
		case c.Hidden || c.Name == "help":
		case len(c.Subcommands) > 0:
			m.add(name, c.Subcommands)
		default:
			m.Commands = append(m.Commands, describe(name, c))
		}
	}
}

// describe takes the last paragraph of a description for examples where it is
// made of command lines.
func describe(name string, c *cli.Command) Command {
	d := Command{Name: name, Usage: c.Usage}
	program, _, _ := strings.Cut(name, " ")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(c.Description), "\n\n") {
		lines := strings.Split(paragraph, "\n")
		isExample := func(line string) bool {
			return strings.HasPrefix(line, program+" ") || strings.HasPrefix(line, " ") || strings.Contains(line, "| "+program+" ")
		}
		switch {
		case paragraph == "":
		case isExample(lines[0]) && !slices.ContainsFunc(lines, func(l string) bool { return !isExample(l) }):
			d.Examples = append(d.Examples, lines...)
		default:
			d.Description = append(d.Description, strings.Join(lines, " "))
		}
	}
	for _, f := range c.Flags {
		if flag, ok := f.(cli.DocGenerationFlag); ok && visible(f) && f.Names()[0] != "help" {
			d.Flags = append(d.Flags, flagOf(f.Names()[0], flag))
		}
	}
	return d
}

func visible(f cli.Flag) bool {
	v, ok := f.(cli.VisibleFlag)
	return !ok || v.IsVisible()
}

// placeholder is the word of a usage text that stands for the value.
var placeholder = regexp.MustCompile("`([^`]*)`")

func flagOf(name string, f cli.DocGenerationFlag) Flag {
	d := Flag{Name: name, Usage: placeholder.ReplaceAllString(f.GetUsage(), "$1")}
	if !f.TakesValue() {
		return d
	}
	d.Value, d.Default = "VALUE", f.GetDefaultText()
	if named := placeholder.FindStringSubmatch(f.GetUsage()); named != nil {
		d.Value = named[1]
	}
	if d.Default == "" {
		d.Default = f.GetValue()
	}
	if d.Default == "0" || d.Default == "0s" || d.Default == `""` || d.Default == "[]" {
		d.Default = ""
	}
	return d
}
