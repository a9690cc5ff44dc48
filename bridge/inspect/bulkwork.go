package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// ExecuteStored executes the stored operations of a store until ctx ends, with
// the options that the store's inspector has. At most one call per store may be
// under way. The error is the store's.
func ExecuteStored(ctx context.Context, store *queue.Store, opt Options) error {
	i := newInspector(store, opt)
	engine := bulk.Engine{
		Store: store, Logger: i.opt.Logger, Now: i.now, Member: i.counted, Open: i.workOf, Refusal: refusalOf,
		Ended: func(e *bulk.Entry) error { return i.auditEnd(shownOperation(e)) },
	}
	return engine.Execute(ctx)
}

// counted tells whether the group counts on this bridge.
func (i *inspector) counted() bool {
	return i.opt.Live == nil || time.Now().Before(i.opt.Live.Lease())
}

// bulkVerb is a verb of which operations can be stored.
type bulkVerb interface {
	verb
	kind() bulk.Kind
	// begin says in the entry what the operation of a plan is about.
	begin(*inspector, Plan, *bulk.Entry) error
	// work is what an operation does: errors is what the last errors of what the
	// command selects match.
	work(_ *inspector, _ Command, errors *regexp.Regexp) bulk.Work
}

// bulkOf returns a verb of which operations are stored, or false.
func bulkOf(v Verb) (bulkVerb, bool) {
	b, ok := verbs[v].(bulkVerb)
	return b, ok && b.kind().Stored()
}

// workOf tells what a stored operation is about and how it is to go.
func (i *inspector) workOf(op bulk.Operation) (bulk.Work, bulk.Terms, error) {
	var c Command
	if err := json.Unmarshal(op.Command, &c); err != nil {
		return nil, bulk.Terms{}, err
	}
	text, err := regexp.Compile(cmp.Or(c.Dead.ErrorMatches, c.Select.ErrorMatches))
	if err != nil {
		return nil, bulk.Terms{}, err
	}
	verb, ok := bulkOf(c.Verb)
	if !ok {
		return nil, bulk.Terms{}, fmt.Errorf("it knows no verb %s", c.Verb)
	}
	terms := bulk.Terms{Rate: c.Rate, StopAt: c.stopAt(), Least: LeastFinished, Limit: cmp.Or(c.Dead.Limit, c.Select.Limit)}
	return verb.work(i, c, text), terms, nil
}

func (v deadVerb) work(i *inspector, c Command, errors *regexp.Regexp) bulk.Work {
	return bulk.Letters{
		Kind: v.bulk,
		Select: func(l queue.DeadLetter) (bool, error) {
			return c.Dead.matches(i.store, &deadFound{DeadLetter: l}, errors)
		},
		Refuse: v.refusal,
		Act: func(ctx context.Context, refs ...queue.DeadRef) ([]queue.RequeueResult, error) {
			return v.act(ctx, i.store, c, refs)
		},
	}
}

func (v jobVerb) work(_ *inspector, c Command, errors *regexp.Regexp) bulk.Work {
	return bulk.Jobs{
		Kind: v.bulk, Offsets: c.Select.Offsets, From: c.Select.From, Whole: v.lanes, Reset: c.ResetAttempts,
		Select: func(p *queue.Partition, j queue.Pending) (bool, error) {
			return c.Select.matches(&found{Pending: j, tp: p.TopicPartition(), part: p}, errors)
		},
		Judge: func(j queue.Pending) (bool, error) { return v.judge(c, j) },
		Act:   func(p *queue.Partition, seen queue.Pending) (bool, error) { return v.apply(c, p, seen) },
	}
}

func (v laneVerb) work(i *inspector, c Command, _ *regexp.Regexp) bulk.Work {
	return bulk.Lanes{
		Kind:   v.bulk,
		Select: func(l queue.ParkedLane) bool { return i.parked(c.Select, l) },
		Act:    func(p *queue.Partition, l queue.ParkedLane) (bool, error) { return v.apply(c, p, l) },
	}
}

func (v deadVerb) kind() bulk.Kind { return v.bulk }
func (v jobVerb) kind() bulk.Kind  { return v.bulk }
func (v laneVerb) kind() bulk.Kind { return v.bulk }

// stopAt is the stop condition in force.
func (c Command) stopAt() float64 {
	switch v, ok := bulkOf(c.Verb); {
	case !ok || !v.kind().Runs():
		return 1
	case c.StopAt == 0:
		return DefaultStopAt
	}
	return c.StopAt
}

// lasts is how long n of them take by the pace.
func (c Command) lasts(n int) time.Duration {
	return time.Duration(math.Min(float64(n)/c.Rate*float64(time.Second), math.MaxInt64/2))
}
