package recovery

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Facts are what Kafka says about a partition when it is assigned.
type Facts struct {
	Committed int64  // the group's committed offset; -1: none
	Metadata  string // committed with it
	TopicID   string // empty where the broker has none
	LogStart  int64  // offset of the oldest record
	LogEnd    int64  // high-water mark, also under read_committed
	// AtTime is the offset of the first record that is not older than the
	// policy's start time; -1: there is none. Used with [StartTime] only.
	AtTime int64
	// Rewritten: the record that the log holds at RewrittenAt is not the one
	// that is stored as an unfinished job.
	Rewritten   bool
	RewrittenAt int64
	// Committing: this very opening of the store has committed an offset of the
	// partition, or tried to.
	Committing bool
	// Nonce is of this very opening; empty: openings of one number are not told
	// apart.
	Nonce string
	// Lacking counts the offsets that the metadata calls complete, and the store
	// does not.
	Lacking int64
}

// Start is where a partition begins that neither the store nor the group has
// an offset for.
type Start uint8

// The places to start.
const (
	StartOldest Start = iota
	StartNewest
	StartTime // at Facts.AtTime
)

// OnReset is what to do about an offset that somebody else committed.
type OnReset uint8

// The reactions to an external reset.
const (
	ResetStop   OnReset = iota // hold the partition, report a [Conflict]
	ResetFollow                // continue at the offset that was set
)

// Policy is what the operator configured.
type Policy struct {
	OnExternalReset OnReset
	Start           Start
	// Scheme is the fingerprint of what chooses lanes, for what other stores have
	// parked and paused.
	Scheme string
}

// Action is what to do with the store's view of a partition.
type Action uint8

// The actions, each carried out with the method of queue.Partition that it names.
const (
	Keep    Action = iota // nothing: the store is right
	Begin                 // SetStart(Offset)
	SkipTo                // SkipTo(Offset): below it, all is done elsewhere or given up
	Reset                 // Reset(Offset): all open jobs are forgotten
	Advance               // AdvanceTo(Offset): jobs are kept, what lies between is lost
)

// String returns the action's name as logs show it.
func (a Action) String() string {
	switch a {
	case Keep:
		return "keep"
	case Begin:
		return "begin"
	case SkipTo:
		return "skip-to"
	case Reset:
		return "reset"
	case Advance:
		return "advance"
	}
	return "action " + strconv.Itoa(int(a))
}

// Decision is the outcome of a reconciliation.
type Decision struct {
	Action Action
	Offset int64 // of Begin, SkipTo, Reset and Advance
	// Acknowledged is the committed offset, where it is one that this store's
	// later commits build on; -1: it is not.
	Acknowledged int64
	// Ahead is what the store that committed the offset has completed above it:
	// for CompleteElsewhere, before anything else is committed.
	Ahead []queue.Range
	// Aside is what another store has parked and paused; nil: none has told.
	Aside *Aside
	// Older says that this store is an older copy of the one that committed, and
	// what may run again for that; empty: nothing tells so. It goes on.
	Older string
	Notes []string // for the log: what was found and is harmless
	// Sought: it is what an operator wants, and Void: what one wanted is not
	// to be done any more.
	Sought, Void bool
	Wish         *queue.Seek // of Sought or Void
	Again        bool        // of Sought: what is complete from Offset on runs once more
	In           string      // of Sought: the nonce of the opening that carries it out
}

// Apply carries the decision out.
func (d Decision) Apply(p *queue.Partition) error {
	for _, step := range d.steps() {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

// steps carry the decision out. A crash may leave any number of them in the file,
// and then the next decision is to come to the same: no job has run between them.
// What is complete goes before the seek that makes its commit an older one.
func (d Decision) steps() []func(*queue.Partition) error {
	return []func(*queue.Partition) error{d.prepare, d.act, d.complete, d.fulfil}
}

// prepare notes what the act may make unknowable of an operator's wish.
func (d Decision) prepare(p *queue.Partition) error {
	if !d.Sought || d.Wish.Applied {
		return nil
	}
	return p.SeekBegins(*d.Wish)
}

// fulfil notes what has become of an operator's wish.
func (d Decision) fulfil(p *queue.Partition) error {
	switch {
	case d.Sought:
		return p.SeekApplied(*d.Wish, d.In)
	case d.Void:
		return p.DropSeek(*d.Wish)
	}
	return nil
}

// complete takes over what the commit says.
func (d Decision) complete(p *queue.Partition) error {
	if len(d.Ahead) > 0 {
		if err := p.CompleteElsewhere(d.Ahead); err != nil {
			return err
		}
	}
	if d.Acknowledged >= 0 {
		p.Acknowledge(d.Acknowledged)
	}
	return nil
}

// Aside is what the store that had a partition before has told of its lanes.
type Aside struct {
	Store  string // its id
	Parked []queue.ParkedIn
	Paused []Paused
}

// Apply takes over what is parked, once the partition is configured.
func (a *Aside) Apply(p *queue.Partition) error {
	lanes := slices.Clone(a.Parked)
	for i, in := range lanes {
		if in.Here {
			lanes[i].Stores, lanes[i].Here = append(slices.Clone(in.Stores), a.Store), false
		}
	}
	return p.ParkElsewhere(a.Store, lanes)
}

func (d Decision) act(p *queue.Partition) error {
	switch d.Action {
	case Keep:
		return nil
	case Begin:
		return p.SetStart(d.Offset)
	case SkipTo:
		return p.SkipTo(d.Offset)
	case Reset:
		return p.Reset(d.Offset)
	case Advance:
		return p.AdvanceTo(d.Offset)
	}
	return fmt.Errorf("apply a decision: %s is unknown", d.Action)
}
