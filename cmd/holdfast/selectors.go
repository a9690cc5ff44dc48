package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// partitionSelectors select by topic and partition.
func partitionSelectors() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "topic", Usage: "`NAME` of a topic"},
		&cli.StringSliceFlag{Name: "partition", Aliases: []string{"partitions"}, Usage: "`N` of partitions of the topic, as 3, 0-7 or 1,5"},
	}
}

// laneSelectors select by lane as well.
func laneSelectors() []cli.Flag {
	return append(partitionSelectors(),
		&cli.StringFlag{Name: "key", Usage: "`KEY` of records as text"},
		&cli.StringFlag{Name: "key-hex", Usage: "key of records as `HEX` digits"},
		&cli.StringFlag{Name: "lane", Usage: "`NAME` of a lane"},
		&cli.StringFlag{Name: "lane-hex", Usage: "name of a lane as `HEX` digits"},
	)
}

// parkedSelectors select parked lanes.
func parkedSelectors() []cli.Flag {
	return append(laneSelectors(), offsetFlag("`N` of the jobs that lanes were parked for, as 118204 or 10-20; needs one partition"), limitFlag("lanes"))
}

// jobSelectors select jobs that are not done.
func jobSelectors() []cli.Flag {
	return append(laneSelectors(),
		offsetFlag("`N` of jobs, as 118204, 10-20 or 7,9; needs one partition"),
		stateFlag("jobs"),
		&cli.StringFlag{Name: "stored-before", Usage: "`TIME` before which jobs came in, as 2026-01-31T08:00:00Z, or how long ago, as 2h; of jobs from before the last start the time of their records"},
		&cli.StringFlag{Name: "error-matches", Usage: "`REGEXP` that the last error matches"},
		limitFlag("jobs"))
}

// deadSelectors select dead letters.
func deadSelectors() []cli.Flag {
	return append(laneSelectors(),
		offsetFlag("`N` of dead letters, as 118204, 10-20 or 7,9; needs one partition"),
		&cli.StringFlag{Name: "buried-before", Usage: "`TIME`, as 2026-01-31T08:00:00Z, or how long ago, as 7d or 2h"},
		&cli.StringFlag{Name: "error-matches", Usage: "`REGEXP` that the reason or the last error matches"},
		limitFlag("dead letters"))
}

func offsetFlag(usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: "offset", Aliases: []string{"offsets"}, Usage: usage}
}

func stateFlag(of string) cli.Flag {
	return &cli.StringSliceFlag{Name: "state", Usage: "`STATE` of " + of + ": ready, blocked, delayed, running, deferred, retrying, halted, parked or paused; several with commas"}
}

func limitFlag(what string) cli.Flag {
	return &cli.IntFlag{Name: "limit", Usage: "`N` " + what + " at most", DefaultText: "all"}
}

// selectors are the flags that narrow a selection.
var selectors = []string{"topic", "partition", "offset", "key", "key-hex", "lane", "lane-hex", "state", "stored-before", "buried-before", "error-matches", "limit"}

// selects tells whether the command line selects anything.
func selects(c *cli.Context) bool { return slices.ContainsFunc(selectors, c.IsSet) }

// queryOf reads the flags that select jobs, partitions or lanes.
func queryOf(c *cli.Context) (q inspect.Query, err error) {
	q = inspect.Query{Topic: c.String("topic"), ErrorMatches: c.String("error-matches"), Limit: c.Int("limit")}
	for _, text := range c.StringSlice("state") {
		for state := range strings.SplitSeq(text, ",") {
			q.States = append(q.States, inspect.State(strings.TrimSpace(state)))
		}
	}
	if q.Partitions, err = numbers[int32](c, "partition", math.MaxInt32); err != nil {
		return q, err
	}
	if q.Offsets, err = numbers[int64](c, "offset", math.MaxInt64); err != nil {
		return q, err
	}
	if q.Key, err = bytesOf(c, "key"); err != nil {
		return q, err
	}
	if q.StoredBefore, err = momentOf(c, "stored-before", time.Now()); err != nil {
		return q, err
	}
	if q.Lane, err = bytesOf(c, "lane"); err != nil {
		return q, err
	}
	return q, asUsage(cmp.Or(checkLimit(c), q.Validate()))
}

// deadQueryOf reads the flags that select dead letters.
func deadQueryOf(c *cli.Context, now time.Time) (inspect.DeadQuery, error) {
	q, err := queryOf(c)
	if err != nil {
		return inspect.DeadQuery{}, err
	}
	dead := inspect.DeadQuery{
		Topic: q.Topic, Partitions: q.Partitions, Offsets: q.Offsets, Key: q.Key, Lane: q.Lane,
		ErrorMatches: q.ErrorMatches, Limit: q.Limit,
	}
	if dead.BuriedBefore, err = momentOf(c, "buried-before", now); err != nil {
		return dead, err
	}
	return dead, asUsage(dead.Validate())
}

func checkLimit(c *cli.Context) error {
	if c.IsSet("limit") && c.Int("limit") < 1 {
		return usagef("--limit is %d; it is at least 1", c.Int("limit"))
	}
	return nil
}

// asUsage is an error of package inspect about what was asked for, as one of
// the command line.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, prefix := range []string{"command: ", "query: ", "dead letters: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return usagef("%s", strings.ReplaceAll(text, "\n", "; "))
}

// momentOf reads a flag that is a time, or how long ago that was.
func momentOf(c *cli.Context, name string, now time.Time) (time.Time, error) {
	text := c.String(name)
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	ago, err := config.ParseDuration(text)
	if err != nil {
		return time.Time{}, usagef("--%s is %q; write a time as 2026-01-31T08:00:00Z, or how long ago it is, as 7d or 2h", name, text)
	}
	return now.Add(-ago), nil
}

// maxNumbers bounds what ranges stand for.
const maxNumbers = 100_000

// numbers reads a flag of numbers and ranges: 3, 0-7, 1,5.
func numbers[T int32 | int64](c *cli.Context, name string, most int64) (list []T, err error) {
	for _, text := range c.StringSlice(name) {
		for part := range strings.SplitSeq(text, ",") {
			from, to, ok := parseRange(strings.TrimSpace(part), most)
			if !ok {
				return nil, usagef("--%s is %q; write numbers as 3, 10-20 or 7,9", name, text)
			}
			if to-from >= maxNumbers-int64(len(list)) {
				return nil, usagef("--%s is %q, more than %d numbers; select by something else, or bit by bit", name, text, maxNumbers)
			}
			for n := from; n <= to; n++ {
				list = append(list, T(n))
			}
		}
	}
	return list, nil
}

func parseRange(text string, most int64) (from, to int64, ok bool) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, errFrom := strconv.ParseInt(first, 10, 64)
	to, errTo := strconv.ParseInt(last, 10, 64)
	return from, to, errFrom == nil && errTo == nil && from >= 0 && from <= to && to < most
}
