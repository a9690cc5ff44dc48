package show

import (
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// JobColumns are those of a list of open jobs, seen at now.
func JobColumns(now time.Time) []listing.Column[inspect.Job] {
	return listed([]field[inspect.Job]{
		{name: "JOB", cell: func(j inspect.Job) string { return j.Name.String() }},
		{name: "KEY", cell: func(j inspect.Job) string { return listing.Key(j.Key) }, max: 24},
		{name: "LANE", cell: func(j inspect.Job) string { return listing.Lane(j.Lane, j.Own) }, max: 24, drop: 4},
		{name: "STATE", cell: func(j inspect.Job) string { return string(j.State) }},
		{name: "ATTEMPTS", cell: func(j inspect.Job) string { return attempts(j.Attempts, j.State) }, right: true, drop: 2},
		{name: "WAITS FOR", cell: func(j inspect.Job) string { return jobWaits(j, now) }, drop: 1},
		{name: "AGE", cell: func(j inspect.Job) string { return listing.Age(j.Timestamp, now) }, right: true, drop: 3},
		{name: "ERROR", cell: func(j inspect.Job) string { return jobError(j) }, max: 100},
	})
}

// attempts are the runs that were counted, and the one that is under way.
func attempts(counted int, state inspect.State) string {
	text := listing.Count(counted)
	if state == inspect.Running || state == inspect.Deferred {
		text += "+1"
	}
	return text
}

// jobWaits is the job or the time that it waits for.
func jobWaits(j inspect.Job, now time.Time) string {
	if j.After != nil {
		return j.After.String()
	}
	return due(j.Due, now)
}

func jobError(j inspect.Job) string {
	if j.Damaged != nil {
		return "DAMAGED: " + j.Damaged.Error()
	}
	return orNone(j.Error)
}

// PartitionColumns are those of a list of partitions, with all offsets as they are.
func PartitionColumns(now time.Time) []listing.Column[inspect.PartitionStatus] {
	type part = inspect.PartitionStatus
	number := func(name string, drop int, of func(part) int64) field[part] {
		return field[part]{name: name, cell: func(p part) string { return listing.Count(of(p)) }, right: true, drop: drop}
	}
	offset := func(name string, drop int, of func(part) int64) field[part] {
		return field[part]{name: name, cell: func(p part) string { return listing.Offset(of(p)) }, right: true, drop: drop}
	}
	perhaps := func(v *int64) int64 {
		if v == nil {
			return -1
		}
		return *v
	}
	return listed([]field[part]{
		{name: "PARTITION", cell: partitionName},
		offset("COMMITTED", 0, func(p part) int64 { return p.Committed }),
		offset("FRONTIER", 8, func(p part) int64 { return p.Frontier }),
		offset("STORED TO", 12, func(p part) int64 { return p.Next }),
		offset("LOG START", 16, func(p part) int64 { return perhaps(p.LogStart) }),
		offset("LOG END", 9, func(p part) int64 { return perhaps(p.LogEnd) }),
		offset("NOT STORED", 7, func(p part) int64 { return perhaps(p.NotStored) }),
		number("READY", 3, func(p part) int64 { return int64(p.Ready) }),
		number("RUNNING", 1, func(p part) int64 { return int64(p.Running) }),
		number("DEFERRED", 14, func(p part) int64 { return int64(p.Deferred) }),
		number("RETRYING", 4, func(p part) int64 { return int64(p.Retrying) }),
		number("BLOCKED", 5, func(p part) int64 { return int64(p.Blocked) }),
		number("HALTED", 0, func(p part) int64 { return int64(p.Halted) }),
		number("DELAYED", 11, func(p part) int64 { return int64(p.Delayed) }),
		number("PAUSED", 13, func(p part) int64 { return int64(p.Paused) }),
		number("PARKED", 10, func(p part) int64 { return p.Parked }),
		number("DEAD", 2, func(p part) int64 { return int64(p.Dead) }),
		number("LANES", 15, func(p part) int64 { return int64(p.Lanes) }),
		{name: "OLDEST", cell: func(p part) string { return listing.Age(p.OldestAt, now) }, right: true},
		{name: "MOVED", cell: func(p part) string { return listing.Age(p.MovedAt, now) }, right: true, drop: 6},
		{name: "REMARKS", cell: func(p part) string { return orNone(remarks(p)) }, max: 100},
	})
}
