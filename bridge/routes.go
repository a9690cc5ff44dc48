package bridge

import (
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// route is how one configured [Topic] is worked on, ready to use.
type route struct {
	settings
	selector   string // the configured name, or ~pattern
	handler    Handler
	batch      *Batch // nil: jobs run by themselves
	lanes      *partitioner.Partitioner
	scheme     string // fingerprint of the partitioner and its ordering
	fixed      bool   // partitions are listed, not assigned by the group
	filter     func(*Record) bool
	onlyLatest bool
	guard      Guard
	outbox     bool // copies of dead letters are sent
	produce    *producing
	dead       *deadTo
}

// settings are what a route can change while jobs run: a run looks at those of
// its partition's view.
type settings struct {
	retry       RetryPolicy
	classes     []Class
	onFailure   OnFailure
	concurrency int
	rate        float64
	expiry      time.Duration
	delay       time.Duration
	delayHeader string
	timeout     time.Duration // of a run; 0: none
	heartbeat   time.Duration // silence after which a run is stuck; 0: none
	keeping     keeping
}

// keeping bounds dead letters; zero: there is no bound.
type keeping struct {
	age   time.Duration
	bytes int64
}

func (t Topic) settings() settings {
	return settings{
		retry:       t.Retry,
		classes:     t.RetryClasses,
		onFailure:   t.OnFailure,
		concurrency: t.Concurrency,
		rate:        t.Rate,
		expiry:      t.Expiry,
		delay:       t.Delay,
		delayHeader: t.DelayHeader,
		timeout:     t.Timeout,
		heartbeat:   t.Heartbeat,
		keeping:     keeping{t.DeadLetter.Keep, t.DeadLetter.KeepBytes},
	}
}

// routes finds the route of a topic.
type routes struct {
	mu       sync.Mutex // guards all
	exact    map[string]*route
	patterns []pattern         // in the order of the configuration
	found    map[string]*route // what the patterns have answered
}

type pattern struct {
	expr *regexp.Regexp // matches whole names
	*route
}

// newRoutes expects a validated configuration with defaults.
func newRoutes(cfg Config) (*routes, error) {
	r := &routes{exact: make(map[string]*route), found: make(map[string]*route)}
	for _, t := range cfg.Topics {
		lanes, err := partitioner.New(t.Partitioner)
		if err != nil {
			return nil, fmt.Errorf("partitioner of %s: %w", t.selector(), err)
		}
		produce, err := newProducing(t.Produce)
		if err != nil {
			return nil, fmt.Errorf("what %s produces: %w", t.selector(), err)
		}
		dead, err := newDeadTo(t.DeadLetter)
		if err != nil {
			return nil, fmt.Errorf("dead letters of %s: %w", t.selector(), err)
		}
		to := &route{
			settings:   t.settings(),
			selector:   t.selector(),
			handler:    wrap(t.handler(), cfg.Use),
			batch:      t.Batch,
			lanes:      lanes,
			scheme:     t.Partitioner.Fingerprint(),
			fixed:      len(t.Partitions) > 0,
			filter:     t.Filter,
			onlyLatest: t.OnlyLatest,
			guard:      t.DeadLetter.Guard,
			outbox:     t.DeadLetter.Topic != "",
			produce:    produce,
			dead:       dead,
		}
		if t.Match == "" {
			r.exact[t.Name] = to
			continue
		}
		expr, err := wholeName(t.Match)
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", t.Match, err)
		}
		r.patterns = append(r.patterns, pattern{expr: expr, route: to})
	}
	return r, nil
}

// all yields every configured route.
func (r *routes) all() iter.Seq[*route] {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Collect(maps.Values(r.exact))
	for _, p := range r.patterns {
		list = append(list, p.route)
	}
	return slices.Values(list)
}

// wholeName compiles a pattern so that it matches only whole names.
func wholeName(match string) (*regexp.Regexp, error) {
	return regexp.Compile(`^(?:` + match + `)$`)
}

// find returns the topic's route: its own entry, else the pattern that matches.
// Two patterns that match are an [ErrRefused], since either could be meant.
func (r *routes) find(topic string) (*route, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if to, ok := r.exact[topic]; ok {
		return to, nil
	}
	if to, ok := r.found[topic]; ok {
		return to, nil
	}
	var matching []*route
	for _, p := range r.patterns {
		if p.expr.MatchString(topic) {
			matching = append(matching, p.route)
		}
	}
	switch len(matching) {
	case 1:
		r.found[topic] = matching[0]
		return matching[0], nil
	case 0:
		return nil, fmt.Errorf("%w: topic %s is not configured; add an entry for it", ErrRefused, topic)
	}
	names := make([]string, len(matching))
	for i, m := range matching {
		names[i] = m.selector
	}
	return nil, fmt.Errorf("%w: topic %s is matched by the patterns %s; give it an entry of its own",
		ErrRefused, topic, strings.Join(names, " and "))
}

// set gives a configured topic other settings. Who has its route keeps that.
func (r *routes) set(selector string, s settings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if to, ok := r.exact[selector]; ok {
		r.exact[selector] = to.with(s)
	}
	for i, p := range r.patterns {
		if p.selector == selector {
			r.patterns[i].route = p.with(s)
		}
	}
	clear(r.found)
}

func (to *route) with(s settings) *route {
	changed := *to
	changed.settings = s
	return &changed
}

// subscription is what to ask Kafka for.
func (r *routes) subscription(topics []Topic) kafka.Subscription {
	var sub kafka.Subscription
	for _, t := range topics {
		switch {
		case len(t.Partitions) > 0:
			if sub.Fixed == nil {
				sub.Fixed = make(map[string][]int32)
			}
			sub.Fixed[t.Name] = slices.Clone(t.Partitions)
		case t.Name != "":
			sub.Topics = append(sub.Topics, t.Name)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.patterns {
		sub.Patterns = append(sub.Patterns, p.expr)
	}
	return sub
}

// handler runs single jobs.
func (t Topic) handler() Handler {
	if t.Batch != nil {
		return t.Batch
	}
	return t.Handler
}

// selector names a configured topic for people.
func (t Topic) selector() string {
	if t.Match != "" {
		return "~" + t.Match
	}
	return t.Name
}
