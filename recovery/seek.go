package recovery

import (
	"fmt"
	"time"
)

// sought is for a partition that an operator wants to go on from another
// offset, also where the rules of README.md would stop it: the wish is the
// choice that they ask for.
func (c *reconciliation) sought() (Decision, error) {
	wish := c.Seek
	if wish.Applied && !c.anotherTopic() {
		return c.soughtBefore()
	}
	c.replaced = c.Next >= 0 && (c.anotherTopic() || c.Rewritten || c.Next > c.LogEnd)
	if c.overtaken() {
		return Decision{}, c.seekOvertaken()
	}
	if wish.Offset < c.LogStart || wish.Offset > c.LogEnd {
		return Decision{}, c.seekOutOfRange()
	}
	d := c.seekTo(wish.Offset, wish.Keep)
	skips, reruns := c.cost(d)
	c.note("going on at offset %d as an operator wants: skips %s, runs again %s", wish.Offset, atMost(skips), atMost(reruns))
	return d, nil
}

func (c *reconciliation) seekOutOfRange() error {
	choices := []Choice{
		{Name: "go on at the oldest record", Decision: c.seekTo(c.LogStart, c.Seek.Keep), How: seekTo(c.LogStart)},
		{Name: "go on at the log's end", Decision: c.seekTo(c.LogEnd, c.Seek.Keep), How: seekTo(c.LogEnd)},
	}
	if c.Next >= 0 && !c.replaced {
		choices = append(choices, Choice{Name: "keep this store's position", How: seekTo(c.Frontier)})
	}
	return c.conflict(SeekOutOfRange, fmt.Sprintf("an operator wants to go on at offset %d, which the log does not hold", c.Seek.Offset), choices...)
}

// overtaken: while the wish waited, another store, or another copy of this one,
// has gone on beyond both the offset that is wanted and the one that was known.
func (c *reconciliation) overtaken() bool {
	return (c.otherStore() || c.laterOpening()) && !c.otherTopic() && c.Committed > max(c.Seek.Offset, c.Seek.Committed)
}

func (c *reconciliation) seekOvertaken() error {
	who := "store " + c.stamp.StoreID
	if c.ours() {
		who = "another copy of this store"
	}
	known := "nothing was committed"
	if c.Seek.Committed >= 0 {
		known = fmt.Sprintf("offset %d was committed", c.Seek.Committed)
	}
	there := c.Committed
	if !c.replaced {
		there = max(there, c.Frontier)
	}
	return c.conflict(SeekOvertaken, fmt.Sprintf("an operator wanted at %s to go on at offset %d, when %s; %s has committed offset %d since",
		c.Seek.Asked.UTC().Format(time.RFC3339), c.Seek.Offset, known, who, c.Committed),
		Choice{Name: "go on from there", Decision: c.seekTo(there, false), How: seekTo(there)},
		Choice{Name: "go on as was wanted", Decision: c.seekTo(c.Seek.Offset, c.Seek.Keep), How: c.seekAgain()})
}

// seekAgain is the command that asks for the same, knowing what Kafka has now.
func (c *reconciliation) seekAgain() string {
	if c.Seek.Keep {
		return seekTo(c.Seek.Offset) + " --keep-stored"
	}
	return seekTo(c.Seek.Offset)
}

// soughtBefore is for a wish that was carried out here, while Kafka may not have
// been told: its offset is then of before. Another store that has gone on from
// there has not skipped more than it was to. What was to run again has run there
// only if Kafka was told, which an offset below that of before shows.
func (c *reconciliation) soughtBefore() (Decision, error) {
	switch {
	case c.otherStore() && (!c.Seek.Back || c.Committed < c.Seek.Committed):
		return c.held()
	case c.Seek.Back && c.overtaken():
		return Decision{}, c.seekOvertaken()
	}
	c.note("an operator has moved the partition to offset %d: the committed offset %d is of before", c.Seek.Offset, c.Committed)
	return Decision{Action: Keep, Sought: true, Again: c.Seek.Back}, nil
}

// seekTo is how a partition gets to an offset. Jobs that are not those of the
// log cannot stay.
func (c *reconciliation) seekTo(offset int64, keep bool) Decision {
	d := Decision{Offset: offset, Sought: true, Again: c.Seek.Back, Wish: c.Seek}
	switch {
	case c.Next < 0:
		d.Action, d.Again = Begin, d.Again || offset < c.Committed
	case c.replaced:
		d.Action, d.Again = Reset, true
	case offset < c.Frontier:
		d.Action, d.Again = Reset, true
	case !keep:
		d.Action = SkipTo
	case offset > c.Next:
		d.Action = Advance
	default:
		d.Action = Keep
	}
	return d
}

// anotherTopic: what the store holds is of a topic that was deleted.
func (c *reconciliation) anotherTopic() bool {
	return c.State.TopicID != "" && c.Facts.TopicID != "" && c.State.TopicID != c.Facts.TopicID
}

// void tells whether the wish is about records that are no more.
func (c *reconciliation) void() bool {
	return c.Seek.TopicID != "" && c.Facts.TopicID != "" && c.Seek.TopicID != c.Facts.TopicID
}
