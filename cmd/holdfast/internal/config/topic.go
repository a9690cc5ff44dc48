package config

import (
	"errors"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// Topic is how the records of a topic, or of several alike, are worked on.
type Topic struct {
	Name        string // as in the file: ~ begins a pattern
	Partitioner Partitioner
	Ordering    partitioner.Ordering
	Concurrency int           // 0: no limit of its own
	Rate        float64       // runs per second; 0: no limit of its own
	Filter      *Filter       // nil: every record becomes a job
	Expiry      time.Duration // 0: none
	Delay       time.Duration // 0: none
	DelayHeader string
	OnlyLatest  bool
	Timeout     time.Duration // of a run; 0: none
	Heartbeat   time.Duration // silence after which a run is stuck; 0: none
	Retry       Retry
	Classes     []*Class
	OnFailure   bridge.OnFailure
	DeadLetter  DeadLetter
	Partitions  []int32
	Produce     *Produce // nil: no results
	Handler     *Handler // nil: the default one
}

// patternMark begins the name of a topic that is a regular expression.
const patternMark = "~"

func newTopic(name string) *Topic {
	return &Topic{
		Name:        name,
		Partitioner: Partitioner{Source: []partitioner.Source{partitioner.Key()}},
		Retry:       Retry{Attempts: unset, FirstDelay: 200 * time.Millisecond, Factor: 2, MaxDelay: time.Minute, Jitter: 0.2},
		DeadLetter:  DeadLetter{Guard: Guard{Bucket: 100, Successes: 50, Every: 5 * time.Minute}},
	}
}

func (t *Topic) fields() fields {
	return fields{
		{"partitioner", within(&t.Partitioner)},
		{"ordering", one(&t.Ordering, parsed(partitioner.ParseOrdering, partitioner.Ordering.String))},
		{"concurrency", one(&t.Concurrency, count(1))},
		{"rate", one(&t.Rate, perSecond)},
		{"filter", optional(&t.Filter, newFilter)},
		{"expire_after", one(&t.Expiry, unlessZero(duration(time.Millisecond)))},
		{"delay", one(&t.Delay, unlessZero(duration(time.Millisecond)))},
		{"delay_header", one(&t.DelayHeader, text)},
		{"only_latest", one(&t.OnlyLatest, yes)},
		{"timeout", one(&t.Timeout, unlessZero(duration(time.Millisecond)))},
		{"heartbeat", one(&t.Heartbeat, unlessZero(duration(time.Millisecond)))},
		{"retry", within(&t.Retry)},
		{"retry_classes", classes{&t.Classes}},
		{"on_failure", one(&t.OnFailure, choice(
			word[bridge.OnFailure]{bridge.Block.String(), bridge.Block},
			word[bridge.OnFailure]{bridge.BuryJob.String(), bridge.BuryJob},
			word[bridge.OnFailure]{bridge.ParkLane.String(), bridge.ParkLane}))},
		{"dead_letter", within(&t.DeadLetter)},
		{"partitions", many(&t.Partitions, count[int32](0))},
		{"produce", optional(&t.Produce, newProduce)},
		{"handler", optional(&t.Handler, newHandler)},
	}
}

// check fills in what depends on other keys.
func (t *Topic) check(node) {
	switch {
	case t.Retry.Attempts != unset:
	case t.OnFailure == bridge.Block:
		t.Retry.Attempts = 0
	default:
		t.Retry.Attempts = bridge.DefaultAttempts
	}
}

// pattern is the regular expression of the topic, if it has one.
func (t *Topic) pattern() (string, bool) { return strings.CutPrefix(t.Name, patternMark) }

// key is the path of the topic in the file.
func (t *Topic) key() string { return "topics." + t.Name }

// Partitioner is how records become lanes.
type Partitioner struct {
	Source  []partitioner.Source
	Missing partitioner.Missing
	Lanes   int // 0: one per value
}

func (p *Partitioner) fields() fields {
	return fields{
		{"source", many(&p.Source, parsed(partitioner.ParseSource, partitioner.Source.String))},
		{"missing", one(&p.Missing, parsed(partitioner.ParseMissing, partitioner.Missing.String))},
		{"lanes", one(&p.Lanes, parsed(partitioner.ParseLanes, formatLanes))},
	}
}

func (t *Topic) scheme() partitioner.Scheme {
	return partitioner.Scheme{
		Sources: t.Partitioner.Source, Missing: t.Partitioner.Missing, Lanes: t.Partitioner.Lanes, Ordering: t.Ordering,
	}
}

func formatLanes(n int) string {
	if n == 0 {
		return "per_value"
	}
	return count(1).format(n)
}

// parsed is the kind of a type that reads and writes itself.
func parsed[T any](parse func(string) (T, error), format func(T) string) kind[T] {
	return kind[T]{
		parse: func(s string) (T, error) {
			v, err := parse(s)
			if err != nil {
				err = errors.New(withoutPackage(err))
			}
			return v, err
		},
		format: format,
	}
}

// withoutPackage is the text of an error that begins with a package's name.
func withoutPackage(err error) string {
	text := err.Error()
	for _, name := range []string{"partitioner: ", "exec: "} {
		text = strings.ReplaceAll(text, name, "")
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// Retry is when a failed job runs again.
type Retry struct {
	Attempts   int // 0: for ever
	FirstDelay time.Duration
	Factor     float64
	MaxDelay   time.Duration
	Jitter     float64
}

func (r *Retry) fields() fields {
	return fields{
		{"attempts", one(&r.Attempts, count(0))},
		{"first_delay", one(&r.FirstDelay, duration(time.Millisecond))},
		{"factor", one(&r.Factor, between(1, 1000))},
		{"max_delay", one(&r.MaxDelay, duration(time.Millisecond))},
		{"jitter", one(&r.Jitter, between(0, 1))},
	}
}

func (r *Retry) check(n node) {
	if r.FirstDelay > r.MaxDelay {
		n.fail("first_delay (%s) is longer than max_delay (%s); delays only grow",
			formatDuration(r.FirstDelay), formatDuration(r.MaxDelay))
	}
}

// unset is the number of attempts until the whole topic was read.
const unset = -1

// DeadLetter is how dead letters are kept.
type DeadLetter struct {
	Topic       string // empty: no copies
	Partitioner string // empty: murmur2
	AllowLoop   bool
	Keep        time.Duration // zero: for ever
	KeepBytes   int64         // zero: no bound
	Guard       Guard
}

func (d *DeadLetter) fields() fields {
	return fields{
		{"topic", one(&d.Topic, text)},
		{"partitioner", one(&d.Partitioner, hashName)},
		{"allow_loop", one(&d.AllowLoop, unlessZero(boolean))},
		{"keep", one(&d.Keep, unlessZero(duration(time.Second)))},
		{"keep_bytes", one(&d.KeepBytes, size(1))},
		{"guard", within(&d.Guard)},
	}
}

func (d *DeadLetter) library() bridge.DeadLetter {
	return bridge.DeadLetter{
		Topic: d.Topic, Partitioner: d.Partitioner, AllowLoop: d.AllowLoop,
		Keep: d.Keep, KeepBytes: d.KeepBytes, Guard: bridge.Guard(d.Guard),
	}
}

// Guard holds burials back while everything fails.
type Guard struct {
	Bucket    int // below 0: none
	Successes int
	Every     time.Duration
}

func (g *Guard) fields() fields {
	return fields{
		{"bucket", one(&g.Bucket, countOrNone)},
		{"successes", one(&g.Successes, count(1))},
		{"every", one(&g.Every, duration(time.Second))},
	}
}

// topics is the codec of all topics.
type topics struct{ to *[]*Topic }

func (c topics) decode(n node) {
	n.entries(func(name string, _, value node) {
		t := newTopic(name)
		decodeSection(t, value)
		*c.to = append(*c.to, t)
	})
}

func (c topics) encode() *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, t := range *c.to {
		out.Content = append(out.Content, textNode(t.Name), encodeSection(t))
	}
	return out
}
