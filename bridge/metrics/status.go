package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

var (
	committed = gauge("partition_committed_offset", "Last offset that Kafka acknowledged as committed; -1: none.", "topic", "partition")
	frontier  = gauge("partition_frontier_offset", "Lowest offset that is not finished, as the store has it: what is committed next.", "topic", "partition")
	next      = gauge("partition_next_offset", "Next offset to store: everything below is stored or done.", "topic", "partition")
	logStart  = gauge("partition_log_start_offset", "First offset that Kafka still holds.", "topic", "partition")
	logEnd    = gauge("partition_log_end_offset", "Next offset that Kafka will write.", "topic", "partition")
	open      = gauge("partition_unfinished_jobs", "Jobs that are stored and not done.", "topic", "partition")
	ahead     = gauge("partition_ahead_offsets", "Offsets above the frontier that are done: how far others are ahead of the job at the frontier.", "topic", "partition")
	commitLag = gauge("partition_commit_lag_offsets", "Offsets that may be committed and are not yet.", "topic", "partition")
	oldest    = gauge("partition_oldest_seconds", "Age of the record at the frontier, by its timestamp; 0 where nothing is unfinished.", "topic", "partition")
	held      = gauge("partition_held", "1 while the partition is stopped for a person to decide.", "topic", "partition")

	jobs       = gauge("jobs", "Jobs by what they wait for. not_stored are offsets that Kafka has and the store has not read yet.", "topic", "state")
	partitions = gauge("partitions", "Partitions that are held.", "topic")
	throttling = gauge("throttled_partitions", "Partitions that are not fetched for now, by what keeps them: window, memory_budget, disk_budget or min_free.", "topic", "by")
	paused     = gauge("pauses", "Pauses by operators, by what they stop: topic, partition or lane.", "topic", "of")
	guarding   = gauge("guard_active", "1 while the outage guard keeps jobs from being given up.", "topic")
	guardLeft  = gauge("guard_tokens", "Burials that the outage guard has left.", "topic")
	sessions   = counter("group_sessions_total", "How often the bridge joined its group.")
	rebalances = counter("group_rebalances_total", "How often partitions were given or taken.")
	fullIn     = gauge("disk_full_seconds", "Until fetching waits for room on the disk, as things go; missing where that is not in sight.")

	statusFamilies = []family{
		committed, frontier, next, logStart, logEnd, open, ahead, commitLag, oldest, held,
		jobs, partitions, throttling, paused, guarding, guardLeft, sessions, rebalances, fullIn,
	}
)

// statusWithin bounds how long a scrape waits for the bridge.
const statusWithin = 5 * time.Second

// collectStatus asks as an operator would.
func collectStatus(to chan<- prometheus.Metric, from inspect.Inspector) {
	ctx, cancel := context.WithTimeout(context.Background(), statusWithin)
	defer cancel()
	s, err := from.Status(ctx)
	if err != nil {
		return // it does not run, which alive tells
	}
	byTopic := map[string]*topicSum{}
	for _, p := range s.Partitions {
		collectPartition(to, p, s.At)
		sum := byTopic[p.Topic]
		if sum == nil {
			sum = &topicSum{throttled: map[inspect.Throttle]int{}}
			byTopic[p.Topic] = sum
		}
		sum.add(p)
	}
	for topic, sum := range byTopic {
		sum.collect(to, topic)
	}
	for _, t := range s.Topics {
		if t.Guard != nil {
			guarding.is(to, truth(t.Guard.Active), t.Topic)
			guardLeft.is(to, float64(t.Guard.Tokens), t.Topic)
		}
	}
	if s.Member != nil {
		sessions.is(to, float64(s.Member.Sessions))
		rebalances.is(to, float64(s.Member.Rebalances))
	}
	if s.Disk.FullIn != nil {
		fullIn.is(to, s.Disk.FullIn.Seconds())
	}
	if pauses, err := from.Pauses(ctx); err == nil {
		collectPauses(to, pauses)
	}
}

func collectPartition(to chan<- prometheus.Metric, p inspect.PartitionStatus, now time.Time) {
	name := []string{p.Topic, fmt.Sprint(p.Partition)}
	unfinished := p.Unfinished()
	committed.is(to, float64(p.Committed), name...)
	frontier.is(to, float64(p.Frontier), name...)
	next.is(to, float64(p.Next), name...)
	if p.LogStart != nil {
		logStart.is(to, float64(*p.LogStart), name...)
	}
	if p.LogEnd != nil {
		logEnd.is(to, float64(*p.LogEnd), name...)
	}
	open.is(to, float64(unfinished), name...)
	ahead.is(to, float64(max(0, p.Next-max(p.Frontier, 0)-int64(unfinished))), name...)
	commitLag.is(to, float64(p.CommitLag), name...)
	age := 0.0
	if !p.OldestAt.IsZero() {
		age = max(0, now.Sub(p.OldestAt).Seconds())
	}
	oldest.is(to, age, name...)
	held.is(to, truth(p.HeldError != ""), name...)
}

// topicSum is what the partitions of a topic have together.
type topicSum struct {
	partitions int
	lag        inspect.Lag
	notStored  int64
	throttled  map[inspect.Throttle]int
}

func (s *topicSum) add(p inspect.PartitionStatus) {
	s.partitions++
	if p.NotStored != nil {
		s.notStored += *p.NotStored
	}
	s.lag.Ready += p.Ready
	s.lag.Running += p.Running
	s.lag.Deferred += p.Deferred
	s.lag.Retrying += p.Retrying
	s.lag.Blocked += p.Blocked
	s.lag.Halted += p.Halted
	s.lag.Delayed += p.Delayed
	s.lag.Paused += p.Paused
	s.lag.Parked += p.Parked
	s.throttled[p.Throttled]++
}

func (s *topicSum) collect(to chan<- prometheus.Metric, topic string) {
	partitions.is(to, float64(s.partitions), topic)
	for state, n := range map[string]int64{
		"not_stored": s.notStored,
		"ready":      int64(s.lag.Ready),
		"running":    int64(s.lag.Running),
		"deferred":   int64(s.lag.Deferred),
		"retrying":   int64(s.lag.Retrying),
		"blocked":    int64(s.lag.Blocked),
		"halted":     int64(s.lag.Halted),
		"delayed":    int64(s.lag.Delayed),
		"paused":     int64(s.lag.Paused),
		"parked":     s.lag.Parked,
	} {
		jobs.is(to, float64(n), topic, state)
	}
	for _, by := range []inspect.Throttle{
		inspect.ThrottledByWindow, inspect.ThrottledByMemory, inspect.ThrottledByDisk, inspect.ThrottledByMinFree,
	} {
		throttling.is(to, float64(s.throttled[by]), topic, string(by))
	}
}

// collectPauses counts pauses by what they stop.
func collectPauses(to chan<- prometheus.Metric, list []inspect.PauseEntry) {
	type kind struct{ topic, of string }
	count := map[kind]int{}
	for _, p := range list {
		of := "partition"
		switch {
		case p.OfLane:
			of = "lane"
		case p.Partition < 0:
			of = "topic"
		}
		count[kind{p.Topic, of}]++
	}
	for k, n := range count {
		paused.is(to, float64(n), k.topic, k.of)
	}
}
