package metrics

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// events are what hooks tell.
type events struct {
	run, wait    *prometheus.HistogramVec
	flush, sync  prometheus.Histogram
	batch, bytes prometheus.Histogram
	assigned     *prometheus.CounterVec
	revoked      *prometheus.CounterVec
	interrupted  *prometheus.CounterVec
	left         *prometheus.CounterVec
	dropped      *prometheus.CounterVec
	misplaced    *prometheus.CounterVec
	throttled    *prometheus.CounterVec
	guardRefused *prometheus.CounterVec
	stuck        *prometheus.CounterVec
	all          []prometheus.Collector
	topics       topics
}

// seconds are the bounds of how long runs take and wait: from what a quick
// handler needs to hours.
var seconds = []float64{.0001, .001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 1800, 7200}

func newEvents() *events {
	e := &events{
		run:  histograms("run_seconds", "How long handlers took, by topic.", seconds, "topic"),
		wait: histograms("wait_seconds", "How long a job had been here, or its next run been due, when the run began; behind other jobs of its lane included.", seconds, "topic"),

		flush: histogram("flush_seconds", "How long writes of the store took, fsync included.", prometheus.ExponentialBuckets(.0005, 2, 15)),
		sync:  histogram("fsync_seconds", "Of these, how long writing pages and fsync took.", prometheus.ExponentialBuckets(.0005, 2, 15)),
		batch: histogram("flush_outcomes", "How many outcomes one write of the store made durable.", prometheus.ExponentialBuckets(1, 4, 9)),
		bytes: histogram("flush_bytes", "How many bytes of records one write of the store had to write.", prometheus.ExponentialBuckets(1<<10, 4, 9)),

		assigned:     counters("partitions_assigned_total", "How often a partition was taken.", "topic"),
		revoked:      counters("partitions_revoked_total", "How often a partition was given up, by cause: revoked, stopping or lost.", "topic", "cause"),
		interrupted:  counters("interrupted_runs_total", "Runs that were cancelled since their partition went to another member.", "topic"),
		left:         counters("left_jobs_total", "Finished jobs that the last commit could not tell the next owner of: it runs them again.", "topic"),
		dropped:      counters("dropped_records_total", "Records that were left out, by reason: filtered or expired.", "topic", "reason"),
		misplaced:    counters("partitioner_failures_total", "Records that got a lane of their own because their partitioner failed.", "topic"),
		throttled:    counters("throttled_total", "Seconds in which runs waited for a rate, or fetching for a budget; the topic is empty for the rate of all.", "topic", "by"),
		guardRefused: counters("guard_refused_total", "Jobs that were kept from being given up by an outage guard that has ended.", "topic"),
		stuck:        counters("stuck_runs_total", "Runs that were silent for longer than the heartbeat of their topic.", "topic"),
	}
	e.all = []prometheus.Collector{
		e.run, e.wait, e.flush, e.sync, e.batch, e.bytes, e.assigned, e.revoked, e.interrupted, e.left,
		e.dropped, e.misplaced, e.throttled, e.guardRefused, e.stuck,
	}
	return e
}

func (e *events) describe(to chan<- *prometheus.Desc) {
	for _, c := range e.all {
		c.Describe(to)
	}
}

func (e *events) collect(to chan<- prometheus.Metric) {
	for _, c := range e.all {
		c.Collect(to)
	}
}

// Hooks are what the bridge is to be given; [bridge.JoinHooks] adds them to
// others.
func (c *Collector) Hooks() *bridge.Hooks {
	e := c.events
	return &bridge.Hooks{
		Assigned: e.takes,
		Revoked:  e.gives,
		Finished: e.finished,
		Stuck:    func(s bridge.Stuck) { e.stuck.WithLabelValues(s.Job.Topic).Inc() },
		Flushed: func(f bridge.Flushed) {
			e.flush.Observe(f.Took.Seconds())
			e.sync.Observe(f.Sync.Seconds())
			e.batch.Observe(float64(f.Outcomes))
			e.bytes.Observe(float64(f.Bytes))
		},
		Dropped: func(d bridge.Dropped) {
			e.dropped.WithLabelValues(d.Topic, d.Reason).Add(float64(d.Records))
		},
		PartitionerFailed: func(f bridge.PartitionerFailed) { e.misplaced.WithLabelValues(f.Topic).Inc() },
		Throttled:         func(t bridge.Throttled) { e.throttled.WithLabelValues(t.Topic, t.By).Inc() },
		Guarding: func(g bridge.Guarding) {
			e.guardRefused.WithLabelValues(g.Topic).Add(float64(g.Refused))
		},
	}
}

// takes makes the series of a topic, so that their first change shows as one.
func (e *events) takes(a bridge.Assigned) {
	e.topics.get(a.Topic, e.newTopic)
	e.assigned.WithLabelValues(a.Topic).Inc()
	for _, c := range []*prometheus.CounterVec{e.interrupted, e.left, e.stuck} {
		c.WithLabelValues(a.Topic)
	}
}

func (e *events) gives(r bridge.Revoked) {
	cause := "lost"
	switch {
	case errors.Is(r.Cause, bridge.ErrRevoked):
		cause = "revoked"
	case errors.Is(r.Cause, bridge.ErrStopping):
		cause = "stopping"
	}
	e.revoked.WithLabelValues(r.Topic, cause).Inc()
	e.interrupted.WithLabelValues(r.Topic).Add(float64(r.Interrupted))
	e.left.WithLabelValues(r.Topic).Add(float64(r.Left))
}

func (e *events) finished(job *bridge.Job, r bridge.Result) {
	t := e.topics.get(job.Topic, e.newTopic)
	t.run.Observe(r.Took.Seconds())
	t.wait.Observe(r.Waited.Seconds())
}

// topic is what every run of a topic needs, found without making a label set.
type topic struct{ run, wait prometheus.Observer }

func (e *events) newTopic(name string) topic {
	return topic{e.run.WithLabelValues(name), e.wait.WithLabelValues(name)}
}

// topics are found by every run. The zero value is empty.
type topics struct {
	adding sync.Mutex
	// byName is replaced and never changed. nil: empty.
	byName atomic.Pointer[map[string]topic]
}

func (t *topics) get(name string, fresh func(string) topic) topic {
	if known := t.byName.Load(); known != nil {
		if found, ok := (*known)[name]; ok {
			return found
		}
	}
	t.adding.Lock()
	defer t.adding.Unlock()
	more := map[string]topic{}
	if known := t.byName.Load(); known != nil {
		maps.Copy(more, *known)
	}
	if _, ok := more[name]; !ok {
		more[name] = fresh(name)
	}
	t.byName.Store(&more)
	return more[name]
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets})
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, labels)
}
