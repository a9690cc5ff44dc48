package metrics

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// still is a bridge that stands still in one state.
type still struct{ inspector look }

func (s still) Stats() (bridge.Stats, error) { return bridge.Stats{}, nil }
func (s still) Health() inspect.Health       { return inspect.Health{Alive: true} }
func (s still) Inspector() inspect.Inspector { return s.inspector }

// look is its inspector.
type look struct {
	inspect.Inspector
	status inspect.Status
	pauses []inspect.PauseEntry
}

func (l look) Status(context.Context) (inspect.Status, error)       { return l.status, nil }
func (l look) Pauses(context.Context) ([]inspect.PauseEntry, error) { return l.pauses, nil }

func TestStatusIsShownByPartitionAndSummedUpByTopic(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	of := func(n int64) *int64 { return &n }
	full := 14 * time.Minute
	stuck := inspect.PartitionStatus{
		Topic: "orders", Partition: 3, Committed: 118204, Frontier: 118204, Next: 131990, LogStart: of(100000), LogEnd: of(140000),
		OldestAt: now.Add(-3 * time.Hour), Throttled: inspect.ThrottledByDisk, HeldError: "set by somebody else",
	}
	stuck.NotStored, stuck.Blocked, stuck.Halted, stuck.Dead = of(8010), 41, 1, 7
	fresh := inspect.PartitionStatus{Topic: "orders", Partition: 4, Committed: -1, Frontier: -1, Next: 0}
	fresh.NotStored, fresh.Halted = of(5), 2
	c := New()
	c.Watch(still{look{
		status: inspect.Status{
			At: now, Partitions: []inspect.PartitionStatus{stuck, fresh},
			Topics: []inspect.TopicStatus{{Topic: "orders", Guard: &inspect.GuardStatus{Active: true, Tokens: 3}}},
			Member: &inspect.Member{Sessions: 2, Rebalances: 9}, Disk: inspect.DiskSummary{FullIn: &full},
		},
		pauses: []inspect.PauseEntry{{Topic: "orders", Partition: -1}, {Topic: "orders", Partition: 3, OfLane: true}, {Topic: "orders", Partition: 4, OfLane: true}},
	}})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	for want, names := range map[string][]string{`
		# HELP holdfast_partition_ahead_offsets Offsets above the frontier that are done: how far others are ahead of the job at the frontier.
		# TYPE holdfast_partition_ahead_offsets gauge
		holdfast_partition_ahead_offsets{partition="3",topic="orders"} 13744
		holdfast_partition_ahead_offsets{partition="4",topic="orders"} 0
		`: {"holdfast_partition_ahead_offsets"}, `
		# HELP holdfast_partition_oldest_seconds Age of the record at the frontier, by its timestamp; 0 where nothing is unfinished.
		# TYPE holdfast_partition_oldest_seconds gauge
		holdfast_partition_oldest_seconds{partition="3",topic="orders"} 10800
		holdfast_partition_oldest_seconds{partition="4",topic="orders"} 0
		`: {"holdfast_partition_oldest_seconds"}, `
		# HELP holdfast_partition_held 1 while the partition is stopped for a person to decide.
		# TYPE holdfast_partition_held gauge
		holdfast_partition_held{partition="3",topic="orders"} 1
		holdfast_partition_held{partition="4",topic="orders"} 0
		`: {"holdfast_partition_held"}, `
		# HELP holdfast_jobs Jobs by what they wait for. not_stored are offsets that Kafka has and the store has not read yet.
		# TYPE holdfast_jobs gauge
		holdfast_jobs{state="blocked",topic="orders"} 41
		holdfast_jobs{state="deferred",topic="orders"} 0
		holdfast_jobs{state="delayed",topic="orders"} 0
		holdfast_jobs{state="halted",topic="orders"} 3
		holdfast_jobs{state="not_stored",topic="orders"} 8015
		holdfast_jobs{state="parked",topic="orders"} 0
		holdfast_jobs{state="paused",topic="orders"} 0
		holdfast_jobs{state="ready",topic="orders"} 0
		holdfast_jobs{state="retrying",topic="orders"} 0
		holdfast_jobs{state="running",topic="orders"} 0
		`: {"holdfast_jobs"}, `
		# HELP holdfast_throttled_partitions Partitions that are not fetched for now, by what keeps them: window, memory_budget, disk_budget or min_free.
		# TYPE holdfast_throttled_partitions gauge
		holdfast_throttled_partitions{by="disk_budget",topic="orders"} 1
		holdfast_throttled_partitions{by="memory_budget",topic="orders"} 0
		holdfast_throttled_partitions{by="min_free",topic="orders"} 0
		holdfast_throttled_partitions{by="window",topic="orders"} 0
		`: {"holdfast_throttled_partitions"}, `
		# HELP holdfast_pauses Pauses by operators, by what they stop: topic, partition or lane.
		# TYPE holdfast_pauses gauge
		holdfast_pauses{of="lane",topic="orders"} 2
		holdfast_pauses{of="topic",topic="orders"} 1
		`: {"holdfast_pauses"}, `
		# HELP holdfast_disk_full_seconds Until fetching waits for room on the disk, as things go; missing where that is not in sight.
		# TYPE holdfast_disk_full_seconds gauge
		holdfast_disk_full_seconds 840
		# HELP holdfast_group_rebalances_total How often partitions were given or taken.
		# TYPE holdfast_group_rebalances_total counter
		holdfast_group_rebalances_total 9
		# HELP holdfast_guard_active 1 while the outage guard keeps jobs from being given up.
		# TYPE holdfast_guard_active gauge
		holdfast_guard_active{topic="orders"} 1
		`: {"holdfast_disk_full_seconds", "holdfast_group_rebalances_total", "holdfast_guard_active"}, `
		# HELP holdfast_partition_log_start_offset First offset that Kafka still holds.
		# TYPE holdfast_partition_log_start_offset gauge
		holdfast_partition_log_start_offset{partition="3",topic="orders"} 100000
		`: {"holdfast_partition_log_start_offset"}} {
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
	}
}
