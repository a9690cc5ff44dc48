package main

import (
	_ "embed" // for the scripts below
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

//go:embed completion/bash.sh
var bashCompletion string

//go:embed completion/zsh.sh
var zshCompletion string

func (w *world) completion() *cli.Command {
	shell := func(name, install string, script func(*cli.App) (string, error)) *cli.Command {
		return &cli.Command{
			Name:        name,
			Usage:       "print the completion script for " + name,
			Description: install,
			Action: func(c *cli.Context) error {
				text, err := script(c.App)
				if err != nil {
					return fmt.Errorf("write the completion script: %w", err)
				}
				_, err = io.WriteString(w.stdout, text)
				return err
			},
		}
	}
	fixed := func(text string) func(*cli.App) (string, error) {
		return func(*cli.App) (string, error) { return text, nil }
	}
	return &cli.Command{
		Name:  "completion",
		Usage: "print a shell completion script",
		Subcommands: []*cli.Command{
			shell("bash", "holdfast completion bash > /etc/bash_completion.d/holdfast", fixed(bashCompletion)),
			shell("zsh", `holdfast completion zsh > "${fpath[1]}/_holdfast"`, fixed(zshCompletion)),
			shell("fish", "holdfast completion fish > ~/.config/fish/completions/holdfast.fish", (*cli.App).ToFishCompletion),
		},
	}
}
