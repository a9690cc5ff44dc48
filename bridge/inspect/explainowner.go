package inspect

import (
	"cmp"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

// leftHere is where a partition stood that is not held.
func (s *scene) leftHere(e *Explanation) {
	e.Committed, e.Frontier, e.Next = -1, -1, -1
	if s.away != nil {
		e.Committed, e.Frontier, e.Next = s.away.State.Acknowledged, s.away.State.Frontier, s.away.State.Next
	}
	if s.owner != nil {
		e.Committed = s.owner.Committed
	}
}

func (s *scene) tellFailed(e *Explanation) {
	e.Summary = fmt.Sprintf("A write to the store failed: %v. What the file holds is not known, so nothing runs and no offset moves.", s.failed)
	e.NextStep = "the process ends; the next start repairs what can be repaired and goes on."
}

func (s *scene) tellUnreadable(e *Explanation) {
	e.Summary = fmt.Sprintf("Its data in the store cannot be read: %v. Nothing of it runs and its offset does not move; the other partitions go on.", s.damaged)
	e.NextStep = "nothing, until you act."
	e.can("tells what is damaged, by name", "holdfast verify")
	e.can("saves what is not damaged into a new file; stop the bridge first", "holdfast repair")
}

// tellHeld is for a conflict that only a person can decide.
func (s *scene) tellHeld(e *Explanation) {
	c := s.claim
	going := "Nothing of it runs and its offset does not move"
	if c.Working {
		going = "It is not read any further; what is stored goes on"
	}
	e.Summary = fmt.Sprintf("Held since %s for a person to decide: %s. %s; the other partitions go on.", words.Moment(c.ErrAt, s.now), c.Err, going)
	s.still(e, c.ErrAt)
	e.NextStep = "nothing, until you act: each choice above says what it skips and what it runs again."
	e.can("goes on from the offset that you choose; its plan spells out what is skipped or run again", "holdfast seek %s --offset N", s.flags())
}

func (s *scene) tellTaking(e *Explanation) {
	c := s.claim
	e.Summary = fmt.Sprintf("The group gave it to this bridge %s ago, and it is being taken over: Kafka is asked where it stands. No job of it starts before.", words.Span(s.now.Sub(c.Since)))
	s.still(e, c.Since)
	e.NextStep = "jobs start as soon as Kafka has answered; it is asked again and again."
	if s.now.Sub(c.Since) > takeWithin {
		e.NextStep += " It has not for long: look at the brokers and at this bridge's log."
	}
}

func (s *scene) tellNotHere(e *Explanation) {
	switch o := s.owner; {
	case !s.live:
		e.Summary = "This data directory keeps nothing of the partition."
	case s.awaitsCopy():
		e.Summary = "It is not held here now, because " + s.member.Copy + ". No job starts before that is known."
	case s.outOfGroup():
		e.Summary = "It is not held here now: this bridge is no member of its group at the moment, since the group's coordinator does not answer or has forgotten it. It tries to join again; no job starts before."
	case o == nil:
		e.Summary = "It is not held here: another member of the group has it, or none has yet. Kafka does not answer who committed it last."
	case o.Committed < 0:
		e.Summary = "It is not held here, and nobody has committed an offset of it."
	case o.Ours:
		e.Summary = fmt.Sprintf("It is not held here now. Offset %d was committed by this store: the partition is on its way to another member, or back.", o.Committed)
	case o.Store != "":
		e.Summary = fmt.Sprintf("It is not held here. Offset %d was committed by the holdfast store %s: ask the bridge that works with that data directory.", o.Committed, o.Store)
	default:
		e.Summary = fmt.Sprintf("It is not held here. Offset %d was committed by another program than holdfast.", o.Committed)
	}
	if s.away != nil {
		e.fact("here", "this store had it until %s, with frontier %d; jobs of it that are left do not run here", words.Moment(s.away.Since, s.now), s.away.State.Frontier)
	}
	if s.going > 0 {
		e.fact("running", "%s of it under way, from before; what they finish is kept, and does not run again if the partition comes back", words.Number(s.going, "run"))
	}
	for _, op := range s.needed {
		e.fact("operation", "%s by %s, %d of %d so far, %s: %s", op.ID, op.Actor, op.Taken, op.Matched, cmp.Or(op.Reason, "goes on once it is held"), words.Short(op.What, 200))
	}
	if s.job != nil {
		s.describe(e, s.job)
		return
	}
	e.NextStep = "nothing here, until the group gives the partition to this bridge."
	if s.awaitsCopy() {
		e.NextStep = "this bridge joins the group as soon as that member is gone. If it is alive, this bridge ends with exit code 7, in about a session timeout: stop one of the two for good."
	}
}

func (s *scene) tellUnknown(e *Explanation) {
	e.Summary = fmt.Sprintf("Nothing is known of %s/%d: %s.", s.Topic, s.Partition, s.unknown)
	e.NextStep = "nothing."
}

// awaitsCopy: the bridge has not joined, because another member has its store.
func (s *scene) awaitsCopy() bool {
	return s.member != nil && s.member.ID == "" && s.member.Copy != ""
}

// outOfGroup: the bridge wants to be a member and is none.
func (s *scene) outOfGroup() bool {
	return s.member != nil && s.member.ID == "" && s.member.Sessions > 0
}
