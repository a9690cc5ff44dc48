package history

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each script is a history in short: p OFFSET LANE (produced), b, x, q (boot,
// crash, stop), s, e, f, d OFFSET (start, end, failed end, durable), c OFFSET
// (committed), h, r, k OFFSET (halted, retry, skip), z (drained); all of process "a" and orders/0, or of the process
// that a prefix like "b:" names.

func TestLegalHistories(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"nothing":                       "",
		"one job":                       "p 0 k; b; s 0; e 0; d 0; c 1; q; z",
		"start commit":                  "p 0 k; b; c 0",
		"gaps are done":                 "p 3 k; p 9 k; b; s 3; e 3; d 3; c 9",
		"produced is told late":         "b; s 0; e 0; d 0; c 1; p 0 k; z",
		"lanes run beside each other":   "p 0 k; p 1 l; b; s 0; s 1; e 1; d 1; e 0; d 0; c 2",
		"no lane, no order":             "p 0 -; p 1 -; b; s 1; s 0; e 0; e 1",
		"a retry":                       "p 0 k; p 1 k; b; s 0; f 0; s 0; e 0; s 1; e 1",
		"running at the crash":          "p 0 k; b; s 0; x; b; s 0; e 0; d 0; c 1; z",
		"not durable at the crash":      "p 0 k; b; s 0; e 0; x; b; s 0; e 0; d 0; c 1; z",
		"lane again after the crash":    "p 0 k; p 1 k; b; s 0; e 0; s 1; x; b; s 0; e 0; s 1; e 1",
		"durable but not told":          "p 0 k; p 1 k; b; s 0; e 0; x; b; c 1; s 1; e 1; d 1; c 2; z",
		"running at the planned stop":   "p 0 k; b; s 0; f 0; q; b; s 0; e 0; d 0",
		"cut off by the planned stop":   "p 0 k; b; s 0; q; b; s 0; e 0; d 0",
		"done ahead of a stuck job":     "p 0 k; p 1 l; b; s 0; s 1; e 1; d 1; x; b; s 0; e 0; d 0; c 2",
		"halted and retried":            "p 0 k; p 1 k; b; s 0; f 0; h 0; x; b; r 0; s 0; f 0; h 0; r 0; s 0; e 0; s 1; e 1; d 0; d 1; c 2; q; z",
		"halt told after the retry":     "p 0 k; b; s 0; f 0; r 0; h 0; s 0; e 0; d 0; c 1; z",
		"halt lost in a crash":          "p 0 k; b; s 0; f 0; x; b; s 0; e 0; d 0; c 1; z",
		"halted and skipped":            "p 0 k; p 1 k; b; s 0; f 0; h 0; q; b; k 0; s 1; e 1; d 0; d 1; c 2; z",
		"skipped but not told":          "p 0 k; p 1 k; b; s 0; f 0; h 0; x; b; k 0; x; b; c 1; s 1; e 1; d 1; c 2; z",
		"skip lost in a crash":          "p 0 k; b; s 0; f 0; h 0; k 0; x; b; k 0; d 0; c 1; z",
		"handed over":                   "p 0 k; p 1 k; a:b; b:b; a:s 0; a:f 0; b:s 0; b:e 0; b:d 0; c 1; a:s 1; a:e 1; a:d 1; c 2; z",
		"handed over and handled twice": "p 0 k; a:b; b:b; a:s 0; a:e 0; a:d 0; b:s 0; b:e 0; b:d 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if report := Judge(parse(t, script)); len(report.Violations) > 0 {
				t.Errorf("%s: %v", script, report.Violations)
			}
		})
	}
}

func TestPlantedViolationsAreFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ script, want string }{
		"committed while running": {
			"p 0 k; b; s 0; c 1",
			"orders/0@0: offset leads: offset 1 was committed while this job was not durably done: committed of orders/0@1 (line 4)"},
		"committed before the fsync": {
			"p 0 k; p 1 k; b; s 0; e 0; d 0; s 1; e 1; c 2; d 1",
			"orders/0@1: offset leads: offset 2 was committed while this job was not durably done: committed of orders/0@2 (line 9)"},
		"committed before it started": {
			"p 0 k; p 1 l; b; s 1; e 1; d 1; c 2",
			"orders/0@0: offset leads: offset 2 was committed while this job was not durably done: committed of orders/0@2 (line 7)"},
		"committed over what runs again": {
			"p 0 k; b; s 0; e 0; x; b; s 0; c 1",
			"orders/0@0: offset leads: offset 1 was committed while this job was not durably done: committed of orders/0@1 (line 8)"},
		"committed at a crash though it had only ended": {
			"p 0 k; b; s 0; e 0; c 1; x",
			"orders/0@0: offset leads: offset 1 was committed while this job was not durably done: committed of orders/0@1 (line 5)"},
		"never handled": {
			"p 0 k; p 1 l; b; s 0; e 0; d 0; z",
			"orders/0@1: lost: nothing is left to do and it was never handled to its end: produced of orders/0@1 (line 2), drained (line 7)"},
		"only failed": {
			"p 0 k; b; s 0; f 0; z",
			"orders/0@0: lost: nothing is left to do and it was never handled to its end: produced of orders/0@0 (line 1), drained (line 5)"},
		"durable from nowhere": {
			"p 0 k; b; s 0; f 0; d 0",
			"orders/0@0: lost: its completion became durable although no handler call had ended in this life: durable in a of orders/0@0 (line 5)"},
		"durable by what an earlier life ended": {
			"p 0 k; b; s 0; e 0; x; b; d 0",
			"orders/0@0: lost: its completion became durable although no handler call had ended in this life: durable in a of orders/0@0 (line 7)"},
		"overtaken in its lane": {
			"p 0 k; p 1 k; b; s 1",
			`orders/0@1: out of order: it started before orders/0@0 of its lane "k" had ended once: start in a of orders/0@1 (line 4)`},
		"overtaken while it waits for its retry": {
			"p 0 k; p 1 k; b; s 0; f 0; s 1",
			`orders/0@1: out of order: it started before orders/0@0 of its lane "k" had ended once: start in a of orders/0@1 (line 6)
orders/0@1: out of order: the job before it in its lane had not ended in this life: start in a of orders/0@0 (line 4), start in a of orders/0@1 (line 6)`},
		"again after a later one": {
			"p 0 k; p 1 k; b; s 0; e 0; s 1; x; b; s 1; e 1; s 0",
			"orders/0@0: out of order: a later job of its lane had started before in the same life: start in a of orders/0@1 (line 9), start in a of orders/0@0 (line 11)"},
		"overtaken in the life after the crash": {
			"p 0 k; p 1 k; b; s 0; e 0; x; b; s 0; f 0; s 1",
			"orders/0@1: out of order: the job before it in its lane had not ended in this life: start in a of orders/0@0 (line 8), start in a of orders/0@1 (line 10)"},
		"two of a lane at once": {
			"p 0 k; p 1 k; b; s 0; e 0; x; b; s 0; s 1",
			`orders/0@1: overlap: another job of its lane was running: start in a of orders/0@0 (line 8), start in a of orders/0@1 (line 9)
orders/0@1: out of order: the job before it in its lane had not ended in this life: start in a of orders/0@0 (line 8), start in a of orders/0@1 (line 9)`},
		"one job twice at once": {
			"p 0 -; b; s 0; s 0",
			"orders/0@0: overlap: it was running already: start in a of orders/0@0 (line 3), start in a of orders/0@0 (line 4)"},
		"durable, and again after a crash": {
			"p 0 k; b; s 0; e 0; d 0; x; b; s 0",
			"orders/0@0: durable ran: it ran again after its completion was durable: durable in a of orders/0@0 (line 5), start in a of orders/0@0 (line 8)"},
		"durable by the commit, and again after a crash": {
			"p 0 k; b; s 0; e 0; x; b; c 1; x; b; s 0",
			"orders/0@0: durable ran: it ran again after its completion was durable: end in a of orders/0@0 (line 4), start in a of orders/0@0 (line 10)"},
		"again in the same life": {
			"p 0 k; b; s 0; e 0; s 0",
			"orders/0@0: duplicate: it ran again without a crash or stop in between: end in a of orders/0@0 (line 4), start in a of orders/0@0 (line 5)"},
		"again after a planned stop": {
			"p 0 k; b; s 0; e 0; q; b; s 0",
			"orders/0@0: duplicate: it ran again although it had ended before a planned stop: end in a of orders/0@0 (line 4), start in a of orders/0@0 (line 7)"},
		"committed, and run by another": {
			"p 0 k; a:b; b:b; a:s 0; a:e 0; a:d 0; c 1; b:s 0",
			"orders/0@0: durable ran: it started although offset 1 had been committed: committed of orders/0@1 (line 7), start in b of orders/0@0 (line 8)"},
		"halted, and again by itself": {
			"p 0 k; b; s 0; f 0; h 0; s 0",
			"orders/0@0: halted ran: it ran although it was halted and nobody had asked for it: halted in a of orders/0@0 (line 5), start in a of orders/0@0 (line 6)"},
		"halted, and again by itself after a crash": {
			"p 0 k; b; s 0; f 0; h 0; r 0; s 0; f 0; h 0; x; b; s 0",
			"orders/0@0: halted ran: it ran although it was halted and nobody had asked for it: halted in a of orders/0@0 (line 9), start in a of orders/0@0 (line 12)"},
		"committed while halted": {
			"p 0 k; b; s 0; f 0; h 0; c 1",
			"orders/0@0: offset leads: offset 1 was committed while this job was not durably done: committed of orders/0@1 (line 6)"},
		"overtaken while halted": {
			"p 0 k; p 1 k; b; s 0; f 0; h 0; x; b; s 1",
			`orders/0@1: out of order: it started before orders/0@0 of its lane "k" had ended once: start in a of orders/0@1 (line 9)`},
		"skipped, and run after that was durable": {
			"p 0 k; b; s 0; f 0; h 0; k 0; d 0; r 0; s 0",
			"orders/0@0: durable ran: it ran again after its completion was durable: durable in a of orders/0@0 (line 7), start in a of orders/0@0 (line 9)"},
		"skipped by nobody": {
			"p 0 k; b; s 0; f 0; h 0; d 0",
			"orders/0@0: lost: its completion became durable although no handler call had ended in this life: durable in a of orders/0@0 (line 6)"},
		"committed before the skip is durable": {
			"p 0 k; b; s 0; f 0; h 0; k 0; c 1",
			"orders/0@0: offset leads: offset 1 was committed while this job was not durably done: committed of orders/0@1 (line 7)"},
		"skipped while it runs": {
			"p 0 k; b; s 0; k 0",
			"orders/0@0: observer: it was running: start in a of orders/0@0 (line 3), skip in a of orders/0@0 (line 4)"},
		"a record from nowhere": {
			"b; s 7",
			"orders/0@7: observer: nobody produced this record: start in a of orders/0@7 (line 2)"},
		"produced twice": {
			"p 0 k; p 0 k",
			"orders/0@0: observer: the record was produced twice: produced of orders/0@0 (line 1), produced of orders/0@0 (line 2)"},
		"an event of a dead process": {
			"p 0 k; b; x; s 0",
			"orders/0@0: observer: the process was not alive: start in a of orders/0@0 (line 4)"},
		"an end without a start": {
			"p 0 k; b; e 0",
			"orders/0@0: observer: it was not running: end in a of orders/0@0 (line 3)"},
		"a crash of nobody": {"x", "/0@0: observer: the process was not alive: crash in a (line 1)"},
		"two boots":         {"b; b", "/0@0: observer: the process was alive already: boot in a (line 2)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range Judge(parse(t, test.script)).Violations {
				got = append(got, v.Error())
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.script, diff)
			}
		})
	}
}

func TestReportCounts(t *testing.T) {
	t.Parallel()
	got := Judge(parse(t, "p 0 k; p 1 l; b; s 0; s 1; e 1; x; b; s 0; e 0; d 0; c 1; s 1; e 1; d 1; c 2; q; z"))
	want := Report{Produced: 2, Starts: 4, Done: 2, Crashes: 1, Stops: 1, Commits: 2, Interrupt: 1, Undurable: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	again := Judge(parse(t, "p 0 k; p 1 l; a:b; b:b; a:s 0; a:e 0; b:s 0; a:s 1; a:e 1; a:x; b:s 1"))
	if again.HandedOver != 1 || again.AfterCrash != 1 {
		t.Errorf("run again elsewhere: %v", again)
	}
	mended := Judge(parse(t, "p 0 k; p 1 l; b; s 0; f 0; h 0; r 0; s 0; f 0; h 0; k 0; d 0"))
	if mended.Halted != 2 || mended.Retried != 1 || mended.Skipped != 1 || mended.Done != 1 {
		t.Errorf("given up and mended: %v", mended)
	}
	if want := "2 records, 2 done, 4 handler calls, 1 crashes"; !strings.HasPrefix(got.String(), want) {
		t.Errorf("report reads %q", got)
	}
}

func parse(t *testing.T, script string) []Event {
	t.Helper()
	kinds := map[string]Kind{"p": Produced, "b": Boot, "x": Crash, "q": Stop, "s": Start, "e": End, "f": End, "d": Durable, "c": Committed, "h": Halted, "r": Retry, "k": Skip, "z": Drained}
	var events []Event
	for step := range strings.SplitSeq(script, ";") {
		if strings.TrimSpace(step) == "" {
			continue
		}
		process, rest, named := strings.Cut(step, ":")
		if !named {
			process, rest = "a", step
		}
		var verb, lane string
		var offset int64
		n, _ := fmt.Sscan(rest, &verb, &offset, &lane)
		kind, known := kinds[verb]
		if n == 0 || !known {
			t.Fatalf("step %q", step)
		}
		e := Event{Kind: kind, Line: len(events) + 1, Done: verb == "e"}
		if lane != "-" {
			e.Lane = lane
		}
		if kind != Produced && kind != Committed && kind != Drained {
			e.Process = strings.TrimSpace(process)
		}
		if n > 1 {
			e.Topic, e.Offset = "orders", offset
		}
		events = append(events, e)
	}
	return events
}
