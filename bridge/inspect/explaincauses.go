package inspect

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
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

func (e *Explanation) fact(name, format string, args ...any) {
	e.Facts = append(e.Facts, Fact{name, fmt.Sprintf(format, args...)})
}

func (e *Explanation) can(effect, format string, args ...any) {
	e.Actions = append(e.Actions, Action{Command: fmt.Sprintf(format, args...), Effect: effect})
}

// flags select the partition.
func (s *scene) flags() string {
	return fmt.Sprintf("--topic %s --partition %d", words.Quoted(s.Topic), s.Partition)
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
	came := false // when nothing had moved for a while, as there was nothing to do
	if s.live {
		since := latest(s.Moved, s.Loaded)
		e.AtLeast = s.Moved.Before(s.Loaded)
		if d := s.job; d != nil && d.Stored.After(since) && s.now.Sub(since) >= stillMoving {
			since, came, e.AtLeast = d.Stored, true, false
		}
		s.still(e, since)
	}
	who := s.who(s.State.Frontier)
	switch {
	case e.Still == nil:
		e.Summary = fmt.Sprintf("%s is unfinished: the offset waits for it.", who)
	case came:
		e.Summary = fmt.Sprintf("Not moved for %s, since %s came in: it is unfinished.", words.Span(*e.Still), who)
	case *e.Still < stillMoving && !e.AtLeast:
		e.Summary = fmt.Sprintf("It moves: last %s ago. It waits for %s.", words.Span(*e.Still), strings.TrimSuffix(who, ","))
	case e.AtLeast:
		e.Summary = fmt.Sprintf("Not moved for at least %s, since it was taken over: %s is unfinished.", words.Span(*e.Still), who)
	default:
		e.Summary = fmt.Sprintf("Not moved for %s: %s is unfinished.", words.Span(*e.Still), who)
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
	case d == nil || d.State == Done || d.Damaged != "" && d.Key == nil:
		return name
	case d.Key == nil:
		return name + ", which has no key,"
	}
	return name + ", key " + words.Shown(s.job.Key) + ","
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
