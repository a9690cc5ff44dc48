package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

var (
	alive = gauge("alive", "1 while every part of the bridge goes on, as /livez says.")
	ready = gauge("ready", "1 while the bridge works on what the group gives it, as /readyz says.")

	records     = counter("records_total", "Records that became jobs.", "topic")
	recordBytes = counter("record_bytes_total", "Bytes of the records that became jobs.", "topic")
	outcomes    = counter("outcomes_total", "Outcomes of runs, and acts of operators.", "topic", "outcome")
	dead        = gauge("dead_letters", "Dead letters that are kept, also of partitions that others have now.", "topic")
	deadBytes   = gauge("dead_letter_bytes", "Bytes of these in the store's file.", "topic")
	deadUnsent  = gauge("dead_letters_unsent", "Of these, those whose copies their topic has not got yet.", "topic")
	stuckNow    = gauge("stuck_runs", "Runs that have been silent for longer than the heartbeat of their topic.", "topic")
	workers     = gauge("workers", "Jobs that may run at a time.")
	running     = gauge("running_jobs", "Jobs that handlers have.")
	undurable   = gauge("undurable_outcomes", "Outcomes that wait for the next write of the store, or are in it.")

	written       = counter("written_records_total", "Records that had to be written: their jobs were not done by the next write of the store.")
	writtenBytes  = counter("written_bytes_total", "Bytes of these, as written.")
	skipped       = counter("skipped_records_total", "Records that never had to be written: their jobs were done before.")
	skippedBytes  = counter("skipped_bytes_total", "Bytes of these.")
	fileBytes     = gauge("store_file_bytes", "Size of the store's file.")
	inUseBytes    = gauge("store_in_use_bytes", "Of the file, bytes in pages that hold something.")
	memoryBytes   = gauge("memory_bytes", "Bytes of record bodies in memory.")
	freeBytes     = gauge("disk_free_bytes", "Bytes free on the store's disk.")
	memoryLimit   = gauge("budget_memory_bytes", "Bound of the record bodies in memory.")
	diskLimit     = gauge("budget_disk_bytes", "Bound of the bytes in use in the file; missing where there is none.")
	minFree       = gauge("budget_min_free_bytes", "Bytes to stay free on the disk; missing where there are none.")
	statsFamilies = []family{
		alive, ready, records, recordBytes, outcomes, dead, deadBytes, deadUnsent, stuckNow, workers, running, undurable,
		written, writtenBytes, skipped, skippedBytes, fileBytes, inUseBytes, memoryBytes, freeBytes, memoryLimit, diskLimit, minFree,
	}
)

func collectHealth(to chan<- prometheus.Metric, h inspect.Health) {
	alive.is(to, truth(h.Alive))
	ready.is(to, truth(h.Ready))
}

func collectStats(to chan<- prometheus.Metric, s bridge.Stats) {
	for _, t := range s.Topics {
		records.is(to, float64(t.Jobs), t.Topic)
		recordBytes.is(to, float64(t.Bytes), t.Topic)
		stuckNow.is(to, float64(s.Stuck[t.Topic]), t.Topic)
		for _, kind := range kinds {
			outcomes.is(to, float64(t.Outcomes[kind]), t.Topic, kind.String())
		}
	}
	collectDead(to, s.Dead)
	workers.is(to, float64(s.Workers))
	running.is(to, float64(s.Running))
	collectStore(to, s.Store, s.Budget)
}

// collectDead sums up the partitions of each topic.
func collectDead(to chan<- prometheus.Metric, list []queue.DeadCount) {
	sums := map[string]queue.DeadCount{}
	for _, d := range list {
		sum := sums[d.Topic]
		sum.Letters += d.Letters
		sum.Bytes += d.Bytes
		sum.Unsent += d.Unsent
		sums[d.Topic] = sum
	}
	for topic, sum := range sums {
		dead.is(to, float64(sum.Letters), topic)
		deadBytes.is(to, float64(sum.Bytes), topic)
		deadUnsent.is(to, float64(sum.Unsent), topic)
	}
}

// kinds are the outcomes that are counted. All of them have a series from the
// beginning, so that the first of a kind shows as a change.
var kinds = []queue.Kind{
	queue.Done, queue.Retry, queue.Release, queue.Halt, queue.Bury, queue.Park, queue.Skipped, queue.Snooze,
	queue.Retried, queue.Superseded, queue.Requeued, queue.Discarded, queue.Expired,
}

func collectStore(to chan<- prometheus.Metric, u queue.Usage, budget bridge.Budget) {
	undurable.is(to, float64(u.Pending))
	written.is(to, float64(u.WrittenJobs))
	writtenBytes.is(to, float64(u.Written))
	skipped.is(to, float64(u.Skipped))
	skippedBytes.is(to, float64(u.SkippedBytes))
	fileBytes.is(to, float64(u.File))
	inUseBytes.is(to, float64(u.InUse))
	memoryBytes.is(to, float64(u.Memory))
	if u.Free < math.MaxInt64 { // else the system does not say
		freeBytes.is(to, float64(u.Free))
	}
	memoryLimit.is(to, float64(budget.Memory))
	if budget.Disk > 0 {
		diskLimit.is(to, float64(budget.Disk))
	}
	if budget.MinFree > 0 {
		minFree.is(to, float64(budget.MinFree))
	}
}
