package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// Partition is the end of a partition's log and the group's committed offset, both
// as the broker has them; -1: none.
type Partition struct {
	Partition int32 `json:"partition"`
	End       int64 `json:"end"`
	Committed int64 `json:"committed"`
}

// Summary is what a run has proved.
type Summary struct {
	Records       int         `json:"records"`
	Handled       int         `json:"handled"`      // calls of the handler
	Distinct      int         `json:"distinct"`     // records it was called for
	Duplicates    int         `json:"duplicates"`   // handled - distinct
	OrderBreaks   int         `json:"order_breaks"` // jobs started before every earlier one of their lane had finished once
	Elapsed       float64     `json:"elapsed_seconds"`
	Rate          float64     `json:"rate"`        // records per second
	SerialRate    float64     `json:"serial_rate"` // the same work, one job at a time in each partition
	Crashes       int         `json:"crashes"`
	DurableReruns int         `json:"durable_reruns"` // jobs that ran again after their completion had been fsynced
	Partitions    []Partition `json:"partitions"`

	options  Options
	keys     int
	findings findings
}

func summarize(o Options, keys int, f findings, crashes int, partitions []Partition) *Summary {
	s := &Summary{
		Records:       o.Records,
		Handled:       f.handled,
		Distinct:      f.distinct,
		Duplicates:    f.handled - f.distinct,
		OrderBreaks:   f.breaks,
		Elapsed:       f.elapsed.Seconds(),
		Crashes:       crashes,
		DurableReruns: f.rerunDurable,
		Partitions:    partitions,
		options:       o,
		keys:          keys,
		findings:      f,
	}
	// One at a time, the partitions still run beside each other: the longest decides.
	var longest time.Duration
	for _, work := range f.work {
		longest = max(longest, work)
	}
	s.Rate = rate(f.finished, f.elapsed)
	s.SerialRate = rate(f.finished, longest)
	return s
}

func rate(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Failures says which promises the run has broken; nil: none.
func (s *Summary) Failures() error {
	var broken []error
	fail := func(n int, format string, args ...any) {
		if n > 0 {
			broken = append(broken, fmt.Errorf(format, args...))
		}
	}
	lost := s.Records - s.findings.finished
	fail(lost, "%s of %s records never finished", count(lost), count(s.Records))
	fail(s.OrderBreaks, "%s jobs started before an earlier one of their key had finished", count(s.OrderBreaks))
	fail(s.DurableReruns, "%s durably finished jobs ran again", count(s.DurableReruns))
	fail(s.findings.strange, "%s events are of records that were never produced", count(s.findings.strange))
	if s.Crashes == 0 {
		fail(s.Duplicates, "%s jobs ran again without a crash", count(s.Duplicates))
	}
	for _, p := range s.Partitions {
		if p.Committed != p.End {
			broken = append(broken, fmt.Errorf("%s/%d is committed up to %d, its end is %d", topic, p.Partition, p.Committed, p.End))
		}
	}
	return errors.Join(broken...)
}

func (s *Summary) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	switch s.options.Output {
	case listing.JSON:
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	case listing.NDJSON:
		return enc.Encode(s)
	}
	return s.writeTable(w)
}

func (s *Summary) writeTable(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	f, o := s.findings, s.options
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("records", "%s of %s in %s, %v of work each", count(s.Records), plural(s.keys, "key"), plural(o.Partitions, "partition"), o.Latency)
	line("rate", "%s/s in %.1f s with %s", count(int(s.Rate)), s.Elapsed, plural(o.Workers, "worker"))
	line("one at a time", "%s/s, by the time measured in the handler, with one job at a time in each partition%s", count(int(s.SerialRate)), s.times())
	line("handled", "%s times, %s distinct: %s lost, %s ran again", count(s.Handled), count(s.Distinct), orNone(s.Records-f.finished), orNone(s.Duplicates))
	line("order per key", "%s", s.order())
	if o.Crash {
		line("crash", "SIGKILL with %s done, started again on the same directory", percent(s.options.half(), s.Records))
		line("ran again", "%s had been running, %s finished but not yet on disk", count(f.rerunRunning), count(f.rerunFinished))
		line("", "%s durably finished", count(f.rerunDurable))
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "PARTITION\tEND\tCOMMITTED\n")
	for _, p := range s.Partitions {
		fmt.Fprintf(w, "%s/%d\t%s\t%s\t\n", topic, p.Partition, count(int(p.End)), count(int(p.Committed)))
	}
	return w.Flush()
}

func (s *Summary) order() string {
	if s.OrderBreaks > 0 {
		return fmt.Sprintf("BROKEN: %s jobs started before an earlier one of their key had finished", count(s.OrderBreaks))
	}
	return fmt.Sprintf("kept: each of %s runs started after every earlier job of its key had finished", count(s.Handled))
}

// times says how much faster the run was, where that is worth a word.
func (s *Summary) times() string {
	if s.SerialRate <= 0 || s.Rate < 1.05*s.SerialRate {
		return ""
	}
	return fmt.Sprintf(": this was %.1f times as fast", s.Rate/s.SerialRate)
}

func orNone(n int) string {
	if n == 0 {
		return "none"
	}
	return count(n)
}

func percent(n, of int) string { return fmt.Sprintf("%.0f%%", 100*float64(n)/float64(of)) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

// count is n with thousands set apart.
func count(n int) string {
	s := strconv.Itoa(n)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
