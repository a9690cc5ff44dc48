package inspect

import (
	"fmt"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

// around tells what else there is to know of the partition.
func (s *scene) around(e *Explanation) {
	s.tellPauses(e)
	s.tellGuard(e)
	s.tellParked(e)
	s.tellAside(e)
	s.tellDead(e)
	if wish := s.State.Seek; s.known && wish != nil {
		text := "it is to go on from offset %d, as asked for at %s"
		if !wish.Applied {
			text += ", when it is assigned here again"
		}
		e.fact("seek", text, wish.Offset, words.Moment(wish.Asked, s.now))
	}
	if s.suspects > 0 {
		e.fact("suspects", "the process has crashed again and again: %s that ran then run alone, one after the other", words.Number(s.suspects, "job"))
	}
	if s.known && s.live {
		s.tellKafka(e)
	}
	if s.drain.On {
		e.fact("fetching", "the bridge %s: no records are fetched", s.drain)
		e.can("records are fetched again", "holdfast drain --undo")
	}
	if by := throttles[s.Throttle]; by != "" && s.live && e.Cause != CauseNotFetched {
		e.fact("fetching", "no more is read for now: %s", throttleWords[by])
		if by == ThrottledByDisk || by == ThrottledByMinFree {
			e.can("what takes up the room", "holdfast inspect disk")
		}
	}
}

// tellPauses tells of pauses, but for that of the job in question.
func (s *scene) tellPauses(e *Explanation) {
	var its *PauseEntry
	if e.Job != nil && e.Job.State == Paused {
		its = s.pauseOf(e.Job)
	}
	lanes := 0
	for i := range s.pauses {
		p := &s.pauses[i]
		switch {
		case p == its:
		case p.OfLane && e.Job != nil && p.Lane == e.Job.Lane:
			e.fact("paused", "%s is paused since %s", s.scopeOf(p), words.Moment(p.Since, s.now))
		case p.OfLane:
			lanes++
		default:
			text := s.scopeOf(p) + " is paused since " + words.Moment(p.Since, s.now)
			if !p.Until.IsZero() {
				text += ", until " + words.Moment(p.Until, s.now)
			}
			e.fact("paused", "%s; records are stored, and no job starts", text)
			if e.Job == nil {
				s.canResume(e, p)
			}
		}
	}
	if lanes > 0 {
		e.fact("paused", "%s by themselves", words.Number(lanes, "lane"))
		e.can("which lanes", "holdfast inspect pauses")
	}
}

func (s *scene) tellGuard(e *Explanation) {
	if s.settings == nil || s.settings.Guard == nil || !s.settings.Guard.Active {
		return
	}
	g := s.settings.Guard
	e.fact("guard", "too many jobs of %s fail: none is given up for now (%s held back so far, %d of %d burials left); look for what they have in common",
		s.Topic, words.Number(g.Refused, "time"), g.Tokens, g.Bucket)
}

// tellParked tells of lanes that are set aside, and who keeps the rest of them.
func (s *scene) tellParked(e *Explanation) {
	if s.lanes == 0 {
		return
	}
	e.fact("parked", "%s set aside with %s; the committed offset does not wait for them", words.Number(s.lanes, "lane"), words.Number(s.parkedJobs(), "job"))
	for i := range s.parked {
		if l := &s.parked[i]; len(l.Elsewhere) > 0 {
			e.fact("rest", "%s: the store %s keeps the rest of its jobs; release it there, too, when that bridge has the partition",
				laneName(l), strings.Join(l.Elsewhere, ", "))
		}
	}
	if e.Job == nil || e.Job.State != Parked {
		e.can("what is set aside, and why", "holdfast inspect lanes %s --state parked", s.flags())
	}
}

func (s *scene) parkedJobs() (n int64) {
	if s.known {
		return s.Counts.Parked
	}
	for i := range s.parked {
		n += s.parked[i].Jobs
	}
	return n
}

func laneName(l *ParkedLane) string {
	switch {
	case l.Own:
		return fmt.Sprintf("the lane of offset %d", l.Offset)
	case l.Lane == "" && l.Jobs == 0: // with its jobs its name would be here
		return "lane " + l.LaneID.String()
	}
	return "lane " + words.Shown([]byte(l.Lane))
}

// laneAside tells of a parked lane why, with how many jobs, and where the rest is.
func laneAside(l *ParkedLane) string {
	text := laneName(l) + " is set aside with " + words.Number(l.Jobs, "job")
	switch {
	case l.Offset >= 0 && l.Reason != "":
		text += fmt.Sprintf(", since %d failed: %s", l.Offset, words.Short(l.Reason, 200))
	case l.Reason != "":
		text += ", because of: " + words.Short(l.Reason, 200)
	}
	if len(l.Elsewhere) > 0 {
		text += "; the store " + strings.Join(l.Elsewhere, ", ") + " keeps the rest"
	}
	return text
}

// tellAside tells of jobs that were requeued or released and are not finished.
func (s *scene) tellAside(e *Explanation) {
	n := s.State.Aside
	if n == 0 {
		return
	}
	text := words.Number(n, "job") + ", requeued or released, not finished yet"
	if s.State.Open == 0 && s.Counts.Halted > 0 { // there are no others that could be halted
		text += fmt.Sprintf(", %d halted until you act", s.Counts.Halted)
	}
	e.fact("aside", "%s; the committed offset does not wait for them", text)
	if e.Job == nil || !e.Job.Aside {
		e.can("what they wait for", "holdfast inspect jobs %s", s.flags())
	}
}

func (s *scene) tellDead(e *Explanation) {
	if s.dead.Letters == 0 || e.Job != nil && e.Job.State == Dead && s.dead.Letters == 1 {
		return
	}
	text := words.Number(s.dead.Letters, "dead letter")
	if !s.dead.Oldest.IsZero() {
		text += ", the oldest buried " + words.Span(s.now.Sub(s.dead.Oldest)) + " ago"
	}
	e.fact("dead", "%s; the offset does not wait for them", text)
}

// tellKafka tells of the group and of commits where something is wrong.
func (s *scene) tellKafka(e *Explanation) {
	c, m := s.claim, s.member
	if c == nil || e.Cause == CauseHeld || e.Cause == CauseTaking {
		return
	}
	if !c.Fixed && m != nil {
		switch silent := s.now.Sub(m.Confirmed); {
		case m.ID == "":
			e.fact("kafka", "this bridge is no member of its group at the moment: no job of the partition starts; those that run go on")
		case !s.leased(s.now):
			e.fact("kafka", "the group's coordinator has not answered for %s, longer than the session timeout: no job starts until it does; those that run go on", words.Span(silent))
		case !m.Confirmed.IsZero() && silent > answerWithin:
			e.fact("kafka", "the group's coordinator has not answered for %s; once the session has timed out no job starts", words.Span(silent))
		}
	}
	if s.log != nil && s.log.Err != "" && s.now.Sub(s.log.At) > answerWithin {
		e.fact("log", "what Kafka holds is as of %s: %s", words.Moment(s.log.At, s.now), words.Short(s.log.Err, 200))
	}
	if e.Cause == CauseCommit {
		return
	}
	if trouble := s.commitTrouble(); trouble != "" {
		e.fact("commit", "%s; %s more may be committed", trouble, words.Number(s.commitLag(), "offset"))
	} else if lag := s.commitLag(); lag > 0 {
		e.fact("commit", "%s more may be committed, and are with the next commit", words.Number(lag, "offset"))
	}
}
