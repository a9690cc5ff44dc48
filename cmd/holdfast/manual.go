package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/reference"
)

// manual writes what the command line offers. It is for building packages.
func (w *world) manual() *cli.Command {
	return &cli.Command{
		Name:   "manual",
		Usage:  "print the reference of all commands",
		Hidden: true,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "format", Usage: "`FORMAT`: markdown or man", Value: "markdown"}},
		Action: func(c *cli.Context) error {
			text, err := manualText(c.App, c.String("format"))
			if err != nil {
				return err
			}
			_, err = io.WriteString(w.stdout, text)
			return err
		},
	}
}

func manualText(app *cli.App, format string) (string, error) {
	exits := make([]reference.Exit, len(meanings))
	for i, m := range meanings {
		exits[i] = reference.Exit{Code: int(m.code), Text: m.text}
	}
	m := reference.Of(app, exits)
	switch format {
	case "markdown":
		return reference.Markdown(m), nil
	case "man":
		return reference.Man(m), nil
	default:
		return "", usagef("--format is %q; use markdown or man", format)
	}
}
