package recovery

import "fmt"

// sought is for a partition that an operator wants to go on from another
// offset, also where the rules of README.md would stop it: the wish is the
// choice that they ask for.
func (c *reconciliation) sought() (Decision, error) {
	wish := c.Seek
	if wish.Applied && !c.anotherTopic() {
		return c.soughtBefore()
	}
	c.replaced = c.Next >= 0 && (c.anotherTopic() || c.Rewritten || c.Next > c.LogEnd)
	if wish.Offset < c.LogStart || wish.Offset > c.LogEnd {
		return Decision{}, c.seekOutOfRange()
	}
	d := c.seekTo(wish.Offset)
	skips, reruns := c.cost(d)
	c.note("going on at offset %d as an operator wants: skips %s, runs again %s", wish.Offset, atMost(skips), atMost(reruns))
	return d, nil
}

func (c *reconciliation) seekOutOfRange() error {
	choices := []Choice{
		{Name: "go on at the oldest record", Decision: c.seekTo(c.LogStart), How: seekTo(c.LogStart)},
		{Name: "go on at the log's end", Decision: c.seekTo(c.LogEnd), How: seekTo(c.LogEnd)},
	}
	if c.Next >= 0 && !c.replaced {
		choices = append(choices, Choice{Name: "keep this store's position", How: seekTo(c.Frontier)})
	}
	return c.conflict(SeekOutOfRange, fmt.Sprintf("an operator wants to go on at offset %d, which the log does not hold", c.Seek.Offset), choices...)
}

// soughtBefore is for a wish that was carried out here, while Kafka may not have
// been told: its offset is then of before. Another store that has gone on from
// there has not skipped more than it was to; but what is to run again, is.
func (c *reconciliation) soughtBefore() (Decision, error) {
	if !c.Seek.Back && c.otherStore() {
		return c.held()
	}
	c.note("an operator has moved the partition to offset %d: the committed offset %d is of before", c.Seek.Offset, c.Committed)
	return Decision{Action: Keep, Sought: true, Again: c.Seek.Back}, nil
}

// seekTo is how a partition gets to an offset. Jobs that are not those of the
// log cannot stay.
func (c *reconciliation) seekTo(offset int64) Decision {
	d := Decision{Offset: offset, Sought: true, Wish: c.Seek}
	switch {
	case c.Next < 0:
		d.Action, d.Again = Begin, offset < c.Committed
	case c.replaced:
		d.Action, d.Again = Reset, true
	case offset < c.Frontier:
		d.Action, d.Again = Reset, true
	case !c.Seek.Keep:
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
