package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// outputFlag is --output of a command that lists, with what the formats are.
func outputFlag(formats string) cli.Flag {
	return &cli.StringFlag{Name: "output", Usage: "`FORMAT`: " + formats, Value: string(listing.Table)}
}

// resultFlag is --output of a command that has one result.
func resultFlag() cli.Flag { return outputFlag("table, json or ndjson (json on one line)") }

// output reads --output.
func output(c *cli.Context) (listing.Format, error) {
	f, err := listing.ParseFormat(c.String("output"))
	if err != nil {
		return "", usagef("--output is %q; use table, json or ndjson", c.String("output"))
	}
	return f, nil
}

// result writes what a command has to tell, to people as table does.
func (w *world) result(f listing.Format, result any, table func(io.Writer) error) error {
	if f == listing.Table {
		return table(w.stdout)
	}
	return encode(w.stdout, f, result)
}

// encode writes one thing as JSON: on several lines, but as NDJSON on one.
func encode(out io.Writer, f listing.Format, thing any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if f == listing.JSON {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(thing); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
