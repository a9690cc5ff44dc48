package recovery

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Reconcile decides how a partition continues at its assignment: local is what
// the store holds, self whose store it is, kafka what the group committed.
//
// It never skips a record that is neither complete here nor covered by the
// commit of another holdfast store, unless the policy says to follow. Where
// that would be the only way on, the error is a [*Conflict].
func Reconcile(local queue.State, self queue.Identity, kafka Facts, policy Policy) (Decision, error) {
	c := &reconciliation{State: local, Facts: kafka, self: self, policy: policy}
	c.stamp, c.stampErr = DecodeStamp(kafka.Metadata)
	c.maybe = kafka.Committed
	if c.otherStore() && !c.otherTopic() {
		c.known = kafka.Committed
		if n := len(c.stamp.Ahead); n > 0 {
			c.maybe = max(c.maybe, c.stamp.Ahead[n-1].To)
		}
	}
	decide := c.held
	switch {
	case local.Seek != nil && !c.void():
		decide = c.sought
	case local.Next < 0:
		decide = c.neverHeld
	}
	d, err := decide()
	d.Ahead = c.ahead(d)
	if err == nil {
		err = c.inRange(d)
	}
	if err == nil {
		err = c.sameLog(d)
	}
	if err != nil {
		return Decision{}, err
	}
	d.Aside = c.aside()
	d.Older = c.older(d)
	d.Notes = c.notes
	d.Void, d.Wish = local.Seek != nil && !d.Sought, local.Seek
	if d.Sought {
		d.In = kafka.Nonce
	}
	if d.Sought && !d.Wish.Applied {
		begins := *d.Wish
		begins.Back, begins.Committed = d.Again, kafka.Committed
		d.Wish = &begins
	}
	d.Acknowledged = kafka.Committed
	if c.otherTopic() || c.beforeSeek() || d.Sought {
		d.Acknowledged = -1
	}
	return d, nil
}

// reconciliation is one call of Reconcile. Names are those of the table in
// README.md: committed and log bounds by Kafka; frontier, next, acknowledged
// by the store.
type reconciliation struct {
	queue.State
	Facts
	self     queue.Identity
	policy   Policy
	stamp    Stamp
	stampErr error // not nil: the metadata holds no stamp
	notes    []string

	// What a conflict knows for the counts of its choices: all below known is
	// finished elsewhere, what is below maybe may be. replaced: the log is not
	// the one that the store and the committed offset speak of.
	known, maybe int64
	replaced     bool
}

func (c *reconciliation) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// ours: this store, or the one that it is a copy of, committed the offset.
func (c *reconciliation) ours() bool { return c.stampErr == nil && c.stamp.StoreID == c.self.StoreID }

// otherStore: another holdfast store committed it.
func (c *reconciliation) otherStore() bool {
	return c.stampErr == nil && c.stamp.StoreID != c.self.StoreID
}

// laterOpening: a store of this id has committed in an opening that this file does
// not know of: there are two copies of it. Where we have committed ourselves, both
// are in use.
func (c *reconciliation) laterOpening() bool {
	sibling := c.stamp.Epoch == c.self.Epoch && c.nonces() && c.stamp.Nonce != c.Nonce
	return c.ours() && (c.stamp.Epoch > c.self.Epoch || sibling)
}

// beforeSeek: this very store has committed the offset before it carried out a
// seek, in the same opening. The connection broke, and the broker has come to
// that commit later than to those of after the seek.
func (c *reconciliation) beforeSeek() bool {
	return c.soughtSince() && c.stamp.Nonce != "" && c.stamp.Nonce == c.SoughtIn
}

// soughtSince: this store has carried out a seek since the offset was committed, in
// whichever opening. What was complete then may be to run again.
func (c *reconciliation) soughtSince() bool { return c.ours() && c.stamp.Seeks < c.Seeks }

// nonces tells openings of one number apart.
func (c *reconciliation) nonces() bool { return c.stamp.Nonce != "" && c.Nonce != "" }

// older is for a copy of the file that is behind what was committed: by the count
// of openings, or by what it knows to be complete. After a seek back it knows that
// this is to run again.
func (c *reconciliation) older(d Decision) string {
	lacking := c.Lacking
	if c.soughtSince() || d.Again {
		lacking = 0
	}
	sibling := c.ours() && c.stamp.Epoch == c.self.Epoch && !c.nonces() && !c.Committing
	if !c.ours() || c.otherTopic() || c.beforeSeek() || c.Next < 0 || lacking <= 0 && !c.laterOpening() && !sibling {
		return ""
	}
	known := fmt.Sprintf("opening %d of it has committed offset %d, this is opening %d", c.stamp.Epoch, c.Committed, c.self.Epoch)
	if lacking > 0 {
		known += fmt.Sprintf("; %d offsets that the commit calls complete are open or unknown here and do not run again", lacking)
	}
	return fmt.Sprintf("this directory is an older copy of store %s: %s; what else was finished since the copy was made runs again: at most %d",
		c.self.StoreID, known, max(0, c.LogEnd-c.Frontier-lacking))
}

// otherTopic: the committed offset counts records of a deleted topic.
func (c *reconciliation) otherTopic() bool {
	return c.stampErr == nil && c.stamp.TopicID != "" && c.Facts.TopicID != "" && c.stamp.TopicID != c.Facts.TopicID
}

// neverHeld is for a partition that the file knows nothing about.
func (c *reconciliation) neverHeld() (Decision, error) {
	switch {
	case c.Committed < 0:
		return Decision{Action: Begin, Offset: c.start()}, nil
	case c.otherTopic():
		return Decision{}, c.topicRecreated(c.stamp.TopicID)
	case c.laterOpening():
		return Decision{}, c.staleCopy()
	}
	c.noteAuthor()
	return Decision{Action: Begin, Offset: c.Committed}, nil
}

func (c *reconciliation) start() int64 {
	switch {
	case c.policy.Start == StartNewest, c.policy.Start == StartTime && c.AtTime < 0:
		return c.LogEnd
	case c.policy.Start == StartTime:
		return min(max(c.AtTime, c.LogStart), c.LogEnd)
	}
	return c.LogStart
}

// held is for a partition that the file knows.
func (c *reconciliation) held() (Decision, error) {
	if c.anotherTopic() {
		return Decision{}, c.topicRecreated(c.State.TopicID)
	}
	keep := Decision{Action: Keep}
	switch {
	case c.Committed < 0:
		if c.Acknowledged >= 0 {
			c.note("the group's committed offset is gone, expired or deleted; continuing at this store's %d", c.Frontier)
		}
		return keep, nil
	case c.otherTopic():
		// The topic was accepted here as the new one, so a restart between
		// that and the next commit left this offset behind.
		c.note("the committed offset %d belongs to the deleted topic %s and is ignored", c.Committed, c.stamp.TopicID)
		return keep, nil
	case c.beforeSeek():
		c.note("the committed offset %d is of before the last seek, and reached Kafka after it: continuing at this store's %d", c.Committed, c.Frontier)
		return keep, nil
	case c.Committed < c.Acknowledged:
		return c.external()
	case c.laterOpening() && c.Committing:
		return Decision{}, c.staleCopy()
	case c.Committed <= c.Frontier:
		c.noteAuthor()
		return keep, nil
	case c.ours():
		return Decision{}, c.staleCopy()
	case c.otherStore():
		c.noteAuthor()
		return Decision{Action: SkipTo, Offset: c.Committed}, nil
	}
	return c.external()
}

// ahead returns what is complete above the committed offset, by whoever
// committed it: done stays done, also where this store is the older copy. Only
// a reset of our own offset, or a seek, asks for all of it again. What the log does not
// hold any more, having been cut off, is not what was completed.
func (c *reconciliation) ahead(d Decision) (set []queue.Range) {
	if c.stampErr != nil || c.otherTopic() || c.soughtSince() || c.ours() && d.Action == Reset || d.Again {
		return nil
	}
	for _, r := range c.stamp.Ahead {
		if r.To = min(r.To, c.LogEnd); r.From < r.To {
			set = append(set, r)
		}
	}
	return set
}

// aside returns what another store has parked and paused, where the ids of its
// lanes say something here.
func (c *reconciliation) aside() *Aside {
	switch {
	case !c.otherStore() || c.otherTopic() || c.stamp.Scheme == 0:
		return nil
	case c.stamp.Scheme != SchemeSum(c.policy.Scheme):
		if n := len(c.stamp.Parked); n > 0 {
			c.note("store %s has %d parked lanes under another partitioner: later records of their keys run here", c.stamp.StoreID, n)
		}
		return nil
	}
	if n := len(c.stamp.Parked); n > 0 {
		c.note("store %s has told of %d parked lanes: later records of them go aside here, too", c.stamp.StoreID, n)
	}
	return &Aside{c.stamp.StoreID, c.stamp.Parked, c.stamp.Paused}
}

// noteAuthor says whose offset was accepted, unless it is ours.
func (c *reconciliation) noteAuthor() {
	switch {
	case c.otherStore():
		done := int64(0)
		for _, r := range c.stamp.Ahead {
			done += r.To - max(r.From, min(r.To, c.Committed))
		}
		c.note("store %s committed offset %d and completed %d above it; %d more, which its commit could not carry, run again",
			c.stamp.StoreID, c.Committed, done, c.stamp.Left)
		if len(c.stamp.Unknown) > 0 {
			c.note("the commit's metadata has sections that this version does not know: %s", strings.Join(c.stamp.Unknown, ", "))
		}
	case c.stampErr != nil && c.Metadata != "":
		c.note("offset %d was committed with metadata of another program, %s", c.Committed, quoteShort(c.Metadata))
	}
}

// external is for an offset that no holdfast store arrived at by working.
func (c *reconciliation) external() (Decision, error) {
	if c.policy.OnExternalReset == ResetStop {
		return Decision{}, c.externalReset()
	}
	d := c.follow()
	skips, reruns := c.cost(d)
	c.note("following the committed offset %d, which was set from outside: skips %s, runs again %s", c.Committed, atMost(skips), atMost(reruns))
	return d, nil
}

// follow continues at the committed offset. Forward it keeps what is done
// above; backward everything runs again, because that is what was asked for.
func (c *reconciliation) follow() Decision {
	if c.Committed < c.Frontier {
		return Decision{Action: Reset, Offset: c.Committed}
	}
	return Decision{Action: SkipTo, Offset: c.Committed}
}

// inRange refuses a decision after which the next offset to fetch does not
// exist. A log start above the frontier alone is harmless: the records are here.
func (c *reconciliation) inRange(d Decision) error {
	next := c.after(d)
	switch {
	case next < c.LogStart:
		return c.recordsLost(d, next)
	case next > c.LogEnd:
		return c.beyondEnd(next)
	}
	return nil
}

// sameLog refuses a decision that keeps jobs of a log that is not the same any
// more: what was read of the new one began in its middle.
func (c *reconciliation) sameLog(d Decision) error {
	dropped := d.Action == Begin || d.Action == Reset || d.Action == SkipTo && d.Offset > c.RewrittenAt
	if !c.Rewritten || dropped {
		return nil
	}
	return c.logRewritten()
}

// after returns the next offset to fetch once d is carried out.
func (c *reconciliation) after(d Decision) int64 {
	next := d.Offset
	switch d.Action {
	case Keep:
		next = c.Next
	case SkipTo, Advance:
		next = max(c.Next, d.Offset)
	}
	for _, r := range d.Ahead {
		if r.From <= next {
			next = max(next, r.To)
		}
	}
	return next
}

// MovedOn tells whether another store has taken over a partition that this one
// has given up, so that what is left here has been decided there. It is false in
// doubt, where [Reconcile] would have something to report, and where retention
// has deleted what is not finished: the only copy may be here.
func MovedOn(local queue.State, self queue.Identity, kafka Facts) bool {
	c := &reconciliation{State: local, Facts: kafka, self: self}
	c.stamp, c.stampErr = DecodeStamp(kafka.Metadata)
	sameTopic := c.stamp.TopicID == "" || local.TopicID == "" || c.stamp.TopicID == local.TopicID
	onlyHere := kafka.Committed < min(kafka.LogStart, local.Next)
	return local.Seek == nil && c.otherStore() && sameTopic && kafka.Committed >= local.Acknowledged && !onlyHere
}

const maxQuoted = 40

func quoteShort(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted]) + "..."
	}
	return strconv.Quote(s)
}
