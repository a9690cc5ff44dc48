package recovery

// cost bounds what a decision does: the records that never run though they are
// not known to be finished, and those that run though they may be.
func (c *reconciliation) cost(d Decision) (skips, reruns int64) {
	next := c.after(d)
	if c.replaced {
		return int64(c.Open) + max(0, next-max(c.LogStart, c.known)), max(0, c.maybe-next)
	}
	from := max(c.Next, c.known)
	if c.Next < 0 {
		from = max(c.Committed, c.known)
	}
	skips = max(0, next-from) + c.openDropped(d)
	reruns = max(0, c.maybe-max(next, c.Next)) + c.doneStored(d)
	return skips, reruns
}

// openDropped bounds the open jobs that d drops and the log does not give back.
func (c *reconciliation) openDropped(d Decision) int64 {
	if d.Action == Keep || d.Action == Advance {
		return 0
	}
	dropped := max(0, min(d.Offset, c.Next)-max(c.Frontier, c.known))
	if d.Action != SkipTo {
		dropped += max(0, c.Next-c.LogEnd)
	}
	return min(int64(c.Open), dropped)
}

// doneStored bounds the offsets below Next that may be finished, here or
// elsewhere, and that d runs.
func (c *reconciliation) doneStored(d Decision) int64 {
	open := int64(c.Open)
	switch {
	case d.Action == Keep || d.Action == Advance:
		return min(open, max(0, c.maybe-c.Frontier))
	case d.Action == SkipTo:
		return min(open, max(0, c.maybe-max(c.Frontier, d.Offset)))
	case d.Offset <= c.Frontier && c.maybe <= c.Frontier:
		return max(0, c.Next-d.Offset-open) // all open jobs are above both
	}
	return max(0, c.Next-d.Offset)
}
