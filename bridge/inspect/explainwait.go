package inspect

import (
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

func (s *scene) likeHalted(d *JobDetail) string {
	text := fmt.Sprintf("halted after %s%s", s.tries(d), s.last(d))
	if d.Attempts == 0 {
		text = "halted before it ran"
	}
	if s.settings != nil {
		text += ", on_failure: " + s.settings.OnFailure
	}
	return text
}

func (s *scene) nextHalted(*JobDetail) string { return "nothing, until you act." }

func (s *scene) canHalted(e *Explanation, d *JobDetail) { s.canGiveUp(e, d, "once more") }

func (s *scene) likeDelayed(d *JobDetail) string {
	return fmt.Sprintf("delayed: it does not run before %s", words.Moment(d.Due, s.now))
}

func (s *scene) nextDelayed(d *JobDetail) string {
	if why := s.notStartingWhenDue(d); why != "" {
		return fmt.Sprintf("it runs %s, once that ends: %s.", words.Until(d.Due, s.now), why)
	}
	return fmt.Sprintf("it runs %s.", words.Until(d.Due, s.now))
}

func (s *scene) canDelayed(e *Explanation, d *JobDetail) {
	e.can("it runs now", "holdfast retry %s --offset %d", s.flags(), d.Offset)
}

func (s *scene) likePaused(d *JobDetail) string {
	p := s.pauseOf(d)
	if p == nil {
		return "paused"
	}
	text := "paused since " + words.Moment(p.Since, s.now) + ": " + s.scopeOf(p)
	if p.Reason != "" {
		text += ", because of: " + words.Short(p.Reason, 200)
	}
	if d.Attempts > 0 {
		text += fmt.Sprintf("; %s so far", words.Number(d.Attempts, "attempt"))
	}
	return text
}

// pauseOf finds the pause that keeps a job from running; nil: there is none.
func (s *scene) pauseOf(d *JobDetail) *PauseEntry {
	for i := range s.pauses {
		if p := &s.pauses[i]; !p.OfLane || p.Lane == d.Lane {
			return p
		}
	}
	return nil
}

// pauseOfAll finds a pause of the whole partition, also with its topic; nil: there
// is none.
func (s *scene) pauseOfAll() *PauseEntry {
	for i := range s.pauses {
		if p := &s.pauses[i]; !p.OfLane {
			return p
		}
	}
	return nil
}

func (s *scene) scopeOf(p *PauseEntry) string {
	switch {
	case p.OfLane:
		return "its lane " + words.Shown([]byte(p.Lane))
	case p.Partition < 0:
		return "the topic " + p.Topic
	}
	return "the partition"
}

func (s *scene) nextPaused(d *JobDetail) string {
	if p := s.pauseOf(d); p != nil && !p.Until.IsZero() {
		return fmt.Sprintf("the pause ends by itself %s.", words.Until(p.Until, s.now))
	}
	return "nothing, until you resume it."
}

func (s *scene) canPaused(e *Explanation, d *JobDetail) {
	if p := s.pauseOf(d); p != nil {
		s.canResume(e, p)
	}
}

func (s *scene) canResume(e *Explanation, p *PauseEntry) {
	switch {
	case p.OfLane:
		e.can("its jobs run again", "holdfast resume %s %s", s.flags(), words.LaneFlag(p.Lane))
	case p.Partition < 0:
		e.can("jobs of the topic run again", "holdfast resume --topic %s", words.Quoted(s.Topic))
	default:
		e.can("jobs of the partition run again", "holdfast resume %s", s.flags())
	}
}

func (s *scene) likeParked(d *JobDetail) string {
	if d.Parked == nil {
		return "parked: its lane is set aside"
	}
	return "parked since " + words.Moment(d.Parked.Since, s.now) + ": " + laneAside(d.Parked)
}

func (s *scene) nextParked(*JobDetail) string {
	return "nothing, until you release its lane: then its jobs run in their order."
}

func (s *scene) canParked(e *Explanation, d *JobDetail) {
	by := words.LaneFlag(d.Lane)
	if d.Own || d.Lane == "" {
		by = fmt.Sprintf("--offset %d", d.Offset)
		if d.Parked != nil && d.Parked.Offset >= 0 {
			by = fmt.Sprintf("--offset %d", d.Parked.Offset)
		}
	}
	e.can("its jobs run, in their order", "holdfast release %s %s", s.flags(), by)
}

func (s *scene) likeDead(d *JobDetail) string {
	l := d.Letter
	by := fmt.Sprintf("after %s", words.Number(d.Attempts, "attempt"))
	if l.Operator {
		by = "by an operator"
	}
	text := fmt.Sprintf("dead letter since %s, buried %s", words.Moment(l.Buried, s.now), by)
	if l.Reason != "" {
		text += ": " + words.Short(l.Reason, 300)
	}
	if l.Unsent {
		text += "; its copy is not in the dead-letter topic yet"
	}
	return text
}

func (s *scene) nextDead(d *JobDetail) string {
	if s.settings != nil && s.settings.Keep > 0 {
		return fmt.Sprintf("it is kept until %s, unless you act.", words.Moment(d.Letter.Buried.Add(s.settings.Keep), s.now))
	}
	return "nothing, until you act."
}

func (s *scene) canDead(e *Explanation, d *JobDetail) {
	at := fmt.Sprintf("%s --offset %d", s.flags(), d.Offset)
	if s.known {
		e.can("it is a job again", "holdfast requeue %s", at)
	}
	e.can("it is gone for good", "holdfast discard %s", at)
}
