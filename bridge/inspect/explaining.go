package inspect

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// The committed offset waits for the first of these that holds.
var causes = []struct {
	cause Cause
	holds func(*scene) bool
	tell  func(*scene, *Explanation)
}{
	{CauseStoreFailed, func(s *scene) bool { return s.failed != nil }, (*scene).tellFailed},
	{CauseUnreadable, func(s *scene) bool { return s.damaged != nil && !s.known }, (*scene).tellUnreadable},
	{CauseHeld, func(s *scene) bool { return s.claim != nil && s.claim.Err != "" }, (*scene).tellHeld},
	{CauseTaking, func(s *scene) bool { return s.claim != nil && !s.claim.Working }, (*scene).tellTaking},
	{CauseUnknown, func(s *scene) bool { return s.unknown != "" }, (*scene).tellUnknown},
	{CauseNotHere, func(s *scene) bool { return !s.known }, (*scene).tellNotHere},
	{CauseJob, func(s *scene) bool { return s.asked != nil }, (*scene).tellAsked},
	{CauseNothing, func(s *scene) bool { return s.State.Next < 0 }, (*scene).tellNothing},
	{CauseCommit, (*scene).awaitsCommit, (*scene).tellCommit},
	{CauseJob, func(s *scene) bool { return s.State.Open > 0 }, (*scene).tellJob},
	{CauseFlush, func(s *scene) bool { return s.State.Frontier > s.Durable }, (*scene).tellFlush},
	{CauseNotFetched, func(s *scene) bool { return s.log != nil && s.log.End > s.State.Next }, (*scene).tellNotFetched},
	{CauseCaughtUp, func(*scene) bool { return true }, (*scene).tellCaughtUp},
}

// explain judges the scene.
func (s *scene) explain() Explanation {
	e := Explanation{
		At: s.now, Live: s.live, Topic: s.Topic, Partition: s.Partition, Asked: s.asked, Here: s.known,
		Committed: s.State.Acknowledged, Frontier: s.Durable, Next: s.State.Next, Outage: s.outage,
	}
	if !s.known {
		s.leftHere(&e)
	}
	if s.log != nil {
		start, end := s.log.Start, s.log.End
		e.LogStart, e.LogEnd = &start, &end
	}
	for _, c := range causes {
		if c.holds(s) {
			e.Cause = c.cause
			c.tell(s, &e)
			break
		}
	}
	s.around(&e)
	if s.known && s.failed == nil {
		s.costs(&e)
	}
	return e
}

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

func (e *Explanation) fact(name, format string, args ...any) {
	e.Facts = append(e.Facts, Fact{name, fmt.Sprintf(format, args...)})
}

func (e *Explanation) can(effect, format string, args ...any) {
	e.Actions = append(e.Actions, Action{Command: fmt.Sprintf(format, args...), Effect: effect})
}

// flags select the partition.
func (s *scene) flags() string {
	return fmt.Sprintf("--topic %s --partition %d", quoted(s.Topic), s.Partition)
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
	e.Summary = fmt.Sprintf("Held since %s for a person to decide: %s. %s; the other partitions go on.", moment(c.ErrAt, s.now), c.Err, going)
	s.still(e, c.ErrAt)
	e.NextStep = "nothing, until you act: each choice above says what it skips and what it runs again."
	e.can("goes on from the offset that you choose; its plan spells out what is skipped or run again", "holdfast seek %s --offset N", s.flags())
}

func (s *scene) tellTaking(e *Explanation) {
	c := s.claim
	e.Summary = fmt.Sprintf("The group gave it to this bridge %s ago, and it is being taken over: Kafka is asked where it stands. No job of it starts before.", span(s.now.Sub(c.Since)))
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
		e.fact("here", "this store had it until %s, with frontier %d; jobs of it that are left do not run here", moment(s.away.Since, s.now), s.away.State.Frontier)
	}
	if s.going > 0 {
		e.fact("running", "%s of it under way, from before; what they finish is kept, and does not run again if the partition comes back", number(s.going, "run"))
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

func (s *scene) tellNothing(e *Explanation) {
	e.Summary = "Nothing of it was stored yet, and no offset is known."
	e.NextStep = "the bridge asks Kafka where to begin."
	if !s.live {
		e.NextStep = "the next start of the bridge asks Kafka where to begin."
	}
}

// awaitsCommit: jobs are done and on disk, and it is Kafka's turn.
func (s *scene) awaitsCommit() bool {
	if s.commitLag() == 0 || s.State.Frontier != s.Durable && s.State.Open == 0 {
		return false
	}
	return s.State.Open == 0 || s.commitTrouble() != ""
}

// commitTrouble tells what is wrong with the commits; empty: nothing.
func (s *scene) commitTrouble() string {
	c := s.claim
	switch {
	case c == nil:
		return ""
	case c.CommitErr != "":
		return fmt.Sprintf("since %s commits fail: %s", moment(c.CommitSince, s.now), c.CommitErr)
	case c.Committing >= 0 && s.now.Sub(c.CommitSince) > commitLate:
		return fmt.Sprintf("Kafka has not answered the commit of %d for %s", c.Committing, span(s.now.Sub(c.CommitSince)))
	}
	return ""
}

// commitLate is how long a commit may take without being worth a word.
const commitLate = 5 * time.Second

func (s *scene) tellCommit(e *Explanation) {
	trouble := s.commitTrouble()
	e.Summary = fmt.Sprintf("All below %d is done and on disk; Kafka has acknowledged %d only.", s.Durable, s.State.Acknowledged)
	s.still(e, cmp.Or(s.AckedAt, s.Loaded))
	e.AtLeast = s.AckedAt.IsZero()
	switch {
	case !s.live:
		e.NextStep = "the next start of the bridge commits it, before anything else."
	case trouble != "":
		e.Summary += " " + upper(trouble) + "."
		e.NextStep = "it is tried again until Kafka takes it. Nothing is lost meanwhile: what is done stays done here."
	default:
		e.NextStep = "the next commit, within a moment."
	}
	if s.State.Open > 0 && s.job != nil {
		e.fact("then", "the offset will wait for %s, which is %s", s.job.Name, s.job.State)
	}
}

func (s *scene) tellFlush(e *Explanation) {
	e.Summary = fmt.Sprintf("All below %d is done, and is on its way to the disk; below %d it is there.", s.State.Frontier, s.Durable)
	e.NextStep = "the store's next flush, and then the next commit."
	if s.pending > 0 {
		e.fact("pending", "%s are not on disk yet", number(s.pending, "outcome"))
	}
}

func (s *scene) tellCaughtUp(e *Explanation) {
	e.Summary = "Everything that is stored is done and committed."
	if s.log != nil {
		e.Summary = "Everything that Kafka has is done and committed."
	}
	e.NextStep = "the next record."
	if s.drain.On {
		e.NextStep = "nothing: no records are fetched, until the bridge starts anew or the drain is taken back."
	}
	if !s.live {
		e.NextStep = "the next start of the bridge."
	}
}

func (s *scene) tellNotFetched(e *Explanation) {
	missing := s.log.End - s.State.Next
	e.Summary = fmt.Sprintf("All that is stored is done; Kafka has %s more, from %d on.", number(missing, "offset"), s.State.Next)
	if s.log.Start > s.State.Next {
		e.Summary += fmt.Sprintf(" It has deleted those below %d.", s.log.Start)
	}
	e.NextStep = s.reading()
}

// reading tells what becomes of records that are not stored yet.
func (s *scene) reading() string {
	switch by := throttles[s.Throttle]; {
	case !s.live:
		return "the next start of the bridge reads them."
	case s.drain.On:
		return "they are not read, until the bridge starts anew or the drain is taken back."
	case by != "":
		return "they are read when there is room again: " + throttleWords[by] + "."
	case s.log.Err != "":
		return "they are read when Kafka answers again: " + short(s.log.Err, 200) + "."
	}
	return "they are being read. Markers of transactions count as offsets, too: what an open transaction holds back comes with its end."
}

// still tells for how long nothing has moved.
func (s *scene) still(e *Explanation, since time.Time) {
	if since.IsZero() || since.After(s.now) {
		return
	}
	d := s.now.Sub(since)
	e.Still = &d
}

// stillMoving is how lately an offset has moved that is not stuck.
const stillMoving = 3 * time.Second

// tellJob is for the offset that waits for the job at the frontier.
func (s *scene) tellJob(e *Explanation) {
	if s.live {
		s.still(e, cmp.Or(latest(s.Moved, s.Loaded), s.Loaded))
		e.AtLeast = s.Moved.Before(s.Loaded)
	}
	who := s.who(s.State.Frontier)
	switch {
	case e.Still == nil:
		e.Summary = fmt.Sprintf("%s is unfinished: the offset waits for it.", who)
	case *e.Still < stillMoving && !e.AtLeast:
		e.Summary = fmt.Sprintf("It moves: last %s ago. It waits for %s.", span(*e.Still), strings.TrimSuffix(who, ","))
	case e.AtLeast:
		e.Summary = fmt.Sprintf("Not moved for at least %s, since it was taken over: %s is unfinished.", span(*e.Still), who)
	default:
		e.Summary = fmt.Sprintf("Not moved for %s: %s is unfinished.", span(*e.Still), who)
	}
	s.describeFound(e)
}

// latest is the later one.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// who names the job.
func (s *scene) who(offset int64) string {
	name := Name{s.Topic, s.Partition, offset}.String()
	switch d := s.job; {
	case d == nil || d.Damaged != "" && d.Key == nil:
		return name
	case d.Key == nil:
		return name + ", which has no key,"
	}
	return name + ", key " + shown(s.job.Key) + ","
}

func (s *scene) describeFound(e *Explanation) {
	switch {
	case s.job == nil && s.jobErr != nil:
		e.fact("job", "it cannot be looked at: %v", s.jobErr)
		e.NextStep = "see its error."
	case s.job == nil || s.job.State == Done:
		e.NextStep = "it has just finished; ask again."
	default:
		s.describe(e, s.job)
	}
}

// tellAsked is about the job that was asked about.
func (s *scene) tellAsked(e *Explanation) {
	if s.jobErr != nil || s.job == nil {
		e.Summary = fmt.Sprintf("%s cannot be looked at: %v.", Name{s.Topic, s.Partition, *s.asked}, s.jobErr)
		return
	}
	d := s.job
	switch d.State {
	case Done:
		e.Summary = fmt.Sprintf("%s is done, or there is no such record: offsets have gaps.", d.Name)
		e.NextStep = "nothing."
		if s.log == nil || s.log.Start <= *s.asked {
			e.can("its record runs again, as Kafka has it", "holdfast requeue --from-kafka %s --offset %d", s.flags(), *s.asked)
		}
		s.waitsElse(e)
		return
	case NotStored:
		e.Summary = fmt.Sprintf("%s is not stored yet: the store has read up to %d.", d.Name, s.State.Next)
		e.NextStep = "it is stored when it is read."
		if s.log != nil && *s.asked < s.log.End {
			e.NextStep = s.reading()
		} else if s.log != nil {
			e.NextStep = "nothing: Kafka does not have it either."
		}
		return
	}
	verb := "is " + string(d.State)
	if d.State == Dead {
		verb = "is a dead letter"
	}
	e.Summary = fmt.Sprintf("%s %s.", s.who(d.Offset), verb)
	switch {
	case d.State == Dead, d.State == Parked, d.Aside:
		e.Summary += " The committed offset does not wait for it."
	case d.Holds:
		e.Summary += " The committed offset waits for it."
	default:
		s.waitsElse(e)
	}
	s.describe(e, d)
}

// waitsElse tells what the offset waits for where that is another job.
func (s *scene) waitsElse(e *Explanation) {
	if s.State.Open > 0 && s.State.Frontier != *s.asked {
		e.Summary += fmt.Sprintf(" The committed offset waits for %s.", Name{s.Topic, s.Partition, s.State.Frontier})
	}
}
