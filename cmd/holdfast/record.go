package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// recordFlags describe one record.
func recordFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "key", Usage: "the record's `KEY` as text; without one it is null"},
		&cli.StringFlag{Name: "key-hex", Usage: "the record's key as `HEX` digits"},
		&cli.StringSliceFlag{Name: "header", Usage: "a header as `NAME=VALUE`; may be repeated"},
		&cli.StringFlag{Name: "value", Usage: "the record's `VALUE` as text"},
		&cli.StringFlag{Name: "value-file", Usage: "`FILE` with the record's value; - is stdin"},
	}
}

// recordOf reads the flags that describe the record.
func (w *world) recordOf(ctx context.Context, c *cli.Context) (rec partitioner.Record, err error) {
	if rec.Key, err = bytesOf(c, "key"); err != nil {
		return rec, err
	}
	for _, text := range c.StringSlice("header") {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return rec, usagef("--header is %q; write NAME=VALUE", text)
		}
		rec.Headers = append(rec.Headers, partitioner.Header{Key: name, Value: []byte(value)})
	}
	rec.Value, err = w.valueOf(ctx, c)
	return rec, err
}

// bytesOf reads a flag, or the one with its bytes as -hex: nil without either, and
// empty for an empty one.
func bytesOf(c *cli.Context, name string) ([]byte, error) {
	inHex := name + "-hex"
	switch {
	case c.IsSet(name) && c.IsSet(inHex):
		return nil, usagef("--%s and --%s are both given; keep one", name, inHex)
	case c.IsSet(name):
		return append([]byte{}, c.String(name)...), nil
	case c.IsSet(inHex):
		bytes, err := hex.DecodeString(c.String(inHex))
		if err != nil {
			return nil, usagef("--%s is %q; write two hexadecimal digits per byte, as 00ff", inHex, c.String(inHex))
		}
		return append([]byte{}, bytes...), nil
	}
	return nil, nil
}

// valueOf is nil without a value, and empty for an empty one.
func (w *world) valueOf(ctx context.Context, c *cli.Context) ([]byte, error) {
	file := c.String("value-file")
	switch {
	case c.IsSet("value") && c.IsSet("value-file"):
		return nil, usagef("--value and --value-file are both given; keep one")
	case c.IsSet("value"):
		return append([]byte{}, c.String("value")...), nil
	case !c.IsSet("value-file"):
		return nil, nil
	}
	read := func() ([]byte, error) { return os.ReadFile(file) }
	if file == "-" {
		read = func() ([]byte, error) { return io.ReadAll(w.input(ctx)) }
	}
	value, err := read()
	if err != nil {
		return nil, fmt.Errorf("read --value-file: %w", err)
	}
	return value, nil
}
