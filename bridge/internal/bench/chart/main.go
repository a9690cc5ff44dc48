// Command chart draws the results of `make bench BENCH='-json FILE'`:
//
//	go run ./bridge/internal/bench/chart -only REGEXP FILE > chart.svg
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/internal/bench"
)

func main() {
	only := flag.String("only", "", "regular expression for the names of the cases to draw")
	flag.Parse()
	if err := draw(os.Stdout, *only, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func draw(w io.Writer, only string, files []string) error {
	if len(files) != 1 {
		return errors.New("name the file of results")
	}
	match, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	var report bench.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("read %s: %w", files[0], err)
	}
	report.Drains = slices.DeleteFunc(report.Drains, func(d bench.Drain) bool { return !match.MatchString(d.Case) })
	return report.Chart(w)
}
