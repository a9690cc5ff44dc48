package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

func (w *world) partition() *cli.Command {
	return &cli.Command{
		Name:  "partition",
		Usage: "show the lane of a record, and where each producer's hash would put its key",
		Description: "holdfast partition --key cust-17 --partitions 12 --lanes 64\n" +
			"holdfast partition --key-hex 00ff --partitions 12\n" +
			"holdfast partition --source header:tenant --header tenant=acme\n" +
			"holdfast partition --source json:customer.id --value-file order.json",
		Flags: append(recordFlags(),
			&cli.StringSliceFlag{Name: "source", Usage: "`SOURCE` of the lane, as partitioner.source: key, header:NAME, json:PATH or round_robin:N; may be repeated"},
			&cli.StringFlag{Name: "missing", Usage: "`POLICY` for records without it: own, one or spread:N", Value: "own"},
			&cli.StringFlag{Name: "lanes", Usage: "`N` lanes, or per_value", Value: "per_value"},
			&cli.IntFlag{Name: "partitions", Usage: "`N` partitions of the topic", DefaultText: "unknown"},
			resultFlag(),
		),
		Action: w.showPartition,
	}
}

// placement is where a record goes.
type placement struct {
	Lane   string       `json:"lane"`
	Hashes []hashResult `json:"hashes"`
}

type hashResult struct {
	Name      string `json:"name"`
	Hash      string `json:"hash"`
	Partition *int32 `json:"partition"` // nil: the number of partitions is not known
}

func (w *world) showPartition(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	if !c.IsSet("key") && !c.IsSet("key-hex") && !c.IsSet("header") && !c.IsSet("value") && !c.IsSet("value-file") {
		return usagef("the record is missing; say --key, --key-hex, --header, --value or --value-file")
	}
	rec, err := w.recordOf(c.Context, c)
	if err != nil {
		return err
	}
	scheme, err := schemeOf(c)
	if err != nil {
		return err
	}
	partitions := c.Int("partitions")
	if c.IsSet("partitions") && (partitions < 1 || partitions > 1<<30) {
		return usagef("--partitions is %d; a topic has at least 1", partitions)
	}
	p, err := place(rec, scheme, int32(partitions))
	if err != nil {
		return err
	}
	return w.result(format, p, p.write)
}

func schemeOf(c *cli.Context) (scheme partitioner.Scheme, err error) {
	for _, text := range c.StringSlice("source") {
		source, err := partitioner.ParseSource(text)
		if err != nil {
			return scheme, schemeError(err)
		}
		scheme.Sources = append(scheme.Sources, source)
	}
	if scheme.Missing, err = partitioner.ParseMissing(c.String("missing")); err != nil {
		return scheme, schemeError(err)
	}
	if scheme.Lanes, err = partitioner.ParseLanes(c.String("lanes")); err != nil {
		return scheme, schemeError(err)
	}
	if err := scheme.Validate(); err != nil {
		return scheme, schemeError(err)
	}
	return scheme, nil
}

// schemeError names the flag that an error of package partitioner is about.
func schemeError(err error) error {
	text := strings.ReplaceAll(err.Error(), "partitioner: ", "")
	return usagef("--%s", strings.ReplaceAll(text, "\n", "; --"))
}

// place asks the partitioner and every named hash.
func place(rec partitioner.Record, scheme partitioner.Scheme, partitions int32) (placement, error) {
	lanes, err := partitioner.New(scheme)
	if err != nil {
		return placement{}, err
	}
	lane, err := lanes.Lane(rec)
	if err != nil {
		return placement{}, err
	}
	p := placement{Lane: laneName(string(lane.Name), lane.Own), Hashes: []hashResult{}}
	if rec.Key == nil {
		return p, nil // producers place a null key freely
	}
	for _, h := range partitioner.Hashes() {
		result := hashResult{Name: h.Name, Hash: fmt.Sprintf("0x%0*x", h.Bits/4, h.Sum(rec.Key))}
		if partitions > 0 {
			n := h.Partition(rec.Key, partitions)
			result.Partition = &n
		}
		p.Hashes = append(p.Hashes, result)
	}
	return p, nil
}

// laneName is the lane as people can read it.
func laneName(name string, own bool) string {
	switch {
	case own:
		return "(own)"
	case utf8.ValidString(name):
		return name
	}
	return "0x" + hex.EncodeToString([]byte(name))
}

func (p placement) write(to io.Writer) error {
	out := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	fmt.Fprintf(out, "LANE\t%s\n", printable(p.Lane))
	if len(p.Hashes) == 0 {
		fmt.Fprintln(out, "\nwithout a key the producer chooses the partition freely")
		return out.Flush()
	}
	fmt.Fprintln(out, "\nPRODUCER'S HASH\tVALUE\tPARTITION")
	for _, h := range p.Hashes {
		partition := "-"
		if h.Partition != nil {
			partition = strconv.Itoa(int(*h.Partition))
		}
		fmt.Fprintf(out, "%s\t%s\t%s\n", h.Name, h.Hash, partition)
	}
	return out.Flush()
}

// printable quotes a text that would not show as itself.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if s == "" || quoted[1:len(quoted)-1] != s {
		return quoted
	}
	return s
}
