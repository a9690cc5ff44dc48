package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/queue"
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
		Usage: "print version, commit and platform of this binary, and the store formats that it reads and writes",
		Flags: []cli.Flag{resultFlag()},
		Action: func(c *cli.Context) error {
			format, err := output(c)
			if err != nil {
				return err
			}
			b := thisBuild()
			return w.result(format, b, func(out io.Writer) error {
				_, err := fmt.Fprintf(out, "holdfast %s%s, %s, %s/%s\nstore format: reads %s, writes %d\n",
					b.Version, commit(), b.Go, b.OS, b.Architecture, strings.Trim(fmt.Sprint(b.Reads), "[]"), b.Writes)
				return err
			})
		},
	}
}

// build says what this binary is. A store of a format that it does not read is
// refused; to go back to an older binary is safe where that reads what this one
// writes.
type build struct {
	Version      string `json:"version"`
	Commit       string `json:"commit"` // empty: the build did not note it
	Go           string `json:"go"`
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Reads        []int  `json:"reads_formats"`
	Writes       int    `json:"writes_format"`
}

func thisBuild() build {
	b := build{
		Version: buildVersion(), Commit: strings.Trim(commit(), " ()"), Go: runtime.Version(), OS: runtime.GOOS, Architecture: runtime.GOARCH,
		Writes: queue.FormatVersion,
	}
	for format := queue.OldestFormat; format <= queue.FormatVersion; format++ {
		b.Reads = append(b.Reads, format)
	}
	return b
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
