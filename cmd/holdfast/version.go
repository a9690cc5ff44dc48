package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the linker; see the Makefile.
var version string

// buildVersion is what this binary was built from.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

func (w *world) version() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print version, commit and platform of this binary",
		Action: func(*cli.Context) error {
			_, err := fmt.Fprintf(w.stdout, "holdfast %s%s, %s, %s/%s\n", buildVersion(), commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// commit is the revision of the sources, where the build noted it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision == "" {
		return ""
	}
	if settings["vcs.modified"] == "true" {
		revision += ", modified"
	}
	return " (" + revision + ")"
}
