package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/nearest"
)

// usageError is a command line that cannot be what was meant.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// strict makes a command and those below it refuse what they do not know,
// which urfave/cli would let pass or answer with a code of its own.
func strict(c *cli.Command) *cli.Command {
	c.OnUsageError = wrongFlag
	c.HideHelpCommand = true
	for _, f := range c.Flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true // it is off, as everybody expects
		}
	}
	if len(c.Subcommands) > 0 {
		c.Action = withoutSubcommand(c.Action)
		for _, sub := range c.Subcommands {
			strict(sub)
		}
		return c
	}
	c.CustomHelpTemplate = cli.CommandHelpTemplate
	run := c.Action
	c.Action = func(ctx *cli.Context) error {
		if err := noArguments(ctx); err != nil {
			return err
		}
		return run(ctx)
	}
	return c
}

// withoutSubcommand is the action of a command that has others below it.
func withoutSubcommand(own cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if own == nil || c.Args().Present() {
			return wrongCommand(c)
		}
		return own(c)
	}
}

// noArguments refuses positional arguments. Flags are not read after the
// first one: `requeue x --dry-run` would act.
func noArguments(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	for _, arg := range c.Args().Slice() {
		if strings.HasPrefix(arg, "-") && arg != "-" {
			return usagef("%s comes after %q and would not be read as a flag; what to work on is said with flags alone, see %s --help",
				arg, c.Args().First(), c.Command.HelpName)
		}
	}
	return usagef("unexpected argument %q; what to work on is said with flags, see %s --help", c.Args().First(), c.Command.HelpName)
}

// wrongCommand answers a name that no command has, or none at all.
func wrongCommand(c *cli.Context) error {
	commands := c.Command.VisibleCommands()
	names := make([]string, len(commands))
	for i, command := range commands {
		names[i] = command.Name
	}
	given := c.Args().First()
	if given == "" {
		return usagef("%s needs one of: %s; %s --help explains them", c.Command.HelpName, strings.Join(names, ", "), c.Command.HelpName)
	}
	if meant, ok := nearest.Name(given, names); ok {
		return usagef("unknown command %q; did you mean %s %s?", given, c.Command.HelpName, meant)
	}
	return usagef("unknown command %q; %s has: %s", given, c.Command.HelpName, strings.Join(names, ", "))
}

// wrongFlag turns an error of the flag parser into a sentence.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		return unknownFlag(c, strings.TrimLeft(name, "-"))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return usagef("--%s needs a value", strings.TrimLeft(name, "-"))
	}
	if m := wrongValue.FindStringSubmatch(text); m != nil {
		return usagef("--%s is %q; write %s", m[2], m[1], wanted(c, m[2]))
	}
	return usagef("%s", text)
}

// wrongValue is what the flag package says of a value that it cannot parse.
var wrongValue = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([\w-]+): `)

// wanted is what the value of a flag looks like.
func wanted(c *cli.Context, name string) string {
	for _, f := range c.Command.Flags {
		if f.Names()[0] != name {
			continue
		}
		switch f.(type) {
		case *cli.IntFlag, *cli.Int64Flag:
			return "a whole number"
		case *cli.DurationFlag:
			return "for example 10ms, 45s or 2h30m"
		case *cli.BoolFlag:
			return "it without a value"
		}
	}
	return "another value"
}

func unknownFlag(c *cli.Context, given string) error {
	var names []string
	for _, f := range c.Command.VisibleFlags() {
		names = append(names, f.Names()[0])
	}
	if meant, ok := nearest.Name(given, names); ok {
		return usagef("unknown flag --%s; did you mean --%s?", given, meant)
	}
	if c.Command.HelpName == c.App.HelpName {
		return usagef("unknown flag --%s; flags follow the command, see holdfast --help", given)
	}
	return usagef("unknown flag --%s; %s --help lists them", given, c.Command.HelpName)
}

// required is the value of a flag that has to be given.
func required(c *cli.Context, name, what string) (string, error) {
	if value := c.String(name); value != "" {
		return value, nil
	}
	return "", usagef("--%s is missing; it says %s", name, what)
}
