package show

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// WorkerColumns are those of a list of runs, seen at now.
func WorkerColumns(now time.Time) []listing.Column[inspect.Worker] { return listed(workerFields(now)) }

// Workers is a table of runs under way.
func Workers(runs []inspect.Worker, now time.Time, width int) []string {
	return gridOf(workerFields(now), runs).lines(width)
}

func workerFields(now time.Time) []field[inspect.Worker] {
	return []field[inspect.Worker]{
		{name: "JOB", cell: func(w inspect.Worker) string { return w.Name.String() }},
		{name: "LANE", cell: func(w inspect.Worker) string { return listing.Lane(w.Lane, false) }, max: 24},
		{name: "ATTEMPT", cell: func(w inspect.Worker) string { return listing.Count(w.Attempt) }, right: true, drop: 1},
		{name: "RUNS FOR", cell: func(w inspect.Worker) string { return listing.Duration(w.Running) }, right: true},
		{name: "SILENT", cell: func(w inspect.Worker) string { return knownSpan(w.Silent) }, right: true, drop: 2},
		{name: "ENDS", cell: func(w inspect.Worker) string { return due(w.Timeout, now) }, right: true, drop: 3},
		{name: "REMARKS", cell: workerRemarks},
	}
}

func workerRemarks(w inspect.Worker) string {
	var words []string
	if w.Stuck {
		words = append(words, "STUCK")
	}
	if w.Cancelled {
		words = append(words, "told to end")
	}
	if w.Deferred {
		words = append(words, "deferred")
	}
	if w.Batch > 1 {
		words = append(words, "batch of "+listing.Count(w.Batch))
	}
	if len(words) == 0 {
		return listing.None
	}
	return strings.Join(words, ", ")
}

func knownSpan(s *time.Duration) string {
	if s == nil {
		return listing.None
	}
	return listing.Duration(*s)
}

// SortWorkers puts runs into an order: those that are silent for the longest
// first, or those that run for the longest.
func SortWorkers(runs []inspect.Worker, bySilence bool) []inspect.Worker {
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b inspect.Worker) int {
		if bySilence {
			if c := cmp.Compare(known(b.Silent), known(a.Silent)); c != 0 {
				return c
			}
		}
		return cmp.Compare(b.Running, a.Running)
	})
	return sorted
}
