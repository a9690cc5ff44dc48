package show

import (
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// LaneColumns are those of a list of lanes, seen at now.
func LaneColumns(now time.Time) []listing.Column[inspect.Lane] { return listed(laneFields(now)) }

// Lanes is a table of lanes.
func Lanes(lanes []inspect.Lane, now time.Time, width int) []string {
	return gridOf(laneFields(now), lanes).lines(width)
}

func laneFields(now time.Time) []field[inspect.Lane] {
	return []field[inspect.Lane]{
		{name: "HEAD", cell: func(l inspect.Lane) string { return head(l) + mark(l.Holds) }},
		{name: "LANE", cell: func(l inspect.Lane) string { return listing.Lane(l.Lane, l.Own) }, max: 24},
		{name: "STATE", cell: func(l inspect.Lane) string { return string(l.State) }},
		{name: "JOBS", cell: func(l inspect.Lane) string { return listing.Count(l.Jobs) }, right: true},
		{name: "TRIES", cell: func(l inspect.Lane) string { return attempts(l.Attempts, l.State) }, right: true, drop: 1},
		{name: "WHEN", cell: func(l inspect.Lane) string { return laneWhen(l, now) }, right: true},
		{name: "AGE", cell: func(l inspect.Lane) string { return listing.Age(l.Timestamp, now) }, right: true, drop: 2},
		{name: "ERROR", cell: func(l inspect.Lane) string { return orNone(l.Error) }},
	}
}

// head is the job at the head of a lane; one that is set aside need not have any.
func head(l inspect.Lane) string {
	if l.Offset < 0 {
		return fmt.Sprintf("%s/%d", l.Topic, l.Partition)
	}
	return l.Name.String()
}

// mark points out the job that the committed offset waits for.
func mark(holds bool) string {
	if holds {
		return "*"
	}
	return ""
}

// laneWhen is for how long the head runs, or when it runs next.
func laneWhen(l inspect.Lane, now time.Time) string {
	switch {
	case !l.Started.IsZero():
		return listing.Age(l.Started, now)
	case !l.Due.IsZero():
		return due(l.Due, now)
	}
	return listing.None
}

// due is how long it is until then.
func due(at, now time.Time) string {
	switch {
	case at.IsZero():
		return listing.None
	case !at.After(now):
		return "now"
	}
	return "in " + listing.Duration(at.Sub(now))
}
