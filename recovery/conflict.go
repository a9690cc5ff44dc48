package recovery

import (
	"errors"
	"fmt"
	"strings"
)

// ConflictKind says which rule refused to go on.
type ConflictKind uint8

// The conflicts.
const (
	StaleCopy      ConflictKind = iota + 1 // a newer copy of this store committed
	ExternalReset                          // somebody else set the offset
	TopicRecreated                         // the topic was deleted and created anew
	RecordsLost                            // retention deleted what was never stored
	BeyondEnd                              // the log ends below the next offset
	LogRewritten                           // a stored record is another one in the log
	SeekOutOfRange                         // the log does not hold what an operator wants
	SeekOvertaken                          // others have gone on beyond what an operator wants
)

// Conflict is the error of [Reconcile]: going on could skip records or run
// them again, and only an operator can know which of it is right.
type Conflict struct {
	Kind    ConflictKind
	Found   string // one sentence without the partition's name
	Choices []Choice
}

// Choice is one way out of a conflict. The counts are upper bounds, because
// offsets have gaps. A partition whose choice was carried out is to be
// reconciled again.
type Choice struct {
	Name     string
	Decision Decision
	Skips    int64  // unfinished records that would never run
	Reruns   int64  // records that may be finished already and would run
	How      string // what to do; empty where no setting brings it about
}

func (c *Conflict) Error() string {
	var b strings.Builder
	b.WriteString(c.Found)
	for i, choice := range c.Choices {
		sep := "; "
		if i == 0 {
			sep = ". Choices: "
		}
		b.WriteString(sep + choice.String())
	}
	return b.String()
}

// String describes the choice in one clause.
func (c Choice) String() string {
	text := fmt.Sprintf("%s (skips %s, runs again %s)", c.Name, atMost(c.Skips), atMost(c.Reruns))
	if c.How != "" {
		text += ": " + c.How
	}
	return text
}

func atMost(n int64) string {
	if n == 0 {
		return "nothing"
	}
	return fmt.Sprintf("at most %d", n)
}

// conflict counts what each choice costs, and leaves out those that would end
// in another conflict. Where that is all of them, the ways out of the other
// one are offered.
func (c *reconciliation) conflict(kind ConflictKind, found string, choices ...Choice) error {
	e := &Conflict{Kind: kind, Found: fmt.Sprintf("%s (the log holds %d to %d)", found, c.LogStart, c.LogEnd)}
	var blocked *Conflict
	for _, choice := range choices {
		choice.Skips, choice.Reruns = c.cost(choice.Decision)
		choice.Decision.Acknowledged = -1 // the reconciliation that follows decides about it
		if err := c.inRange(choice.Decision); err == nil {
			e.Choices = append(e.Choices, choice)
		} else if blocked == nil {
			errors.As(err, &blocked)
		}
	}
	if len(e.Choices) == 0 && blocked != nil {
		e.Choices = blocked.Choices
	}
	return e
}

func (c *reconciliation) externalReset() error {
	where := fmt.Sprintf("below offset %d, which Kafka had acknowledged", c.Acknowledged)
	if c.Committed > c.Frontier {
		where = fmt.Sprintf("above this store's frontier %d", c.Frontier)
	}
	return c.conflict(ExternalReset,
		fmt.Sprintf("the committed offset %d is %s, with %s: somebody set it", c.Committed, where, c.author()),
		Choice{Name: "follow", Decision: c.follow(), How: "on_external_reset: follow, or " + seekTo(c.Committed)},
		Choice{Name: "keep this store's position", How: seekTo(c.Frontier)})
}

// staleCopy is the case of a restored or copied directory. What the newer copy
// had done below the committed offset is known to be done; what it had done
// above is not known here.
func (c *reconciliation) staleCopy() error {
	c.known, c.maybe = c.Committed, c.LogEnd
	found := fmt.Sprintf("this directory is an older copy of store %s: offset %d was committed by its opening %d, this is opening %d",
		c.self.StoreID, c.Committed, c.stamp.Epoch, c.self.Epoch)
	const forward = "go on at the committed offset"
	if c.Next < 0 {
		return c.conflict(StaleCopy, found+" and knows nothing of the partition",
			Choice{Name: forward, Decision: Decision{Action: Begin, Offset: c.Committed}, How: seekTo(c.Committed)})
	}
	if c.Committed <= c.Frontier {
		return c.conflict(StaleCopy, fmt.Sprintf("another copy of this directory, of store %s, is in use: it committed offset %d in opening %d while this one, opening %d, worked on the partition",
			c.self.StoreID, c.Committed, c.stamp.Epoch, c.self.Epoch),
			Choice{Name: "go on with this copy", Decision: Decision{Action: Keep}, How: "stop the other one for good, then start this one again"})
	}
	return c.conflict(StaleCopy, fmt.Sprintf("%s and has completions up to %d only", found, c.Frontier),
		Choice{Name: forward, Decision: Decision{Action: SkipTo, Offset: c.Committed}, How: seekTo(c.Committed)},
		Choice{Name: "keep this copy's position", How: seekTo(c.Frontier)})
}

func (c *reconciliation) topicRecreated(old string) error {
	found := fmt.Sprintf("the topic was deleted and created anew: its id was %s and is %s", old, c.Facts.TopicID)
	c.replaced, c.known, c.maybe = true, 0, 0
	if c.Next < 0 {
		return c.conflict(TopicRecreated, fmt.Sprintf("%s, and the committed offset %d is of the old one", found, c.Committed),
			Choice{Name: "begin at the oldest record", Decision: Decision{Action: Begin, Offset: c.LogStart}, How: seekTo(c.LogStart)},
			Choice{Name: "begin at the newest", Decision: Decision{Action: Begin, Offset: c.LogEnd}, How: seekTo(c.LogEnd)})
	}
	begin := c.LogStart
	if c.stampErr == nil && c.stamp.TopicID == c.Facts.TopicID && c.Committed <= c.LogEnd { // a store has worked on the new topic already
		begin, c.known = max(begin, c.Committed), c.Committed
	}
	return c.conflict(TopicRecreated, fmt.Sprintf("%s, and %d jobs of the old one are unfinished", found, c.Open),
		Choice{Name: "forget the old topic's jobs", Decision: Decision{Action: Reset, Offset: begin}, How: seekTo(begin)})
}

// recordsLost is for a decision d after which [next, LogStart) would be
// missing: those records are neither in the log nor here.
func (c *reconciliation) recordsLost(d Decision, next int64) error {
	found := fmt.Sprintf("retention deleted offsets %d to %d before they were stored", next, c.LogStart-1)
	if d.Action == Begin || d.Action == Reset {
		d.Offset = c.LogStart
		return c.conflict(RecordsLost, found, Choice{Name: "go on at the oldest record", Decision: d, How: seekTo(c.LogStart)})
	}
	return c.conflict(RecordsLost, found,
		Choice{Name: "go on behind the gap", Decision: Decision{Action: Advance, Offset: c.LogStart}, How: seekTo(c.LogStart) + " --keep-stored"},
		Choice{Name: "forget what is stored too", Decision: Decision{Action: SkipTo, Offset: c.LogStart}, How: seekTo(c.LogStart)})
}

// beyondEnd is for a log that was cut off, or a topic that was created anew on
// brokers without topic ids: new records would get offsets that count as done.
func (c *reconciliation) beyondEnd(next int64) error {
	const why = "is above the log's end: the log was cut off or the topic created anew"
	const fromStart, atEnd = "run the log from its start", "go on at its end"
	c.known, c.maybe = 0, c.LogEnd
	switch {
	case c.Next < 0:
		c.replaced = true
		return c.conflict(BeyondEnd, fmt.Sprintf("the committed offset %d %s", next, why),
			Choice{Name: fromStart, Decision: Decision{Action: Begin, Offset: c.LogStart}, How: seekTo(c.LogStart)},
			Choice{Name: atEnd, Decision: Decision{Action: Begin, Offset: c.LogEnd}, How: seekTo(c.LogEnd)})
	case c.Next <= c.LogEnd:
		return c.conflict(BeyondEnd, fmt.Sprintf("the committed offset %d %s", next, why),
			Choice{Name: "keep this store's position", How: seekTo(c.Frontier)},
			Choice{Name: atEnd, Decision: Decision{Action: SkipTo, Offset: c.LogEnd}, How: seekTo(c.LogEnd)})
	}
	c.replaced = true
	return c.conflict(BeyondEnd, fmt.Sprintf("the next offset to fetch, %d, %s", next, why),
		Choice{Name: fromStart, Decision: Decision{Action: Reset, Offset: c.LogStart}, How: seekTo(c.LogStart)},
		Choice{Name: atEnd, Decision: Decision{Action: Reset, Offset: c.LogEnd}, How: seekTo(c.LogEnd)})
}

// logRewritten is for a log that was cut off and has grown again, as after the
// election of a leader that had not all of it. How much of it is new is not known.
func (c *reconciliation) logRewritten() error {
	c.replaced, c.known, c.maybe = true, 0, c.Next
	choices := []Choice{{
		Name:     "forget what is stored",
		Decision: Decision{Action: Reset, Offset: c.Frontier},
		How:      seekTo(c.Frontier),
	}}
	if c.LogStart < c.Acknowledged {
		choices = append(choices, Choice{
			Name:     "run the log from its start",
			Decision: Decision{Action: Reset, Offset: c.LogStart},
			How:      seekTo(c.LogStart),
		})
	}
	return c.conflict(LogRewritten,
		fmt.Sprintf("the record at offset %d is not the one that is stored: the log was cut off and written anew", c.RewrittenAt),
		choices...)
}

func (c *reconciliation) author() string {
	switch {
	case c.stampErr == nil:
		return "the stamp of store " + c.stamp.StoreID
	case c.Metadata == "":
		return "no metadata"
	}
	return "metadata of another program, " + quoteShort(c.Metadata)
}

// seekTo is the command that brings a choice about, for the partition that the
// reader knows; it shows first what it would do.
func seekTo(offset int64) string { return fmt.Sprintf("holdfast seek --offset %d", offset) }
