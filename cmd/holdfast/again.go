package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// againFlags let requeue read finished records from Kafka again.
func againFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "from-kafka", Usage: "not dead letters, but finished records by their --offset, which Kafka still has"},
		&cli.BoolFlag{Name: "new-id", Usage: "with --from-kafka: give the jobs ids of their own, for receivers that ignore what they know by its id"},
	}
}

// fromKafka is a requeue of finished records.
func fromKafka(c *cli.Context) (inspect.Command, error) {
	for _, name := range []string{"key", "key-hex", "lane", "buried-before", "error-matches", "limit", "rate", "stop-at", "reset-attempts"} {
		if c.IsSet(name) {
			return inspect.Command{}, usagef("--%s is about dead letters; with --from-kafka records are selected by --topic, --partition and --offset alone", name)
		}
	}
	for _, name := range []string{"topic", "partition", "offset"} {
		if !c.IsSet(name) {
			return inspect.Command{}, usagef("--from-kafka needs --%s: finished records are selected by --topic, --partition and --offset", name)
		}
	}
	q, err := queryOf(c)
	return inspect.Command{Verb: inspect.Requeue, Select: q, FromKafka: true, NewID: c.Bool("new-id")}, err
}

// shownRecords is how many records a plan spells out.
const shownRecords = 10

// again says which finished records a plan runs again.
func (f *facts) again(p inspect.Plan) {
	bytes, behind, unknown := 0, 0, 0
	for _, t := range p.Again {
		bytes += t.Bytes
		switch {
		case t.Overtaken == nil:
			unknown++
		case *t.Overtaken:
			behind++
		}
	}
	f.add("match", "%s", plural(p.Matched, "offset"))
	f.add("requeue", "%s as Kafka has them, %s: finished here, and run again", plural(len(p.Again), "record"), listing.Bytes(int64(bytes)))
	if behind > 0 {
		f.add("order", "%s of them %s later jobs of the same key already done", listing.Count(behind), map[bool]string{true: "has", false: "have"}[behind == 1])
	}
	if unknown > 0 {
		f.add("order", "of %s it is not known whether later jobs of the same key are done", listing.Count(unknown))
	}
	f.add("offset", "the committed offset does not move back")
	if p.Command.NewID {
		f.add("identity", "new: receivers take each for another job than before")
	} else {
		f.add("identity", "kept: receivers that ignore what they know by its id do so (--new-id)")
	}
	f.add("id", "%s", examples([]string{p.Again[0].ID}, len(p.Again)))
	for _, t := range p.Again[:min(shownRecords, len(p.Again))] {
		text := fmt.Sprintf("%s  %s  %s  %s", t.Name, listing.Key(t.Key), listing.Bytes(int64(t.Bytes)), listing.Time(t.Timestamp))
		if t.Overtaken != nil && *t.Overtaken {
			text += "  overtaken"
		}
		f.add("record", "%s", text)
	}
	if more := len(p.Again) - shownRecords; more > 0 {
		f.add("", "and %s more; --output json has all of them", listing.Count(more))
	}
}

// wordsOf are those of a requeue from Kafka; other plans have their verb's.
func wordsOf(c inspect.Command) words {
	if c.FromKafka {
		return words{"requeued", "record"}
	}
	return verbWords[c.Verb]
}
